"""The DuckDB connector keeps the contract, in a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.duckdb import DEFINITION
from connectors.duckdb.columns import DUCKDB
from connectors.duckdb.database import open_file
from connectors.sql.text import Name, Sql, listed, sql
from connectors.testkit import Capabilities, ContractSuite, Destination
from dataflow.runtime import SYSTEM
from dataflow.types import TableName

TABLES = "SELECT schema_name, table_name FROM duckdb_tables() WHERE schema_name <> 'airbyte_internal'"


class Look:
    """Looks into a DuckDB file past the connector, which may have it open."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self, table: TableName) -> list[dict[str, Any]]:
        with open_file(str(self._file), SYSTEM.threads) as connection:
            described = _text(sql("DESCRIBE {}", _name(table)))
            types = [each[:2] for each in connection.execute(described).fetchall()]
            # Arrow has no time with a zone; and DuckDB's own rows would want pytz.
            shown = [
                sql("{0}::VARCHAR AS {0}" if kind == "TIME WITH TIME ZONE" else "{0}", Name(name))
                for name, kind in types
            ]
            relation = _text(sql("SELECT {} FROM {}", listed(shown), _name(table)))
            connection.execute("SET TimeZone = 'UTC'")
            rows: list[dict[str, Any]] = connection.sql(relation).to_arrow_table().to_pylist()
            return rows

    def tables(self) -> set[TableName]:
        with open_file(str(self._file), SYSTEM.threads) as connection:
            return {TableName(*row) for row in connection.execute(TABLES).fetchall()}

    def make_foreign(self, table: TableName) -> None:
        with open_file(str(self._file), SYSTEM.threads) as connection:
            connection.execute(_text(sql("CREATE TABLE {} (whatever VARCHAR)", _name(table))))

    def make_view(self, table: TableName) -> None:
        with open_file(str(self._file), SYSTEM.threads) as connection:
            connection.execute(_text(sql("CREATE VIEW {} AS SELECT 1 AS id", _name(table))))

    def drop_columns(self, table: TableName, columns: Sequence[str]) -> None:
        with open_file(str(self._file), SYSTEM.threads) as connection:
            for column in columns:
                drop = sql("ALTER TABLE {} DROP COLUMN {}", _name(table), Name(column))
                connection.execute(_text(drop))


def _text(statement: Sql) -> str:
    return DUCKDB.render(statement)


def _name(table: TableName) -> Name:
    return Name(table.namespace, table.name)


class TestDuckDb(ContractSuite):
    # A process that has the file open keeps others out.
    capabilities: ClassVar = Capabilities(concurrent=False)

    @pytest.fixture
    def destination(self, tmp_path: Path) -> Destination:
        look = Look(tmp_path / "it.duckdb")
        return Destination(
            definition=DEFINITION,
            options={"destination_path": str(tmp_path / "it.duckdb")},
            soft_delete={"cdc_deletion_mode": "Soft delete"},
            read=look.read,
            tables=look.tables,
            make_foreign=look.make_foreign,
            make_view=look.make_view,
            drop_columns=look.drop_columns,
        )
