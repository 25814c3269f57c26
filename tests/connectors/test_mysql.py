"""The MySQL connector keeps the contract, on a real MariaDB."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pymysql
import pytest

from connectors.mysql import DEFINITION
from connectors.mysql.columns import INSTANT, MYSQL, TYPES
from connectors.mysql.sql import MysqlStatements
from connectors.sql.text import Name, Sql, listed, sql
from connectors.testkit import Capabilities, ContractSuite, Destination
from dataflow.types import Kind, TableName

# A change of a table commits by itself.
CAPABILITIES = Capabilities(undoes_tables=False)
STATEMENTS = MysqlStatements()
OURS = ("information_schema", "mysql", "performance_schema", "sys", "airbyte_internal")


class Look:
    """Looks into a server past the connector."""

    def __init__(self, socket: Path) -> None:
        self._connection = pymysql.connect(
            unix_socket=str(socket), user="root", charset="utf8mb4", autocommit=True, ssl_disabled=True
        )

    def read(self, table: TableName) -> list[dict[str, Any]]:
        with self._connection.cursor() as cursor:
            cursor.execute(MYSQL.render(STATEMENTS.find_columns()), dict(STATEMENTS.place(table)))
            kinds = {name: kind for name, kind, _ in cursor.fetchall()}
            cursor.execute(MYSQL.render(sql("SELECT * FROM {}", _name(table))))
            return [
                {name: _plain(value, kinds[name]) for name, value in zip(kinds, row, strict=True)}
                for row in cursor.fetchall()
            ]

    def tables(self) -> set[TableName]:
        with self._connection.cursor() as cursor:
            cursor.execute(MYSQL.render(STATEMENTS.find_tables()))
            return {TableName(*row) for row in cursor.fetchall() if row[0] not in OURS}

    def make_foreign(self, table: TableName) -> None:
        self._do(sql("CREATE TABLE {} (whatever text)", _name(table)))

    def make_view(self, table: TableName) -> None:
        self._do(sql("CREATE VIEW {} AS SELECT 1 AS id", _name(table)))

    def drop_columns(self, table: TableName, columns: Sequence[str]) -> None:
        dropped = listed(sql("DROP COLUMN {}", Name(column)) for column in columns)
        self._do(sql("ALTER TABLE {} {}", _name(table), dropped))

    def empty(self) -> None:
        """Drop all databases but the server's own."""
        with self._connection.cursor() as cursor:
            cursor.execute("SHOW DATABASES")
            for (name,) in cursor.fetchall():
                if name not in OURS[:-1]:
                    cursor.execute(MYSQL.render(sql("DROP DATABASE {}", Name(name))))

    def _do(self, statement: Sql) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(MYSQL.render(statement))

    def close(self) -> None:
        self._connection.close()


def _name(table: TableName) -> Name:
    return Name(table.namespace, table.name)


def _plain(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == INSTANT:
        return value.replace(tzinfo=UTC)
    if kind == TYPES[Kind.BOOLEAN]:
        return bool(value)
    if isinstance(value, timedelta):
        return (datetime(1, 1, 1) + value).time()  # noqa: DTZ001 - a time has no zone
    return value


def options(socket: Path) -> Mapping[str, Any]:
    """The configuration that leads a destination to this server."""
    return {"host": str(socket), "database": "kit", "username": "root", "ssl": False}


def destination_at(socket: Path, look: Look) -> Destination:
    """The destination that writes to this server."""
    return Destination(
        definition=DEFINITION,
        options=options(socket),
        soft_delete={"cdc_deletion_mode": "Soft delete"},
        read=look.read,
        tables=look.tables,
        make_foreign=look.make_foreign,
        make_view=look.make_view,
        drop_columns=look.drop_columns,
    )


class TestMysql(ContractSuite):
    capabilities: ClassVar = CAPABILITIES

    @pytest.fixture
    def destination(self, mysql_server: Path) -> Iterator[Destination]:
        with closing(Look(mysql_server)) as look:
            look.empty()
            yield destination_at(mysql_server, look)
