"""What is remembered of a key's column that was widened, and what it means to a later catalog."""

import pytest
from attrs import evolve

from dataflow.errors import TransientError
from dataflow.names import NamingRules
from dataflow.ownership import claimed, widened
from dataflow.table_catalog import NamedTables, OwnedColumn, OwnedTable, StreamTables, with_columns
from dataflow.types import INTEGER, NUMBER, STRING, AirbyteType, Field, Kind, StreamName, TableName, Widened

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


def test_a_run_keeps_what_was_remembered_when_it_claims_the_table() -> None:
    remembered = to(Kind.STRING)

    assert claimed(remembered, named(INTEGER, remembered)).columns == remembered.columns


def test_a_run_that_has_not_seen_that_a_column_was_widened_claims_nothing() -> None:
    with pytest.raises(TransientError, match="to be wider"):
        claimed(to(Kind.STRING), named(INTEGER, REMEMBERED))
