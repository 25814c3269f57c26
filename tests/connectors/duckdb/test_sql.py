"""Every statement, compared with a golden file of its own. GOLDEN=update rewrites the files; look at the difference."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from connectors.duckdb.columns import DUCKDB, typed
from connectors.duckdb.evolution import alter, remake, require_metadata, rewrite, rewritten
from connectors.duckdb.sql import SqlGenerator, attach, attached_as, spill_into, use
from connectors.sql.text import Sql
from dataflow.evolution import ColumnChangeset, ColumnType, ColumnTypeChange
from dataflow.types import INTEGER, NUMBER, STRING, TIMESTAMP_WITH_TIMEZONE, Array, Column, TableName
from tests.connectors.duckdb.stage import recipe

GOLDEN = Path(__file__).parent / "golden"

SQL = SqlGenerator("lake")
SOFT = SqlGenerator("lake", hard_deletes=False)

FINAL = TableName('sales"2025', "Robert'); DROP TABLE students;--")
TEMP = TableName('sales"2025', "students_airbyte_tmp")
COLUMNS = (
    Column("id", "id", INTEGER),
    Column("select", "select", STRING),
    Column('a"b', 'a"b', NUMBER),
    Column("$name {} %s", "$name {} %s", Array()),
    Column("updated_at", "updated_at", TIMESTAMP_WITH_TIMEZONE),
)
CDC = (
    *COLUMNS,
    # A physical name need not be the field's.
    Column("deleted", "_ab_cdc_deleted_at", STRING),
    Column("lsn", "_ab_cdc_lsn", NUMBER),
    Column("_ab_cdc_log_pos", "_ab_cdc_log_pos", NUMBER),
)
CHANGESET = ColumnChangeset(
    add={"new": ColumnType("BIGINT"), "Renamed": ColumnType("VARCHAR"), "Both": ColumnType("JSON")},
    drop={"old": ColumnType("VARCHAR"), "RENAMED": ColumnType("VARCHAR"), "both": ColumnType("VARCHAR")},
    change={
        "wider": ColumnTypeChange(ColumnType("BIGINT"), ColumnType("VARCHAR")),
        "narrower": ColumnTypeChange(ColumnType("VARCHAR", nullable=False), ColumnType("BIGINT")),
        "freed": ColumnTypeChange(ColumnType("DATE", nullable=False), ColumnType("DATE")),
    },
)
IN_PLACE = ColumnChangeset(
    change={
        "wider": ColumnTypeChange(ColumnType("BIGINT"), ColumnType("DECIMAL(38,9)")),
        "text": ColumnTypeChange(ColumnType("DATE", nullable=False), ColumnType("VARCHAR")),
    },
)
STATEMENTS: dict[str, Sql | Sequence[Sql]] = {
    "find_schema": SQL.find_schema(),
    "create_schema": SQL.create_schema('sales"2025'),
    "find_table": SQL.find_table(),
    "find_view": SQL.find_view(),
    "add_metadata": SQL.add_metadata(FINAL, "_airbyte_meta"),
    "find_tables": SQL.find_tables(),
    "estimate_rows": SQL.estimate_rows(),
    "find_columns": SQL.find_columns(),
    "create_table": SQL.create_table(FINAL, typed(COLUMNS)),
    "create_table_without_columns": SQL.create_table(FINAL, {}),
    "drop_table": SQL.drop_table(FINAL),
    "rename_table": SQL.rename_table(TEMP, FINAL.name),
    "attach": attach("/data/it's.duckdb", 20480),
    "attach_as": attach("/data/memory.duckdb", 20480, "memory_db"),
    "attached_as": attached_as(),
    "spill_into": spill_into("/data/it's.duckdb.tmp"),
    "use": use("it's"),
    "any_row": SQL.any_row(FINAL),
    "has_lost_value": SQL.has_lost_value(FINAL, COLUMNS[0]),
    "count_rows": SQL.count_rows(FINAL),
    "delete_rows": SQL.delete_rows(FINAL),
    "delete_rows_after": SQL.delete_rows_after(FINAL),
    "copy_rows": SQL.copy_rows(TEMP, FINAL, COLUMNS),
    "insert_batches": SQL.insert_batches(FINAL, typed(COLUMNS)),
    "dedupe": SQL.dedupe(TEMP, recipe(COLUMNS)),
    "dedupe_by_cursor": SQL.dedupe(TEMP, recipe(COLUMNS, ("id", 'a"b'), "updated_at")),
    "dedupe_cdc_hard": SQL.dedupe(TEMP, recipe(CDC, cursor="lsn")),
    "dedupe_cdc_soft": SOFT.dedupe(TEMP, recipe(CDC, cursor="lsn")),
    "merge": SQL.merge(TEMP, FINAL, recipe(COLUMNS)),
    "merge_by_cursor": SQL.merge(TEMP, FINAL, recipe(COLUMNS, ("id", 'a"b'), "updated_at")),
    "merge_by_key_that_is_the_cursor": SQL.merge(TEMP, FINAL, recipe(COLUMNS, cursor="id")),
    "merge_cdc_hard": SQL.merge(TEMP, FINAL, recipe(CDC, cursor="updated_at")),
    "merge_cdc_soft": SOFT.merge(TEMP, FINAL, recipe(CDC, cursor="updated_at")),
    "alter": alter(SQL.table(FINAL), CHANGESET),
    "alter_in_place": alter(SQL.table(FINAL), IN_PLACE),
    "rewrite": rewrite(SQL.table(FINAL), rewritten(CHANGESET)),
    "remake": remake(SQL.table(FINAL), CHANGESET),
    "require_metadata": require_metadata(SQL.table(FINAL)),
}


def written(statements: Sql | Sequence[Sql]) -> str:
    each = [statements] if isinstance(statements, Sql) else statements
    return "".join(f"{DUCKDB.render(statement)};\n" for statement in each)


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_statement_is_the_golden_one(name: str) -> None:
    golden = GOLDEN / f"{name}.sql"
    if os.environ.get("GOLDEN") == "update":
        golden.write_text(written(STATEMENTS[name]))

    assert written(STATEMENTS[name]) == golden.read_text()


def test_no_golden_file_is_left_over() -> None:
    assert {golden.stem for golden in GOLDEN.glob("*.sql")} == set(STATEMENTS)
