"""One connection to a SQLite file, and the operations on its tables. Decides nothing; sends what `sql` builds.

A transaction has the whole file to itself: it begins by taking SQLite's one lock for writing, and so holds every row
of the ledger. Readers go on meanwhile, in the file as it was.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.contract import Statistics, Writer
from connectors.sql.client import SqlClient
from connectors.sql.file_locks import StreamLocks
from connectors.sql.refusals import in_use
from connectors.sql.text import Sql
from connectors.sqlite.columns import SQLITE, SqliteColumns, compare_numbers, converted, noted_if_lost
from connectors.sqlite.sql import (
    CONVERT,
    NOTE,
    NUMBERS,
    Built,
    SqliteStatements,
    full_name,
    holders,
    table_name,
)
from dataflow.errors import ConfigError
from dataflow.evolution import ColumnChangeset
from dataflow.runtime import Runtime
from dataflow.types import TableName

INTERNAL_NAMESPACE = "airbyte_internal"

# Seconds. As long as a merge of another stream may take.
_FILE_PATIENCE = 600.0
_SETTINGS = (
    "PRAGMA journal_mode = WAL",
    # Acknowledged means durable: a COMMIT is answered when it is on the disk.
    "PRAGMA synchronous = FULL",
    # A view goes by the name of its table, whichever table that is after a swap.
    "PRAGMA legacy_alter_table = ON",
)


class SqliteClient(SqlClient):
    """Overrides what SQLite has its own way for: namespaces, tables by their full names, and what is built on them."""

    def __init__(self, database: Path, statements: SqliteStatements, runtime: Runtime) -> None:
        super().__init__(statements, INTERNAL_NAMESPACE)
        self._own = statements
        self._database = database
        self._locks = StreamLocks(database, SqliteColumns.naming, runtime)
        self._connection: sqlite3.Connection | None = None

    # -- the connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        connection = self._open
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            # SQLite ends the transaction itself on some errors.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def lock(self, table: TableName, owner: str) -> None:
        if holder := self._locks.take(table, owner):
            raise in_use(table, holder)

    def writer(self, table: TableName) -> Writer | None:
        run = self._locks.taken(table)
        return Writer(run=run) if run is not None else None

    def recover(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def close(self) -> None:
        self.recover()
        self._locks.give_back()

    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        return self._run(statement, parameters).fetchall()

    def changed(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> int:
        return self._run(statement, parameters).rowcount

    def execute_many(self, statement: Sql, rows: Sequence[Mapping[str, Any]]) -> None:
        self._open.executemany(SQLITE.render(statement), map(_bound, rows))

    def append(self, statement: Sql, rows: Iterable[Sequence[Any]]) -> int:
        return self._open.executemany(SQLITE.render(statement), rows).rowcount

    # -- tables

    def create_namespace(self, namespace: str) -> None:
        """A namespace is a part of a table's name."""

    def statistics(self, table: TableName) -> Statistics:
        """SQLite counts nothing in advance, and has no users. Views hang on a table's name and not on the table."""
        return Statistics(dependents=tuple(map(str, self._built_on(table))))

    def tables_named(self, mark: str) -> Sequence[TableName]:
        tables = [table_name(name) for (name,) in self.execute(self.statements.find_tables())]
        return [table for table in tables if mark in table.name]

    def overwrite_table(self, source: TableName, target: TableName) -> str:
        """What is built on a table goes with it, and is built again on the new one."""
        comparable = SqliteColumns.naming.comparable
        kept = {comparable(name) for name in self.column_names(source)}
        gone = [name for name in self.column_names(target) if comparable(name) not in kept]
        self._refuse_to_break(target, gone)
        built = self._built_on(target)
        note = super().overwrite_table(source, target)
        for each in built:
            self._open.execute(each.statement)
        return note

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        self._refuse_to_break(table, [*changeset.drop, *changeset.change])
        super().apply_changeset(table, changeset)

    # -- what is built on tables

    def built(self) -> Sequence[Built]:
        """Every index, trigger and view that a person built."""
        return [Built(*each) for each in self.execute(self._own.find_built())]

    def _built_on(self, table: TableName) -> Sequence[Built]:
        comparable = SqliteColumns.naming.comparable
        return [each for each in self.built() if comparable(each.on) == comparable(full_name(table))]

    def _refuse_to_break(self, table: TableName, columns: Sequence[str]) -> None:
        """SQLite itself forbids some of it, naming nobody, and lets views be broken by the rest."""
        if held := holders(self.built(), table, columns):
            raise ConfigError(
                f"Objects that depend on the table {table} use columns that are dropped or changed "
                f"({', '.join(columns)}): "
                f"{', '.join(map(str, held))}.",
                doing="changing the table's columns",
                remedy="Drop these objects, run the sync again, and create them again afterwards.",
            )

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            # One thread at a time uses a client, though not always the one that made it.
            connection = sqlite3.connect(
                self._database, timeout=_FILE_PATIENCE, isolation_level=None, check_same_thread=False
            )
            self._connection = connection
            for setting in _SETTINGS:
                connection.execute(setting)
            connection.create_function(CONVERT, 3, converted, deterministic=True)
            connection.create_function(NOTE, 5, noted_if_lost, deterministic=True)
            connection.create_collation(NUMBERS, compare_numbers)
        return self._connection

    def _run(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> sqlite3.Cursor:
        return self._open.execute(SQLITE.render(statement), _bound(parameters or {}))


def _bound(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters as they are stored."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in parameters.items()
    }
