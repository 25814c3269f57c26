"""A shadow of a DuckDB database to rehearse on: its structure and its ledger, and of each table one row. Writes into a
file of its own, in a folder of its own; the database is opened for reading, and one that is missing stays missing.
"""

import tempfile  # noqa: TID251 - a file of its own
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
from attrs import evolve

from connectors.contract import Statement, Statistics
from connectors.duckdb.client import INTERNAL_NAMESPACE, DuckDbClient
from connectors.duckdb.columns import DUCKDB
from connectors.duckdb.config import Config
from connectors.duckdb.database import Database
from connectors.sql.ledger_rows import TABLES as LEDGER_TABLES
from connectors.sql.text import NOTHING, Name, Sql, Value, sql
from dataflow.errors import ConfigError
from dataflow.runtime import Runtime
from dataflow.types import RAW_ID, TableName

# What the database is called beside its shadow, which has its name.
_ORIGINAL = "_airbyte_original"
_LEDGER = frozenset(TableName(INTERNAL_NAMESPACE, name) for name in LEDGER_TABLES)


class Shadow(Database):
    """The shadow, copied when it is first used. `rows` is what the original says its tables hold."""

    def __init__(self, config: Config, runtime: Runtime) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="dataflow-shadow-")
        self._original = config
        self.rows: Mapping[TableName, int] = {}
        # It has the same name, since DuckDB calls a database by its file.
        file = Path(self._folder.name) / Path(config.database).name
        super().__init__(config if config.in_memory else evolve(config, destination_path=str(file)), runtime)

    def close(self) -> None:
        super().close()
        self._folder.cleanup()

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._original.on_motherduck:
            raise ConfigError(
                "A sync to MotherDuck cannot be planned: there is no file to inspect.",
                remedy="Use a copy of the database in a file.",
            )
        shadow = super()._open()
        if not self._original.in_memory and Path(self._original.database).exists():
            self._copy(shadow)
        return shadow

    def _copy(self, shadow: duckdb.DuckDBPyConnection) -> None:
        def do(statement: Sql) -> list[tuple[Any, ...]]:
            return shadow.execute(DUCKDB.render(statement)).fetchall()

        original, called = Name(_ORIGINAL), Value(_ORIGINAL)
        copy = Name(do(sql("SELECT current_database()"))[0][0])
        do(sql("ATTACH {} AS {} (READ_ONLY)", Value(self._original.database), original))
        do(sql("COPY FROM DATABASE {} TO {} (SCHEMA)", original, copy))
        found = do(
            sql(
                "SELECT schema_name, table_name, estimated_size FROM duckdb_tables() WHERE database_name = {}",
                called,
            )
        )
        marked = do(
            sql(
                "SELECT schema_name, table_name FROM duckdb_columns() "
                "WHERE database_name = {} AND column_name = {}",
                called,
                Value(RAW_ID),
            )
        )
        self.rows = {TableName(namespace, name): rows for namespace, name, rows in found}
        # A view has columns too.
        for table in self.rows.keys() & (_LEDGER | {TableName(*each) for each in marked}):
            # Whether a table is empty decides what becomes of it; one row is enough to know.
            limit = NOTHING if table in _LEDGER else sql(" LIMIT 1")
            name = Name(table.namespace, table.name)
            do(
                sql(
                    "INSERT INTO {copy}.{name} FROM {original}.{name}{limit}",
                    copy=copy,
                    original=original,
                    name=name,
                    limit=limit,
                )
            )
        do(sql("DETACH {}", original))


def literal(value: Any) -> str:
    """A parameter as DuckDB would read it in a statement; for a reader, since values are never sent so."""
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if value is None or isinstance(value, bool | int | str):
        return DUCKDB.render(Value(value))
    return DUCKDB.render(Value(str(value)))


class RehearsedClient(DuckDbClient):
    """A client of the shadow: does all that it is asked to, and says it."""

    def __init__(self, shadow: Shadow, note: Callable[[Statement], None]) -> None:
        super().__init__(shadow)
        self._shadow = shadow
        self._note = note

    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        text = DUCKDB.render(statement)
        if not text.startswith("SELECT"):
            for name, value in (parameters or {}).items():
                text = text.replace(f"${name}", literal(value))
            self._note(Statement(text=text))
        return super().execute(statement, parameters)

    def statistics(self, table: TableName) -> Statistics:
        return Statistics(rows=self._shadow.rows.get(table, 0))
