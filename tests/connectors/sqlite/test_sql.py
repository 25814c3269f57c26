"""Every statement, compared with a golden file of its own. GOLDEN=update rewrites the files; look at the difference."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from connectors.contract import Recipe
from connectors.sql.text import Sql
from connectors.sqlite.columns import SQLITE
from connectors.sqlite.sql import SqlGenerator, full_name
from dataflow.catalog import Strategy
from dataflow.types import INTEGER, NUMBER, STRING, Array, Column, Kind, TableName

GOLDEN = Path(__file__).parent / "golden"

SQL = SqlGenerator()
SOFT = SqlGenerator(hard_deletes=False)

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


BY_TWO = recipe(COLUMNS, ("id", 'a"b'), 'a"b')
STATEMENTS: dict[str, Sql | Sequence[Sql]] = {
    "find_table": SQL.find_table(),
    "find_holder": SQL.find_holder(),
    "add_metadata": SQL.add_metadata(FINAL, "_airbyte_generation_id"),
    "find_tables": SQL.find_tables(),
    "find_columns": SQL.find_columns(),
    "find_built": SQL.find_built(),
    "create_table": SQL.create_table(FINAL, COLUMNS),
    "create_table_without_columns": SQL.create_table(TEMP, ()),
    "drop_table": SQL.drop_table(FINAL),
    "rename_table": SQL.rename_table(TEMP, FINAL),
    "any_row": SQL.any_row(FINAL),
    "has_lost_value": SQL.has_lost_value(FINAL, COLUMNS[0]),
    "count_rows": SQL.count_rows(FINAL),
    "delete_rows": SQL.delete_rows(FINAL),
    "delete_rows_after": SQL.delete_rows_after(FINAL),
    "insert_rows": SQL.insert_rows(FINAL, COLUMNS),
    "copy_rows": SQL.copy_rows(TEMP, FINAL, COLUMNS),
    "dedupe": SQL.dedupe(TEMP, BY_TWO),
    "dedupe_cdc": SQL.dedupe(TEMP, recipe(CDC)),
    "merge": SQL.merge(TEMP, FINAL, BY_TWO),
    "merge_cdc": SQL.merge(TEMP, FINAL, recipe(CDC)),
    "merge_cdc_soft": SOFT.merge(TEMP, FINAL, recipe(CDC)),
    "add_column": SQL.add_column(FINAL, 'a"b', SQLITE.column_type(Kind.JSON)),
    "drop_column": SQL.drop_column(FINAL, 'a"b'),
    "change_column": SQL.change_column(FINAL, 'a"b', SQLITE.column_type(Kind.DATE)),
}


def written(statements: Sql | Sequence[Sql]) -> str:
    each = [statements] if isinstance(statements, Sql) else statements
    return "".join(f"{SQLITE.render(statement)};\n" for statement in each)


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_statement_is_the_golden_one(name: str) -> None:
    golden = GOLDEN / f"{name}.sql"
    if os.environ.get("GOLDEN") == "update":
        golden.write_text(written(STATEMENTS[name]))

    assert written(STATEMENTS[name]) == golden.read_text()


def test_no_golden_file_is_left_over() -> None:
    assert {golden.stem for golden in GOLDEN.glob("*.sql")} == set(STATEMENTS)


def test_no_two_tables_have_the_same_name_in_the_file() -> None:
    tables = [
        TableName(*each)
        for each in [
            ("main", "users"),
            ("main", "main.users"),
            ("a", "b.c"),
            ("a.b", "c"),
            ("a%2Eb", "c"),
            ("main", "a.b.c"),
            ("main", "a%2Eb.c"),
            ("main", "sqlite_users"),
            ("main", "%73qlite_users"),
            ("sqlite_", "users"),
        ]
    ]

    names = [full_name(table).lower() for table in tables]

    assert len(set(names)) == len(tables)
    assert not any(name.startswith("sqlite_") for name in names)
