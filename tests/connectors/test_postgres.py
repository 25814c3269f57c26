"""The Postgres connector keeps the contract, on a real server."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from connectors.postgres import DEFINITION
from connectors.testkit import Capabilities, ContractSuite, Destination, TableOperationsSuite
from dataflow.types import TableName
from tests.servers.address import Address

COLUMNS = """
    SELECT attname, atttypid = 'jsonb'::regtype FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"""
TABLES = """
    SELECT schemaname, tablename FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'airbyte_internal')"""


class Look:
    """Looks into a database past the connector."""

    def __init__(self, database: Address) -> None:
        self._dsn = database.dsn

    def read(self, table: TableName) -> list[dict[str, Any]]:
        name = Identifier(table.namespace, table.name)
        with psycopg.connect(self._dsn, options="-c TimeZone=UTC") as connection:
            types = connection.execute(COLUMNS, [name.as_string()]).fetchall()
            shown = [SQL("{0}::text AS {0}" if json else "{0}").format(Identifier(n)) for n, json in types]
            statement = SQL("SELECT {} FROM {}").format(SQL(", ").join(shown), name)
            return connection.cursor(row_factory=dict_row).execute(statement).fetchall()

    def tables(self) -> set[TableName]:
        with psycopg.connect(self._dsn) as connection:
            return {TableName(*row) for row in connection.execute(TABLES).fetchall()}

    def make_foreign(self, table: TableName) -> None:
        with psycopg.connect(self._dsn) as connection:
            name = Identifier(table.namespace, table.name)
            connection.execute(SQL("CREATE TABLE {} (whatever text)").format(name))

    def make_view(self, table: TableName) -> None:
        with psycopg.connect(self._dsn) as connection:
            name = Identifier(table.namespace, table.name)
            connection.execute(SQL("CREATE VIEW {} AS SELECT 1 AS id").format(name))

    def drop_columns(self, table: TableName, columns: Sequence[str]) -> None:
        with psycopg.connect(self._dsn) as connection:
            for column in columns:
                name = Identifier(table.namespace, table.name)
                connection.execute(SQL("ALTER TABLE {} DROP COLUMN {}").format(name, Identifier(column)))


class Postgres:
    options: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture
    def destination(self, postgres_database: Address) -> Destination:
        look = Look(postgres_database)
        return Destination(
            definition=DEFINITION,
            options={**postgres_database.destination_config(), **self.options},
            soft_delete={"cdc_deletion_mode": "Soft delete"},
            read=look.read,
            tables=look.tables,
            make_foreign=look.make_foreign,
            make_view=look.make_view,
            drop_columns=look.drop_columns,
        )


class TestPostgres(Postgres, ContractSuite):
    pass


class TestUnconstrainedNumbers(Postgres, TableOperationsSuite):
    capabilities: ClassVar = Capabilities(fixed_decimals=False)
    options: ClassVar[Mapping[str, Any]] = {"unconstrained_number": True}
