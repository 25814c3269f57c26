"""One connection to a DuckDB database, and the locks of its client. Composes no statement."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import duckdb
import pyarrow as pa

from connectors.duckdb.columns import DUCKDB
from connectors.duckdb.database import Database, is_out_of_memory
from connectors.duckdb.sql import DuckDbStatements
from connectors.sql.text import Sql
from dataflow.errors import TransientError
from dataflow.runtime.requests import COMMIT, Requests, request
from dataflow.types import TableName

# Seconds.
_STREAM_PATIENCE = 2.0
# Longer than any merge takes: a transaction that waits longer for a ledger row is deadlocked.
_ROW_PATIENCE = 600.0


class DuckDbConnection:
    """A connection on the instance that the process has of the database."""

    dialect = DUCKDB

    def __init__(self, database: Database, requests: Requests) -> None:
        self._database = database
        self._requests = requests
        self._cursor: duckdb.DuckDBPyConnection | None = None

    @property
    def statements(self) -> DuckDbStatements:
        """The statements of this database. Connects, since only then the database has a name."""
        _ = self.cursor
        return self._database.statements

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. DuckDB isolates by snapshots: a transaction that changes a row which another changed is
        refused.
        """
        self.cursor.execute("BEGIN TRANSACTION")
        try:
            yield
            with request(self._requests, COMMIT):
                self.cursor.execute(COMMIT)
        except BaseException as error:
            self._roll_back()
            if is_out_of_memory(error) and self._database.grow():
                raise TransientError(
                    "DuckDB needed more memory than its limit, and the limit was raised.",
                    remedy="Nothing was lost. Give the machine more memory if it runs out.",
                ) from error
            raise
        finally:
            # After the commit: a transaction that waited for a row must find in it what this one wrote.
            self._database.shared.rows.give_back(self)

    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        """What the statement returns; for INSERT, UPDATE and DELETE the number of rows, in one row."""
        text = DUCKDB.render(statement)
        with request(self._requests, text):
            self.cursor.execute(text, dict(parameters or {}))
            return self.cursor.fetchall()

    def changed(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> int:
        return int(self.execute(statement, parameters)[0][0])

    def execute_many(self, statement: Sql, rows: Sequence[Mapping[str, Any]]) -> None:
        text = DUCKDB.render(statement)
        with request(self._requests, text):
            self.cursor.executemany(text, list(rows))

    def recover(self) -> None:
        """Drop the connection with what it left undone; the next call makes another. Stream locks stay."""
        if self._cursor is not None:
            with suppress(duckdb.Error):
                self._cursor.close()
            self._cursor = None
        self._database.shared.rows.give_back(self)

    def hold_row(self, table: TableName) -> None:
        """Wait until no other transaction holds the table's ledger row; then it is this transaction's."""
        holder = self._database.shared.rows.take(
            self._database.key(table), self, self._database.threads.current(), _ROW_PATIENCE
        )
        if holder is not None:
            raise TransientError(
                f"The ledger's row of {table} has been held by {holder} for {_ROW_PATIENCE:.0f} seconds.",
                doing="starting a transaction on the stream",
                remedy="Try again.",
            )

    @contextmanager
    def registered(self, name: str, batches: pa.Table) -> Iterator[None]:
        """Let statements of this connection read Arrow data by this name."""
        self.cursor.register(name, batches)
        try:
            yield
        finally:
            # In a transaction that failed DuckDB refuses even this; its end takes the view along.
            with suppress(duckdb.Error):
                self.cursor.unregister(name)

    @property
    def cursor(self) -> duckdb.DuckDBPyConnection:
        """DuckDB's own connection, which is made when it is first asked for."""
        if self._cursor is None:
            self._cursor = self._database.cursor()
        return self._cursor

    def _roll_back(self) -> None:
        try:
            self.cursor.execute("ROLLBACK")
        except duckdb.Error:
            # A COMMIT that failed has ended the transaction; whatever else it is ends with the connection.
            self.recover()


class ProcessLocks:
    """The locks of one client. The file's own lock, which is taken by connecting, keeps other processes out."""

    def __init__(self, database: Database, connection: DuckDbConnection) -> None:
        self._database = database
        self._connection = connection

    def take(self, table: TableName, owner: str) -> str | None:
        _ = self._connection.cursor
        return self._database.shared.streams.take(self._database.key(table), self, owner, _STREAM_PATIENCE)

    def taken(self, table: TableName) -> str | None:
        return self._database.shared.streams.taken(self._database.key(table), self)

    def give_back(self) -> None:
        self._database.shared.streams.give_back(self)
