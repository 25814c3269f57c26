"""What a column does when a value of a key or cursor is a misfit: which column would hold it, and what may be cut."""

from collections.abc import Iterable

import pytest

from dataflow.keys import Role, Unfit, disordered, unfit
from dataflow.misfits import Misfit
from dataflow.types import (
    BOOLEAN,
    DATE,
    INTEGER,
    NUMBER,
    STRING,
    TIMESTAMP_WITH_TIMEZONE,
    TIMESTAMP_WITHOUT_TIMEZONE,
    AirbyteType,
    Kind,
    Limits,
    Widened,
)
from tests.dataflow.input.test_roads import (
    exactly,
    packed,
    record,
)
from tests.dataflow.test_misfits import keyed


def needed(type_: AirbyteType, role: Role, tokens: Iterable[str], limits: Limits = Limits()) -> Kind | None:  # noqa: B008 - frozen
    whole: Unfit | None = None
    for token in tokens:
        found = unfit("id", type_, role, token.encode(), limits)
        assert found is not None
        whole = whole.joined(found) if whole else found
    assert whole is not None
    return whole.needed


@pytest.mark.parametrize(
    ("type_", "tokens", "kind"),
    [
        (INTEGER, ["18446744073709551611"], Kind.NUMBER),
        (INTEGER, ["1.5"], Kind.NUMBER),
        (INTEGER, ["1" * 35], Kind.STRING),
        (INTEGER, ["1e-12"], Kind.STRING),
        (INTEGER, ['"cf_1"'], Kind.STRING),
        (INTEGER, ['"cf_1"', "18446744073709551611"], Kind.STRING),
        (INTEGER, ['"cf_1\\u0000"'], None),
        (NUMBER, ["1e-12"], None),
        (BOOLEAN, ["1"], Kind.STRING),
        (DATE, ['"2024-01-01T10:00:00Z"'], Kind.TIMESTAMP_WITH_TIMEZONE),
        (DATE, ['"2024-01-01T10:00:00Z"', '"soon"'], None),
        (TIMESTAMP_WITHOUT_TIMEZONE, ['"2024-01-01T00:00:00+01:00"'], Kind.TIMESTAMP_WITH_TIMEZONE),
        (TIMESTAMP_WITH_TIMEZONE, ['"2024-01-01T00:00:00.100000001Z"'], None),
        (STRING, ['"a\\u0000"'], None),
    ],
)
def test_a_key_needs_the_nearest_kind_that_holds_all_its_values(
    type_: AirbyteType, tokens: list[str], kind: Kind | None
) -> None:
    assert needed(type_, Role.KEY, tokens) is kind


@pytest.mark.parametrize("role", [Role.ORDER, Role.KEY_AND_ORDER])
def test_what_orders_rows_never_becomes_a_text(role: Role) -> None:
    """As texts, 9 comes after 10."""
    assert needed(INTEGER, role, ["18446744073709551611"]) is Kind.NUMBER
    assert needed(INTEGER, role, ['"cf_1"']) is None
    assert needed(NUMBER, role, ["1e30"]) is None


@pytest.mark.parametrize("role", Role)
def test_what_became_a_text_orders_no_rows_unless_a_string_is_declared(role: Role) -> None:
    found = [
        disordered(type_, role)
        for type_ in (Widened(INTEGER, Kind.STRING), Widened(INTEGER, Kind.NUMBER), STRING)
    ]

    assert found == [role.orders, False, False]


def test_an_integer_needs_a_text_where_numbers_have_less_room() -> None:
    assert needed(INTEGER, Role.KEY, ["18446744073709551611"], Limits(number=(20, 3))) is Kind.STRING


@pytest.mark.parametrize(
    ("type_", "token"),
    [(TIMESTAMP_WITH_TIMEZONE, '"2024-01-01T00:00:00.1234567Z"'), (NUMBER, "0.30000000000000004")],
)
def test_the_last_digits_of_a_cursor_may_be_cut_and_those_of_a_key_may_not(
    type_: AirbyteType, token: str
) -> None:
    """Cut from all of them, they leave the order as it is."""
    found = {role: unfit("at", type_, role, token.encode(), Limits()) is not None for role in Role}

    assert found == {Role.KEY: True, Role.KEY_AND_ORDER: True, Role.ORDER: False, Role.DELETION: False}


def test_a_mark_of_a_deletion_must_only_be_there() -> None:
    lost = unfit("gone", TIMESTAMP_WITH_TIMEZONE, Role.DELETION, b'"yes"', Limits())

    assert lost is not None
    assert lost.misfits == (Misfit.NO_MOMENT,)


def test_in_a_column_of_texts_that_was_one_of_integers_equal_numbers_are_equal_texts() -> None:
    shape = keyed({"id": Widened(INTEGER, Kind.STRING)}, Limits())
    tokens = ["5", "5.0", "5e0", '"5"', '"05"', "-0", "0.50", "1e20", str(2**64), "true", "[1, 2]", "null"]
    chunk = b"".join(record(b'{"id": %s}' % token.encode()) for token in tokens)

    made, _ = packed([shape], chunk)

    texts = ["5", "5", "5", "5", "05", "0", "0.5", "1" + "0" * 20, str(2**64), "true", "[1, 2]", None]
    assert made.parcels[0].rows[0].cells["column 0"].to_pylist() == texts
    assert made.parcels[0].rows[0].unfit == ()
    assert exactly([shape], chunk)[0] == made


def test_a_mark_of_deletion_that_is_an_empty_text_says_nothing_whatever_its_type() -> None:
    found = [
        unfit("gone", type_, Role.DELETION, b'""', Limits()) for type_ in (TIMESTAMP_WITH_TIMEZONE, INTEGER)
    ]

    assert found == [None, None]
