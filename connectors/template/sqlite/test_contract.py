"""The SQLite connector keeps the contract, in a file."""

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from connectors.sql.text import Name, Sql, sql
from connectors.sqlite import DEFINITION
from connectors.sqlite.columns import SQLITE
from connectors.testkit import ContractSuite, Destination
from dataflow.types import TableName

INTERNAL = "airbyte_internal"
# How the kit is given what is stored as text.
READ: Mapping[str, Callable[[Any], Any]] = {
    "BOOLEAN": bool,
    "DECIMAL TEXT": Decimal,
    "DATE": date.fromisoformat,
    "TIME": time.fromisoformat,
    "TIMESTAMP": datetime.fromisoformat,
    "TIMESTAMP WITH TIME ZONE": datetime.fromisoformat,
}


class Look:
    """Looks into a SQLite file past the connector."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self, table: TableName) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self._file)) as connection:
            columns = connection.execute("SELECT name, type FROM pragma_table_info(?)", [_name(table)])
            read = {name: READ.get(kind, lambda value: value) for name, kind in columns}
            rows = connection.execute(_text(sql("SELECT * FROM {}", Name(_name(table)))))
            return [
                {
                    name: None if value is None else read[name](value)
                    for name, value in zip(read, row, strict=True)
                }
                for row in rows
            ]

    def tables(self) -> set[TableName]:
        with closing(sqlite3.connect(self._file)) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {table for (name,) in names if (table := _table(name)).namespace != INTERNAL}

    def make_foreign(self, table: TableName) -> None:
        with closing(sqlite3.connect(self._file)) as connection:
            connection.execute(_text(sql("CREATE TABLE {} (whatever TEXT)", Name(_name(table)))))

    def make_view(self, table: TableName) -> None:
        with closing(sqlite3.connect(self._file)) as connection:
            connection.execute(_text(sql("CREATE VIEW {} AS SELECT 1 AS id", Name(_name(table)))))

    def drop_columns(self, table: TableName, columns: Sequence[str]) -> None:
        with closing(sqlite3.connect(self._file)) as connection:
            for column in columns:
                drop = sql("ALTER TABLE {} DROP COLUMN {}", Name(_name(table)), Name(column))
                connection.execute(_text(drop))


def _text(statement: Sql) -> str:
    return SQLITE.render(statement)


def _name(table: TableName) -> str:
    if table.namespace == "main":
        return re.sub("^s(?=qlite_)", "%73", _without_dots(table.name))
    return f"{_without_dots(table.namespace)}.{table.name}"


def _without_dots(name: str) -> str:
    return name.replace("%", "%25").replace(".", "%2E")


def _table(name: str) -> TableName:
    namespace, dot, rest = name.partition(".")
    return TableName(unquote(namespace), rest) if dot else TableName("main", unquote(name))


class TestSqlite(ContractSuite):
    @pytest.fixture
    def destination(self, tmp_path: Path) -> Destination:
        look = Look(tmp_path / "it.sqlite")
        return Destination(
            definition=DEFINITION,
            options={"destination_path": str(tmp_path / "it.sqlite")},
            soft_delete={"cdc_deletion_mode": "Soft delete"},
            read=look.read,
            tables=look.tables,
            make_foreign=look.make_foreign,
            make_view=look.make_view,
            drop_columns=look.drop_columns,
        )
