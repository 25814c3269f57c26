"""What the destination is made of, and what its driver's errors mean. Puts the parts together, no more."""

import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

from connectors.contract import Connector, Statement
from connectors.sql import Meaning, RowBuffer, SqlClient, by_code, explained
from connectors.template.skeleton.package.client import INTERNAL_NAMESPACE, RehearsingClient, SkeletonClient
from connectors.template.skeleton.package.config import SkeletonConfig
from connectors.template.skeleton.package.dialect import SkeletonColumns, SkeletonStatements, stored
from dataflow.errors import ConfigError, DataflowError, TransientError
from dataflow.runtime import Runtime


class SkeletonConnector:
    """The destination with its options."""

    columns = SkeletonColumns()
    internal_namespace = INTERNAL_NAMESPACE
    # How many rows the database stores together, and how many streams it works on faster than on one.
    rows_together = None
    streams_at_once = 1

    def __init__(self, config: SkeletonConfig, runtime: Runtime) -> None:
        self.runtime = runtime
        self._config = config
        self._database = Path(config.path).resolve()
        self._statements = SkeletonStatements(hard_deletes=config.hard_deletes)

    @property
    def default_namespace(self) -> str:
        return self._config.schema

    def client(self) -> SqlClient:
        return SkeletonClient(self._database, self._statements, self.runtime)

    def insert_buffer(self, client: SqlClient) -> RowBuffer:
        """Step 7: replace the buffer by the quickest way in that your database has. It is handed Arrow batches."""
        return RowBuffer(client, stored)

    def rehearse(self, note: Callable[[Statement], None]) -> Connector:
        return RehearsingConnector(self._config, self.runtime, note)

    def explain(self, error: Exception) -> DataflowError:
        # The lowest byte is SQLite's code.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return explained(error, code, _MEANINGS, f"The database failed with a {type(error).__name__}.")

    def close(self) -> None:
        """The clients share nothing."""


class RehearsingConnector(SkeletonConnector):
    """The same on a copy of the database. Overrides `client` and `close`."""

    def __init__(self, config: SkeletonConfig, runtime: Runtime, note: Callable[[Statement], None]) -> None:
        super().__init__(config, runtime)
        self._folder = tempfile.TemporaryDirectory()
        self._note = note

    def client(self) -> SqlClient:
        copy = Path(self._folder.name) / self._database.name
        return RehearsingClient(self._database, copy, self._statements, self._note, self.runtime)

    def close(self) -> None:
        self._folder.cleanup()


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
        said="no such table",
    ),
)
