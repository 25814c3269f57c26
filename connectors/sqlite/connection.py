"""One connection to a SQLite file. Composes no statement but its settings.

A transaction has the whole file to itself: it begins by taking SQLite's one lock for writing, and so holds every row
of the ledger. Readers go on meanwhile, in the file as it was.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from connectors.sql.stored_text import CONVERT, NOTE, NUMBERS, bound, compare_numbers
from connectors.sql.text import Sql
from connectors.sqlite.columns import SQLITE, STORED_TEXT
from connectors.sqlite.sql import SqliteStatements
from dataflow.runtime.requests import COMMIT, UNWATCHED, Requests, request

# Seconds. As long as a merge of another stream may take.
_FILE_PATIENCE = 600.0
_SETTINGS = (
    "PRAGMA journal_mode = WAL",
    # Acknowledged means durable: a COMMIT is answered when it is on the disk.
    "PRAGMA synchronous = FULL",
    # A view goes by the name of its table, whichever table that is after a swap.
    "PRAGMA legacy_alter_table = ON",
)


class SqliteConnection:
    """A connection that writes."""

    dialect = SQLITE

    def __init__(self, file: Path, statements: SqliteStatements, requests: Requests = UNWATCHED) -> None:
        self.statements = statements
        self._file = file
        self._requests = requests
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        connection = self.open
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            with request(self._requests, COMMIT):
                connection.execute(COMMIT)
        except BaseException:
            # SQLite ends the transaction itself on some errors.
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
        text = SQLITE.render(statement)
        with request(self._requests, text):
            self.open.executemany(text, map(bound, rows))

    def append(self, statement: Sql, rows: Iterable[Sequence[Any]]) -> int:
        text = SQLITE.render(statement)
        with request(self._requests, text):
            return self.open.executemany(text, rows).rowcount

    def recover(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    @property
    def open(self) -> sqlite3.Connection:
        """SQLite's own connection, which is made when it is first asked for."""
        if self._connection is None:
            # One thread at a time uses a client, though not always the one that made it.
            self._connection = connection = sqlite3.connect(
                self._file, timeout=_FILE_PATIENCE, isolation_level=None, check_same_thread=False
            )
            for setting in _SETTINGS:
                connection.execute(setting)
            connection.create_function(CONVERT, 3, STORED_TEXT.convert, deterministic=True)
            connection.create_function(NOTE, 5, STORED_TEXT.note_if_lost, deterministic=True)
            connection.create_collation(NUMBERS, compare_numbers)
        return self._connection

    def _run(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> sqlite3.Cursor:
        text = SQLITE.render(statement)
        with request(self._requests, text):
            return self.open.execute(text, bound(parameters or {}))


class SqliteReader(SqliteConnection):
    """A connection that can only read; a file that is missing stays missing, and has no tables."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Each opens the file again, since another process may have begun to write to it."""
        self.open.execute("BEGIN")
        try:
            yield
        finally:
            self.recover()

    @property
    def open(self) -> sqlite3.Connection:
        if self._connection is None:
            address = _address(self._file) if self._file.exists() else ":memory:"
            self._connection = sqlite3.connect(
                address, uri=True, isolation_level=None, check_same_thread=False
            )
        return self._connection


def _address(file: Path) -> str:
    """The file, to be read only. A file that nobody writes to is read without making a log beside it.

    A writer has a log of either kind there: ours is `-wal`, that of programs with SQLite's default `-journal`.
    """
    logs = (file.with_name(f"{file.name}-{kind}") for kind in ("wal", "journal"))
    still = "" if any(log.exists() for log in logs) else "&immutable=1"
    return f"{file.absolute().as_uri()}?mode=ro{still}"
