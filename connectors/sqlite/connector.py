"""What the SQLite destination is made of, and what its errors mean. Puts the parts together, no more."""

import sqlite3
from collections.abc import Callable

from connectors.contract import Atomic, Connector, Statement
from connectors.sql.errors import ASK_FOR_HELP, TRY_AGAIN, Meaning, by_code, explained
from connectors.sql.file_locks import StreamLocks
from connectors.sql.rehearsal import rehearse
from connectors.sql.rows import RowBuffer
from connectors.sql.stored_text import stored
from connectors.sqlite.client import INTERNAL_NAMESPACE, SqliteClient
from connectors.sqlite.columns import SqliteColumns
from connectors.sqlite.config import SqliteConfig
from connectors.sqlite.connection import SqliteConnection, SqliteReader
from connectors.sqlite.sql import SqliteStatements
from dataflow.errors import ConfigError, DataflowError, TransientError
from dataflow.runtime import Runtime


class SqliteConnector:
    """The SQLite destination with its options."""

    columns = SqliteColumns()
    internal_namespace = INTERNAL_NAMESPACE
    rows_together = None
    atomic = Atomic.EVERYTHING
    streams_at_once = 1

    def __init__(self, config: SqliteConfig, runtime: Runtime) -> None:
        self.runtime = runtime
        self._config = config
        self._statements = SqliteStatements(hard_deletes=config.hard_deletes)

    @property
    def default_namespace(self) -> str:
        return self._config.schema

    def client(self) -> SqliteClient:
        return self._client(SqliteConnection(self._config.file, self._statements, self.runtime.requests))

    def insert_buffer(self, client: SqliteClient) -> RowBuffer:
        return RowBuffer(client.connection, stored)

    def rehearse(self, note: Callable[[Statement], None]) -> Connector:
        return rehearse(self, lambda: self._client(SqliteReader(self._config.file, self._statements)), note)

    def explain(self, error: Exception) -> DataflowError:
        return explain(error)

    def close(self) -> None:
        """The clients share nothing."""

    def _client(self, connection: SqliteConnection) -> SqliteClient:
        locks = StreamLocks(self._config.file, self.columns.naming, self.runtime)
        return SqliteClient(connection, locks, INTERNAL_NAMESPACE)


_MAKE_ROOM = "Free space where the database is, then run the sync again. All acknowledged records are safe."
_ALLOW = "The user of the sync must be allowed to write to the file and to its folder."
_RESTORE = "Restore it from a copy, or choose another destination path."
_DROP_IT = "Drop it, or correct the rows in the source, then run the sync again."

_MEANINGS = (
    *by_code(
        {
            sqlite3.SQLITE_BUSY: TransientError("Another process is writing to the file.", remedy=TRY_AGAIN),
            sqlite3.SQLITE_LOCKED: TransientError("Another connection uses the table.", remedy=TRY_AGAIN),
            sqlite3.SQLITE_IOERR: TransientError("The file could not be read or written.", remedy=TRY_AGAIN),
            sqlite3.SQLITE_FULL: ConfigError("The disk is full.", remedy=_MAKE_ROOM),
            sqlite3.SQLITE_CANTOPEN: ConfigError("The file cannot be opened.", remedy=_ALLOW),
            sqlite3.SQLITE_READONLY: ConfigError("The file may not be written to.", remedy=_ALLOW),
            sqlite3.SQLITE_PERM: ConfigError("The file may not be used.", remedy=_ALLOW),
            sqlite3.SQLITE_NOTADB: ConfigError("The file is not a SQLite database.", remedy=_RESTORE),
            sqlite3.SQLITE_CORRUPT: ConfigError("The database is damaged.", remedy=_RESTORE),
            sqlite3.SQLITE_CONSTRAINT: ConfigError(
                "A user-defined unique index or trigger on the table rejects a row.", remedy=_DROP_IT
            ),
            sqlite3.SQLITE_TOOBIG: ConfigError(
                "A value is larger than SQLite can hold.", remedy=ASK_FOR_HELP
            ),
        }
    ),
    # These have no code of their own.
    Meaning(
        raised_as=sqlite3.OperationalError,
        said="^too many columns",
        means=ConfigError(
            "The stream has more columns than SQLite allows a table.",
            remedy="Deselect columns of the stream.",
        ),
    ),
    Meaning(
        raised_as=sqlite3.OperationalError,
        said="^no such table",
        means=ConfigError(
            "A table of the sync was renamed or dropped during the sync.",
            remedy="Rename it back, or let the next sync create it again.",
        ),
    ),
)


def explain(error: Exception) -> DataflowError:
    """The error as one of the project's three, without content; one that is already ours as it is."""
    if isinstance(error, OSError):
        return ConfigError(
            f"The lock file beside the database cannot be used: {error.strerror}.", remedy=_ALLOW
        )
    unforeseen = getattr(error, "sqlite_errorname", type(error).__name__)
    # The lowest byte is the code; what is above says more than we need.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return explained(error, code, _MEANINGS, f"SQLite failed with an unforeseen {unforeseen}.")
