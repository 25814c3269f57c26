"""One connection, its transactions, and how a column changes its type. `SqlClient` does the rest.

Replace each method by your driver's way. A transaction has the whole database to itself here, since it begins by taking
SQLite's one lock for writing. If transactions run side by side in yours, its dialect needs a `row_lock`.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from connectors.sql import Sql, SqlClient, alterations
from connectors.sql.stored_text import CONVERT, NOTE, NUMBERS, bound, compare_numbers
from connectors.template.skeleton.package.dialect import DIALECT, STORED_TEXT, SkeletonStatements
from dataflow.evolution import ColumnChangeset
from dataflow.runtime.requests import COMMIT, Requests, request
from dataflow.types import TableName

# Seconds. Longer than any merge of another stream takes.
_PATIENCE = 600.0


class SkeletonConnection:
    """Step 2: one connection. `begin` is the statement that begins its transactions.

    Keep a `request` around whatever you send: the kit ends runs between any two of them.
    """

    dialect = DIALECT

    def __init__(self, address: str, begin: str, statements: SkeletonStatements, requests: Requests) -> None:
        self.statements = statements
        self._address = address
        self._begin = begin
        self._requests = requests
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        connection = self._open
        connection.execute(self._begin)
        try:
            yield
            with request(self._requests, COMMIT):
                connection.execute(COMMIT)
        except BaseException:
            # The database ends a transaction itself on some errors.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        return self._run(statement, parameters).fetchall()

    def changed(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> int:
        return self._run(statement, parameters).rowcount

    def execute_many(self, statement: Sql, rows: Sequence[Mapping[str, Any]]) -> None:
        text = DIALECT.render(statement)
        with request(self._requests, text):
            self._open.executemany(text, map(bound, rows))

    def append(self, statement: Sql, rows: Iterable[Sequence[Any]]) -> int:
        """For `RowBuffer` alone: leave it out if your database has a quicker way in."""
        text = DIALECT.render(statement)
        with request(self._requests, text):
            return self._open.executemany(text, rows).rowcount

    def recover(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    @property
    def _open(self) -> sqlite3.Connection:
        """The driver's connection. One thread at a time uses it, though not always the one that made it."""
        if self._connection is None:
            self._connection = connection = sqlite3.connect(
                self._address, timeout=_PATIENCE, isolation_level=None, check_same_thread=False, uri=True
            )
            # A view keeps the name of its table, whichever table has it after an overwrite.
            connection.execute("PRAGMA legacy_alter_table = ON")
            connection.create_function(CONVERT, 3, STORED_TEXT.convert, deterministic=True)
            connection.create_function(NOTE, 5, STORED_TEXT.note_if_lost, deterministic=True)
            connection.create_collation(NUMBERS, compare_numbers)
        return self._connection

    def _run(self, statement: Sql, parameters: Mapping[str, Any] | None) -> sqlite3.Cursor:
        text = DIALECT.render(statement)
        with request(self._requests, text):
            return self._open.execute(text, bound(parameters or {}))


class SkeletonClient(SqlClient):
    """Overrides nothing. `SqlClient` has what it could override."""

    connection: SkeletonConnection

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        """Step 4: give it a `Conversion` by casts that give null for what does not fit, if your database has such."""
        for statement, parameters in alterations(self.statements, STORED_TEXT, table, changeset):
            self.execute(statement, parameters)
