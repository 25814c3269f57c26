"""Every statement, compared with a golden file of its own. GOLDEN=update rewrites the files; look at the difference."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from connectors.duckdb.columns import DUCKDB, typed
from connectors.duckdb.evolution import alter, remake, require_metadata, rewrite, rewritten
from connectors.duckdb.merging import dedupe, merge
from connectors.duckdb.sql import DuckDbStatements, attach, attach_to_read, attached_as, spill_into, use
from connectors.sql.text import Sql
from dataflow.evolution import ColumnChangeset, ColumnType, ColumnTypeChange
from dataflow.types import INTEGER, NUMBER, STRING, TIMESTAMP_WITH_TIMEZONE, Array, Column, TableName
from tests.connectors.duckdb.stage import recipe
from tests.connectors.sql.shared import compared, shared, written

GOLDEN = Path(__file__).parent / "golden"

SQL = DuckDbStatements(catalog="lake")
SOFT = DuckDbStatements(catalog="lake", hard_deletes=False)

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
# DuckDB merges, inserts and changes columns in its own way.
NOT_SENT = {"insert_row", "add_column", "drop_column"}
STATEMENTS: dict[str, Sql | Sequence[Sql]] = {
    **{
        name: each
        for name, each in shared(SQL).items()
        if name not in NOT_SENT and not name.startswith(("dedupe", "merge"))
    },
    "find_indexes": SQL.find_indexes(),
    "estimate_rows": SQL.estimate_rows(),
    "attach": attach("/data/it's.duckdb", 20480),
    "attach_as": attach("/data/memory.duckdb", 20480, "memory_db"),
    "attach_to_read": attach_to_read("/data/it's.duckdb", "it's"),
    "attached_as": attached_as(),
    "spill_into": spill_into("/data/it's.duckdb.tmp"),
    "use": use("it's"),
    "insert_batches": SQL.insert_batches(FINAL, typed(COLUMNS)),
    "insert_batches_of_one_meta": SQL.insert_batches(FINAL, typed(COLUMNS), '{"sync_id":1,"changes":[]}'),
    "dedupe": dedupe(SQL, TEMP, recipe(COLUMNS)),
    "dedupe_by_cursor": dedupe(SQL, TEMP, recipe(COLUMNS, ("id", 'a"b'), "updated_at")),
    "dedupe_cdc_hard": dedupe(SQL, TEMP, recipe(CDC, cursor="lsn")),
    "dedupe_cdc_soft": dedupe(SOFT, TEMP, recipe(CDC, cursor="lsn")),
    "merge": merge(SQL, TEMP, FINAL, recipe(COLUMNS)),
    "merge_by_cursor": merge(SQL, TEMP, FINAL, recipe(COLUMNS, ("id", 'a"b'), "updated_at")),
    "merge_by_key_that_is_the_cursor": merge(SQL, TEMP, FINAL, recipe(COLUMNS, cursor="id")),
    "merge_cdc_hard": merge(SQL, TEMP, FINAL, recipe(CDC, cursor="updated_at")),
    "merge_cdc_soft": merge(SOFT, TEMP, FINAL, recipe(CDC, cursor="updated_at")),
    "alter": alter(SQL.table(FINAL), CHANGESET),
    "alter_in_place": alter(SQL.table(FINAL), IN_PLACE),
    "rewrite": rewrite(SQL.table(FINAL), rewritten(CHANGESET)),
    "remake": remake(SQL.table(FINAL), CHANGESET),
    "require_metadata": require_metadata(SQL.table(FINAL)),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_statement_is_the_golden_one(name: str) -> None:
    text = written(DUCKDB, STATEMENTS[name])

    assert text == compared(GOLDEN / f"{name}.sql", text)


def test_no_golden_file_is_left_over() -> None:
    assert {golden.stem for golden in GOLDEN.glob("*.sql")} == set(STATEMENTS)
