"""What the destination is made of, and what its driver's errors mean. Puts the parts together, no more."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from connectors.contract import Atomic, Connector, Statement
from connectors.sql import Meaning, RowBuffer, StreamLocks, by_code, explained, rehearse
from connectors.sql.stored_text import stored
from connectors.template.skeleton.package.client import SkeletonClient, SkeletonConnection
from connectors.template.skeleton.package.config import SkeletonConfig
from connectors.template.skeleton.package.dialect import SkeletonColumns, SkeletonStatements
from dataflow.errors import ConfigError, DataflowError, TransientError
from dataflow.runtime import Runtime


class SkeletonConnector:
    """The destination with its options."""

    columns = SkeletonColumns()
    internal_namespace = "airbyte_internal"
    # How many rows the database stores together, and how many streams it works on faster than on one.
    rows_together = None
    atomic = Atomic.EVERYTHING
    streams_at_once = 1

    def __init__(self, config: SkeletonConfig, runtime: Runtime) -> None:
        self.runtime = runtime
        self._config = config
        self._file = Path(config.path).resolve()
        self._statements = SkeletonStatements(hard_deletes=config.hard_deletes)

    @property
    def default_namespace(self) -> str:
        return self._config.schema

    def client(self) -> SkeletonClient:
        return self._client(self._file.as_uri(), "BEGIN IMMEDIATE")

    def insert_buffer(self, client: SkeletonClient) -> RowBuffer:
        """Step 7: replace the buffer by the quickest way in that your database has. It is handed Arrow batches."""
        return RowBuffer(client.connection, stored)

    def rehearse(self, note: Callable[[Statement], None]) -> Connector:
        """Step 8: a connection that can only read. A file that is missing stays missing, and has no tables."""
        address = f"{self._file.as_uri()}?mode=ro" if self._file.exists() else ":memory:"
        return rehearse(self, lambda: self._client(address, "BEGIN"), note)

    def explain(self, error: Exception) -> DataflowError:
        # The lowest byte is SQLite's code.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return explained(error, code, _MEANINGS, f"The database failed with a {type(error).__name__}.")

    def close(self) -> None:
        """The clients share nothing."""

    def _client(self, address: str, begin: str) -> SkeletonClient:
        # Step 5: locks that end if the process dies; advisory locks of the database do.
        locks = StreamLocks(self._file, self.columns.naming, self.runtime)
        connection = SkeletonConnection(address, begin, self._statements, self.runtime.requests)
        return SkeletonClient(connection, locks, self.internal_namespace)


# Step 6: by your driver's classes and codes. Its own text is never shown, since it may quote a value.
_ALLOW = "Allow the user of the sync to write to the file and to its folder."
_MEANINGS = (
    *by_code(
        {
            sqlite3.SQLITE_BUSY: TransientError("Another process writes to the file.", remedy="Try again."),
            sqlite3.SQLITE_IOERR: TransientError("The file cannot be read or written.", remedy="Try again."),
            sqlite3.SQLITE_FULL: ConfigError(
                "The disk is full.", remedy="Free space, then run the sync again."
            ),
            sqlite3.SQLITE_CANTOPEN: ConfigError("The file cannot be opened.", remedy=_ALLOW),
            sqlite3.SQLITE_READONLY: ConfigError("The file may not be written to.", remedy=_ALLOW),
        }
    ),
    Meaning(
        means=ConfigError(
            "A table of the sync was renamed or dropped during the sync.",
            remedy="Rename it back, or let the next sync create it again.",
        ),
        raised_as=sqlite3.OperationalError,
        said="^no such table",
    ),
)
