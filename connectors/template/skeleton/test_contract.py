"""The connector keeps the contract. `Look` looks into the database past the connector: replace it by your driver."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.sql import Name, Sql, sql
from connectors.template.skeleton.package import DEFINITION
from connectors.template.skeleton.package.dialect import DIALECT, full_name
from connectors.testkit import ContractSuite, Destination
from dataflow.types import TableName

INTERNAL = "airbyte_internal"
# How the kit is given what is stored as text or number.
READ: Mapping[str, Callable[[Any], Any]] = {
    "BOOLEAN": bool,
    "DECIMAL TEXT": Decimal,
    "DATE": date.fromisoformat,
    "TIME": time.fromisoformat,
    "TIMESTAMP": datetime.fromisoformat,
    "TIMESTAMP WITH TIME ZONE": datetime.fromisoformat,
}


class Look:
    """What is committed, seen by a connection of its own."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def read(self, table: TableName) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self._database)) as connection:
            kinds = connection.execute("SELECT name, type FROM pragma_table_info(?)", [full_name(table)])
            read = {name: READ.get(kind, lambda value: value) for name, kind in kinds}
            rows = connection.execute(DIALECT.render(sql("SELECT * FROM {}", _name(table)))).fetchall()
        return [
            {
                name: None if value is None else read[name](value)
                for name, value in zip(read, row, strict=True)
            }
            for row in rows
        ]

    def tables(self) -> set[TableName]:
        with closing(sqlite3.connect(self._database)) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        tables = {TableName(*name.split(".", 1)) for (name,) in names}
        return {table for table in tables if table.namespace != INTERNAL}

    def make_foreign(self, table: TableName) -> None:
        self._do(sql("CREATE TABLE {} (whatever TEXT)", _name(table)))

    def make_view(self, table: TableName) -> None:
        self._do(sql("CREATE VIEW {} AS SELECT 1 AS id", _name(table)))

    def drop_columns(self, table: TableName, columns: Sequence[str]) -> None:
        for column in columns:
            self._do(sql("ALTER TABLE {} DROP COLUMN {}", _name(table), Name(column)))

    def _do(self, statement: Sql) -> None:
        with closing(sqlite3.connect(self._database)) as connection:
            connection.execute(DIALECT.render(statement))


def _name(table: TableName) -> Name:
    return Name(full_name(table))


class TestSkeleton(ContractSuite):
    @pytest.fixture
    def destination(self, tmp_path: Path) -> Destination:
        database = tmp_path / "it.db"
        look = Look(database)
        return Destination(
            definition=DEFINITION,
            options={"path": str(database)},
            soft_delete={"cdc_deletion_mode": "Soft delete"},
            read=look.read,
            tables=look.tables,
            make_foreign=look.make_foreign,
            make_view=look.make_view,
            drop_columns=look.drop_columns,
        )
