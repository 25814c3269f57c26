"""What is remembered of a key's column that was widened, and what it means to a later catalog."""

from collections.abc import Collection, Mapping, Sequence

import pytest
from attrs import evolve

from dataflow.errors import TransientError
from dataflow.keys import Role, wider
from dataflow.names import NamingRules
from dataflow.ownership import claimed, widened
from dataflow.stream_tables import NamedTables, OwnedColumn, OwnedTable, StreamTables
from dataflow.table_catalog import with_columns
from dataflow.types import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    AirbyteType,
    Array,
    Field,
    Kind,
    Limits,
    Object,
    Scalar,
    StreamName,
    TableName,
    Widened,
)

USERS = StreamName(None, "users")
FINAL, TEMP = TableName("main", "users"), TableName("main", "users_tmp")
RULES = NamingRules(max_bytes=63, plain=True, ignore_case=False)
REMEMBERED = OwnedTable(
    final=FINAL, stream=USERS, columns=tuple(OwnedColumn(field=name, name=name) for name in ("id", "name"))
)


def named(declared: AirbyteType, remembered: OwnedTable) -> StreamTables:
    tables = NamedTables(final=FINAL, temp=TEMP, owned=remembered)
    return with_columns(USERS, [Field("id", declared), Field("name", STRING)], tables, RULES)


def to(kind: Kind) -> OwnedTable:
    return evolve(REMEMBERED, columns=widened(REMEMBERED.columns, {"id": kind}))


def test_only_the_columns_that_need_it_are_widened() -> None:
    assert [each.widened for each in to(Kind.NUMBER).columns] == [Kind.NUMBER, None]


@pytest.mark.parametrize(
    ("kind", "declared", "type_"),
    [
        (Kind.NUMBER, INTEGER, Widened(INTEGER, Kind.NUMBER)),
        (Kind.STRING, INTEGER, Widened(INTEGER, Kind.STRING)),
        (Kind.STRING, NUMBER, Widened(NUMBER, Kind.STRING)),
        (Kind.NUMBER, NUMBER, NUMBER),
        (Kind.NUMBER, STRING, STRING),
        (Kind.STRING, STRING, STRING),
    ],
)
def test_a_later_catalog_widens_a_column_further_and_never_narrows_it(
    kind: Kind, declared: AirbyteType, type_: AirbyteType
) -> None:
    assert named(declared, to(kind)).column("id").type == type_


# The declared kinds whose values a column that was widened to each kind holds unchanged. A text holds any.
HOLDS: Mapping[Kind, Collection[Kind]] = {
    Kind.STRING: tuple(Kind),
    Kind.NUMBER: (Kind.INTEGER, Kind.NUMBER),
    Kind.TIMESTAMP_WITH_TIMEZONE: (
        Kind.DATE,
        Kind.TIMESTAMP_WITHOUT_TIMEZONE,
        Kind.TIMESTAMP_WITH_TIMEZONE,
    ),
}
DECLARED: Sequence[AirbyteType] = [
    *(Scalar(kind) for kind in Kind if kind is not Kind.JSON),
    Object(),
    Array(),
]


@pytest.mark.parametrize("declared", DECLARED, ids=str)
@pytest.mark.parametrize("kind", HOLDS)
def test_a_column_that_was_widened_stays_so_only_where_it_holds_what_is_declared(
    kind: Kind, declared: AirbyteType
) -> None:
    found = named(declared, to(kind)).column("id").type

    assert found.kind is (kind if declared.kind in HOLDS[kind] else declared.kind)
    assert found == (declared if found.kind is declared.kind else Widened(declared, kind))


def test_every_kind_that_a_column_is_widened_to_is_held_against_every_declaration() -> None:
    reached = {each for kind in Kind for each in wider(kind, Role.KEY, Limits())}

    assert reached == set(HOLDS)


@pytest.mark.parametrize("kind", HOLDS)
def test_what_a_fields_values_needed_is_remembered_while_it_is_declared_as_another_kind(kind: Kind) -> None:
    """It holds again once the source declares the old type; and no run takes it for another's doing."""
    remembered = to(kind)
    between = claimed(remembered, named(BOOLEAN, remembered))

    assert between.columns == remembered.columns
    assert {
        named(Scalar(each), between).column("id").kind for each in HOLDS[kind] if each is not Kind.JSON
    } == {kind}


def test_a_run_keeps_what_was_remembered_when_it_claims_the_table() -> None:
    remembered = to(Kind.STRING)

    assert claimed(remembered, named(INTEGER, remembered)).columns == remembered.columns


def test_a_run_that_has_not_seen_that_a_column_was_widened_claims_nothing() -> None:
    with pytest.raises(TransientError, match="must be wider"):
        claimed(to(Kind.STRING), named(INTEGER, REMEMBERED))
