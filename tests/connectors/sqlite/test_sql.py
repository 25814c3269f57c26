"""Every statement, compared with a golden file of its own. GOLDEN=update rewrites the files; look at the difference."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from connectors.sql.evolution import change_column
from connectors.sql.text import Sql
from connectors.sqlite.columns import SQLITE, STORED_TEXT
from connectors.sqlite.sql import SqliteStatements, full_name
from dataflow.evolution import ColumnTypeChange
from dataflow.types import Kind, TableName
from tests.connectors.sql.shared import FINAL, compared, shared, written

GOLDEN = Path(__file__).parent / "golden"

SQL = SqliteStatements()
RETYPED = ColumnTypeChange(SQLITE.column_type(Kind.NUMBER), SQLITE.column_type(Kind.DATE))
# SQLite has no namespaces.
STATEMENTS: dict[str, Sql | Sequence[Sql]] = {
    name: each for name, each in shared(SQL).items() if not name.endswith("_namespace")
} | {
    "find_built": SQL.find_built(),
    "change_column": change_column(SQL, STORED_TEXT, FINAL, 'a"b', RETYPED),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_statement_is_the_golden_one(name: str) -> None:
    text = written(SQLITE, STATEMENTS[name])

    assert text == compared(GOLDEN / f"{name}.sql", text)


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
