"""Every statement the generator can write, as a golden file; GOLDEN=update in the environment writes them anew."""

from collections.abc import Mapping

import pytest
from psycopg.sql import Composed

from connectors.contract import Recipe
from connectors.postgres.columns import PostgresColumns
from connectors.postgres.sql import PostgresSql, entry_holder, lock_holder, lock_key
from dataflow.evolution import ColumnChangeset, ColumnType, ColumnTypeChange
from dataflow.types import CDC_DELETED_AT, Kind, TableName
from tests.connectors.postgres.support import FINAL, GOLDEN, TEMP, UPDATE, column, golden, recipe

SQL = PostgresSql(columns=PostgresColumns())
CASCADE = PostgresSql(columns=PostgresColumns(unconstrained=True), deletes=False, drop_cascade=True)
ALL_KINDS = [column(f"a_{kind.value}", kind) for kind in Kind]
USERS = [column("id", Kind.INTEGER), column("part", Kind.STRING), column("updated_at", Kind.STRING)]
BY_ID = recipe(USERS, ["id"])
BY_PAIR = recipe(USERS, ["id", "part"], "updated_at")
CDC = recipe(
    [*USERS, column(CDC_DELETED_AT, Kind.STRING), column("_ab_cdc_lsn", Kind.NUMBER)], ["id"], "_ab_cdc_lsn"
)
ELSEWHERE = TableName("elsewhere", TEMP.name)
NONE: frozenset[str] = frozenset()


def change(old: str, kind: Kind) -> ColumnChangeset:
    new = PostgresColumns().column_type(kind)
    return ColumnChangeset(change={"value": ColumnTypeChange(ColumnType(old), new)})


CHANGESET = ColumnChangeset(
    add={"added": ColumnType("jsonb")},
    drop={"dropped": ColumnType("text")},
    change={
        "wider": ColumnTypeChange(ColumnType("integer", nullable=False), ColumnType("bigint")),
        "other": ColumnTypeChange(ColumnType("jsonb"), ColumnType("character varying")),
        "strict": ColumnTypeChange(ColumnType("date"), ColumnType("date", nullable=False)),
    },
)


def merge(by: Recipe, nulls: frozenset[str] = NONE, generator: PostgresSql = SQL) -> tuple[Composed, ...]:
    return generator.merge(TEMP, FINAL, by, nulls)


STATEMENTS: Mapping[str, tuple[Composed, ...]] = {
    "namespace_exists": (SQL.namespace_exists(),),
    "create_namespace": (SQL.create_namespace("elsewhere"),),
    "table_exists": (SQL.table_exists(),),
    "table_is_empty": (SQL.table_is_empty(FINAL),),
    "count_rows": (SQL.count_rows(FINAL),),
    "create_table": (SQL.create_table(FINAL, ALL_KINDS),),
    "create_table_unconstrained": (CASCADE.create_table(FINAL, [column("value", Kind.NUMBER)]),),
    "drop_table": (SQL.drop_table(FINAL),),
    "drop_table_cascade": (CASCADE.drop_table(FINAL),),
    "trim_table": (SQL.trim_table(TEMP, everything=False), SQL.trim_table(TEMP, everything=True)),
    "copy_table": (SQL.copy_table(TEMP, FINAL, USERS),),
    "copy_in": (SQL.copy_in(TEMP, ["_airbyte_raw_id", "id", "part"]),),
    "set_default": (SQL.set_default(TEMP, "_airbyte_meta", '{"sync_id":1,"changes":["it\'s"]}'),),
    "has_default": (SQL.has_default(),),
    "overwrite_table": SQL.overwrite_table(TEMP, FINAL),
    "overwrite_table_elsewhere": CASCADE.overwrite_table(ELSEWHERE, FINAL),
    "lock_holder": (lock_holder(),),
    "entry_holder": (entry_holder(TableName("airbyte_internal", "_airbyte_ledger")),),
    "analyze": (SQL.analyze(TEMP, ["id", "updated_at"]),),
    "never_analyzed": (SQL.never_analyzed(),),
    "key_indexes": (SQL.key_indexes(),),
    "key_index": (SQL.create_key_index(FINAL, ["id", "part"]), SQL.drop_key_index(FINAL)),
    "null_keys": (SQL.null_keys(TEMP, BY_PAIR),),
    "merge": merge(BY_ID),
    "merge_by_two_with_cursor": merge(BY_PAIR),
    "merge_null_keys": merge(BY_PAIR, frozenset({"part"})),
    "merge_cdc": merge(CDC),
    "merge_cdc_soft": merge(CDC, generator=CASCADE),
    "dedupe_table": SQL.dedupe_table(TEMP, BY_PAIR),
    "dedupe_table_cdc": SQL.dedupe_table(TEMP, CDC),
    "discover_schema": (SQL.discover_schema(),),
    "apply_changeset": (SQL.apply_changeset(FINAL, CHANGESET),),
    "apply_changeset_cascade": (CASCADE.apply_changeset(FINAL, CHANGESET),),
    "change_from_text": tuple(SQL.apply_changeset(FINAL, change("text", kind)) for kind in Kind),
    "change_from_jsonb": tuple(SQL.apply_changeset(FINAL, change("jsonb", kind)) for kind in Kind),
    "change_from_bigint": tuple(SQL.apply_changeset(FINAL, change("bigint", kind)) for kind in Kind),
    "change_from_numeric": tuple(SQL.apply_changeset(FINAL, change("numeric", kind)) for kind in Kind),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_what_its_golden_file_says(name: str) -> None:
    recorded, composed = golden(name, *STATEMENTS[name])

    assert composed == recorded


def test_every_golden_file_belongs_to_a_statement() -> None:
    strays = [path for path in GOLDEN.iterdir() if path.name.removesuffix(".sql") not in STATEMENTS]
    for path in strays if UPDATE else ():
        path.unlink()

    assert UPDATE or strays == []


NASTY = "x\"; DROP TABLE users; --' %s %(a)s {} \\"


def test_a_name_never_leaves_its_quotes() -> None:
    table, by = TableName(NASTY, NASTY), recipe([column(NASTY, Kind.STRING)], [NASTY], NASTY)
    quoted = '"' + NASTY.replace('"', '""') + '"'
    written = [
        SQL.create_table(table, by.columns),
        *SQL.merge(table, table, by, NONE),
        *SQL.dedupe_table(table, by),
        *SQL.overwrite_table(table, table),
        SQL.apply_changeset(table, ColumnChangeset(drop={NASTY: ColumnType("text")})),
        SQL.create_namespace(NASTY),
    ]

    texts = [each.as_string(None) for each in written]

    assert all(quoted in each for each in texts if "INDEX" not in each)
    assert not any("DROP TABLE users" in each.replace(quoted, "") for each in texts if "INDEX" not in each)


def test_a_lock_is_a_number_of_64_bits_that_belongs_to_the_tables_whole_name() -> None:
    keys = {
        lock_key(TableName(*each))
        for each in [("a", "b"), ("a", "c"), ("b", "b"), ("a.b", "c"), ("a", "b.c")]
    }

    assert len(keys) == 5
    assert all(-(2**63) <= key < 2**63 for key in keys)
    assert lock_key(TableName("public", "users")) == lock_key(FINAL)
