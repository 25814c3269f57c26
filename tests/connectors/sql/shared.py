"""The shared statements, each by a name, for the golden files of every dialect. Executes none."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import evolve

from connectors.contract import Recipe
from connectors.sql.dialect import Dialect
from connectors.sql.merging import dedupe, merge
from connectors.sql.statements import Statements
from connectors.sql.text import Sql
from dataflow.catalog import Strategy
from dataflow.types import INTEGER, NUMBER, STRING, Array, Column, Kind, TableName

FINAL = TableName('sales"2025', "Robert'); DROP TABLE students;--")
TEMP = TableName("main", "students_airbyte_tmp")
COLUMNS = (
    Column("id", "id", INTEGER),
    Column("select", "select", STRING),
    Column('a"b', 'a"b', NUMBER),
    Column(":name {} %s", ":name {} %s", Array()),
)
CDC = (
    *COLUMNS,
    # A physical name need not be the field's.
    Column("deleted", "_ab_cdc_deleted_at", STRING),
    Column("lsn", "_ab_cdc_lsn", NUMBER),
)


def recipe(columns: tuple[Column, ...], key: tuple[str, ...] = ("id",), cursor: str | None = None) -> Recipe:
    return Recipe(strategy=Strategy.DEDUP, generation_id=1, primary_key=key, cursor=cursor, columns=columns)


def shared(statements: Statements) -> Mapping[str, Sql | Sequence[Sql]]:
    """Everything that `Statements` and `merging` compose."""
    soft = evolve(statements, hard_deletes=False)
    by_two = recipe(COLUMNS, ("id", 'a"b'), 'a"b')
    kind = statements.dialect.column_type
    return {
        "find_table": statements.find_table(),
        "find_holder": statements.find_holder(),
        "find_tables": statements.find_tables(),
        "find_columns": statements.find_columns(),
        "find_namespace": statements.find_namespace(),
        "create_namespace": statements.create_namespace("crm"),
        "add_metadata": statements.add_metadata(FINAL, "_airbyte_generation_id"),
        "create_table": statements.create_table(FINAL, COLUMNS, ("id",)),
        "create_table_without_columns": statements.create_table(TEMP, (), ()),
        "drop_table": statements.drop_table(FINAL),
        "rename_table": statements.rename_table(TEMP, FINAL),
        "any_row": statements.any_row(FINAL),
        "has_lost_value": statements.has_lost_value(FINAL, COLUMNS[0]),
        "any_row_up_to": statements.any_row_up_to(FINAL),
        "count_rows": statements.count_rows(FINAL),
        "delete_rows": statements.delete_rows(FINAL),
        "delete_rows_after": statements.delete_rows_after(FINAL),
        "insert_row": statements.insert_row(FINAL, COLUMNS),
        "copy_rows": statements.copy_rows(TEMP, FINAL, COLUMNS),
        "dedupe": dedupe(statements, TEMP, by_two),
        "dedupe_cdc": dedupe(statements, TEMP, recipe(CDC)),
        "merge": merge(statements, TEMP, FINAL, by_two),
        "merge_cdc": merge(statements, TEMP, FINAL, recipe(CDC)),
        "merge_cdc_soft": merge(soft, TEMP, FINAL, recipe(CDC)),
        "add_column": statements.add_column(FINAL, 'a"b', kind(Kind.JSON)),
        "drop_column": statements.drop_column(FINAL, 'a"b'),
    }


def written(dialect: Dialect, statements: Sql | Sequence[Sql]) -> str:
    """What the database is sent, as a golden file holds it."""
    each = [statements] if isinstance(statements, Sql) else statements
    return "".join(f"{dialect.render(statement)};\n" for statement in each)


def compared(golden: Path, text: str) -> str:
    """The text of a golden file, which is rewritten first if GOLDEN=update."""
    if os.environ.get("GOLDEN") == "update":
        golden.write_text(text)
    return golden.read_text()
