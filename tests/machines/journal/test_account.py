"""What a stream's account says to a person, and what it makes of an account that it cannot read."""

import pytest

from dataflow.evolution import Altered, How
from dataflow.types import ChangeKind, ChangeReason, Kind
from dataflow.unknown_fields import COUNTED, UnknownFields
from machines.journal.account import (
    NAMED,
    Account,
    ChangedValues,
    account_from_json,
    account_to_json,
    altered_from_json,
    changes_in,
)


def changed(field: str, values: int, kind: Kind = Kind.INTEGER) -> ChangedValues:
    return ChangedValues(
        field=field,
        kind=kind,
        change=ChangeKind.NULLED,
        reason=ChangeReason.SERIALIZATION,
        values=values,
    )


def dropped(column: str, rows: int | None) -> Altered:
    return Altered(table="public.users", column=column, how=How.DROPPED, type="bigint", rows=rows)


def test_values_that_became_null_are_reported_with_their_field_and_how_many() -> None:
    account = Account(rows=1000, changed=(changed("telephone", 1000),))

    assert changes_in(account) == ["telephone: 1,000 of 1,000 values became null (not a whole number)"]


def test_a_dropped_column_is_reported_with_its_type_and_rows() -> None:
    account = Account(altered=(dropped("weight", 1000), dropped("height", None)))

    assert changes_in(account) == [
        "column weight (bigint) of public.users was dropped, 1,000 rows",
        "column height (bigint) of public.users was dropped",
    ]


def test_no_more_than_twenty_of_a_kind_are_named_and_the_rest_counted() -> None:
    account = Account(rows=1, changed=tuple(changed(f"field_{n}", 1) for n in range(NAMED + 3)))

    changes = changes_in(account)

    assert len(changes) == NAMED + 1
    assert changes[-1] == "and 3 other fields"


@pytest.mark.parametrize(
    ("unknown", "words"),
    [
        (UnknownFields(("a",), 1), "1 field of the records is not in the schema: a"),
        (UnknownFields(("a", "b"), 2), "2 fields of the records are not in the schema: a, b"),
        (UnknownFields(("a", "b"), 7), "7 fields of the records are not in the schema: a, b and 5 more"),
        (
            UnknownFields(("a", "b"), COUNTED),
            f"{COUNTED} fields or more of the records are not in the schema: a, b and others",
        ),
    ],
)
def test_fields_that_the_schema_does_not_have_are_named(unknown: UnknownFields, words: str) -> None:
    assert changes_in(Account(unknown=unknown)) == [words]


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_column_has_words_for_what_a_value_is_not(kind: Kind) -> None:
    (words,) = changes_in(Account(rows=1, changed=(changed("x", 1, kind),)))

    assert words.startswith("x: 1 of 1 value became null (not ")


def test_an_account_is_read_as_it_was_written() -> None:
    account = Account(
        read=3,
        rows=2,
        changed=(changed("x", 1),),
        altered=(dropped("weight", 5),),
        unknown=UnknownFields(("a",), 1),
    )

    assert account_from_json(account_to_json(account)) == account


@pytest.mark.parametrize("value", [None, 7, "x", {"changed": [{"kind": "potato"}]}, {"read": {}}])
def test_an_account_of_another_version_is_none(value: object) -> None:
    assert account_from_json(value) is None


def test_columns_of_another_version_are_none() -> None:
    assert altered_from_json([{"how": "renamed"}]) == ()


def test_an_account_has_the_names_of_every_journal() -> None:
    written = {"read": 5, "bytes": 300, "told": 4, "rows": 5}

    account = Account(read=5, bytes=300, acknowledged=4, rows=5)

    assert (account_to_json(account), account_from_json(written)) == (written, account)
