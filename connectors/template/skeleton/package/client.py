"""One connection, its transactions, and the locks that keep other runs out. `SqlClient` does the rest.

Replace each method by your driver's way. A transaction has the whole database to itself here, since it begins by taking
SQLite's one lock for writing. If transactions run side by side in yours, its dialect needs a `row_lock`.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.contract import Statement, Writer
from connectors.sql import Sql, SqlClient, StreamLocks, in_use
from connectors.template.skeleton.package.dialect import (
    CONVERT,
    DIALECT,
    NOTE,
    NUMBERS,
    SkeletonColumns,
    SkeletonStatements,
    compare_numbers,
    converted,
    noted_if_lost,
)
from dataflow.runtime import Runtime
from dataflow.types import TableName

INTERNAL_NAMESPACE = "airbyte_internal"
# Seconds. Longer than any merge of another stream takes.
_PATIENCE = 600.0


class SkeletonClient(SqlClient):
    """Gives what `SqlClient` leaves to a database. Overrides nothing."""

    def __init__(self, database: Path, statements: SkeletonStatements, runtime: Runtime) -> None:
        super().__init__(statements, INTERNAL_NAMESPACE)
        self._database = database
        self._locks = StreamLocks(database, SkeletonColumns.naming, runtime)
        self._connection: sqlite3.Connection | None = None

    # -- step 2: the connection

    def connect(self) -> sqlite3.Connection:
        """A new connection. One thread at a time uses it, though not always the one that made it."""
        connection = sqlite3.connect(
            self._database, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
        # A view keeps the name of its table, whichever table has it after an overwrite.
        connection.execute("PRAGMA legacy_alter_table = ON")
        connection.create_function(CONVERT, 3, converted, deterministic=True)
        connection.create_function(NOTE, 5, noted_if_lost, deterministic=True)
        connection.create_collation(NUMBERS, compare_numbers)
        return connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        connection = self._open
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            # The database ends a transaction itself on some errors.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def recover(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        return self._run(statement, parameters).fetchall()

    def changed(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> int:
        return self._run(statement, parameters).rowcount

    def execute_many(self, statement: Sql, rows: Sequence[Mapping[str, Any]]) -> None:
        self._open.executemany(DIALECT.render(statement), map(_bound, rows))

    def append(self, statement: Sql, rows: Iterable[Sequence[Any]]) -> int:
        return self._open.executemany(DIALECT.render(statement), rows).rowcount

    # -- step 5: the lock, which must end if the process dies; an advisory lock of the database does

    def lock(self, table: TableName, owner: str) -> None:
        if holder := self._locks.take(table, owner):
            raise in_use(table, holder)

    def writer(self, table: TableName) -> Writer | None:
        run = self._locks.taken(table)
        return Writer(run=run) if run is not None else None

    def close(self) -> None:
        self.recover()
        self._locks.give_back()

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self.connect()
        return self._connection

    def _run(self, statement: Sql, parameters: Mapping[str, Any] | None) -> sqlite3.Cursor:
        return self._open.execute(DIALECT.render(statement), _bound(parameters or {}))


class RehearsingClient(SkeletonClient):
    """Step 8: works on a copy, and notes each change. Overrides `connect`, and `lock`, which takes none.

    If your database undoes changes of tables, a transaction that is rolled back is better than a copy.
    """

    def __init__(
        self,
        original: Path,
        copy: Path,
        statements: SkeletonStatements,
        note: Callable[[Statement], None],
        runtime: Runtime,
    ) -> None:
        super().__init__(copy, statements, runtime)
        self._locks = StreamLocks(original, SkeletonColumns.naming, runtime)
        self._original = original
        self._note = note

    def connect(self) -> sqlite3.Connection:
        if not self._database.exists() and self._original.exists():
            address = f"{self._original.as_uri()}?mode=ro"
            with (
                closing(sqlite3.connect(address, uri=True)) as original,
                closing(sqlite3.connect(self._database)) as copy,
            ):
                original.backup(copy)
        connection = super().connect()
        connection.set_trace_callback(self._traced)
        return connection

    def lock(self, table: TableName, owner: str) -> None:
        if holder := self._locks.taken(table):
            raise in_use(table, holder)

    def _traced(self, text: str) -> None:
        if text.startswith(("ALTER", "CREATE", "DELETE", "DROP", "INSERT", "UPDATE")):
            self._note(Statement(text=text))


def _bound(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters as they are stored. A driver that takes moments needs none of it."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in parameters.items()
    }
