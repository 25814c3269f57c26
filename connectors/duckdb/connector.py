"""The DuckDB connector: a destination in a file, in memory, or at MotherDuck. Puts its parts together, no more."""

import re
from collections.abc import Callable

import duckdb
from attrs import frozen

from connectors.contract import Connector, Statement
from connectors.duckdb.buffer import DuckDbInsertBuffer
from connectors.duckdb.client import INTERNAL_NAMESPACE, DuckDbClient
from connectors.duckdb.columns import DuckDbColumns
from connectors.duckdb.config import Config
from connectors.duckdb.database import ROW_GROUP, Database
from connectors.duckdb.rehearsal import RehearsedClient, Shadow
from dataflow.errors import ConfigError, DataflowError, InternalError, TransientError
from dataflow.runtime import Runtime


class DuckDbConnector:
    """Connector for one database; its clients share one DuckDB instance."""

    rows_together = ROW_GROUP
    streams_at_once = 1

    def __init__(self, config: Config, runtime: Runtime) -> None:
        self.runtime = runtime
        self._config = config
        self._database = Database(config, runtime)
        self.columns = DuckDbColumns()

    @property
    def default_namespace(self) -> str:
        return self._config.schema

    @property
    def internal_namespace(self) -> str:
        return INTERNAL_NAMESPACE

    def client(self) -> DuckDbClient:
        return DuckDbClient(self._database)

    def insert_buffer(self, client: DuckDbClient) -> DuckDbInsertBuffer:
        return DuckDbInsertBuffer(client)

    def rehearse(self, note: Callable[[Statement], None]) -> Connector:
        return RehearsedConnector(self._config, self.runtime, note)

    def explain(self, error: Exception) -> DataflowError:
        return explain(error)

    def close(self) -> None:
        self._database.close()


class RehearsedConnector(DuckDbConnector):
    """The same on a shadow of the database."""

    def __init__(self, config: Config, runtime: Runtime, note: Callable[[Statement], None]) -> None:
        super().__init__(config, runtime)
        self._database = self._shadow = Shadow(config, runtime)
        self._note = note

    def client(self) -> DuckDbClient:
        return RehearsedClient(self._shadow, self._note)


@frozen
class _Meaning:
    """What is meant by an error of this class whose text matches, and what can be done."""

    raised: type[Exception]
    pattern: str
    failure: type[DataflowError]
    message: str
    remedy: str = ""


_ASK_FOR_HELP = "Report this, with the run's log, to this destination's maintainer."
_TRY_AGAIN = "Try again."

# The first that fits. `message` may take the pattern's groups; nothing else of DuckDB's text is passed on,
# since it quotes the values it could not convert.
_MEANINGS = (
    _Meaning(
        duckdb.IOException,
        r"Could not set lock on file \"(?P<file>[^\"]*)\": "
        r"Conflicting lock is held in (?P<command>.*?) \(PID (?P<pid>\d+)\)",
        ConfigError,
        "The database {file} is open in another process: {command} (PID {pid}).",
        "DuckDB lets one process at a time open a file. Close it there, or wait until that process has ended.",
    ),
    _Meaning(
        duckdb.IOException,
        r"Could not set lock on file \"(?P<file>[^\"]*)\"",
        ConfigError,
        "The database {file} is open in another process.",
        "DuckDB lets one process at a time open a file. Close it there, or wait until that process has ended.",
    ),
    _Meaning(
        duckdb.Error,
        r"the database file \"(?P<file>[^\"]*)\" is already attached by database",
        ConfigError,
        "The database {file} is already open in this process, but not by this destination.",
        "Close it before the sync, or sync in a process of its own.",
    ),
    _Meaning(
        duckdb.IOException,
        r"The file \"(?P<file>[^\"]*)\" exists, but it is not a valid DuckDB database file",
        ConfigError,
        "The file {file} exists and is not a DuckDB database.",
        "Choose another destination path, or move the file away.",
    ),
    _Meaning(
        duckdb.Error,
        r"database file with (storage )?version number|newer version of DuckDB|storage version greater",
        ConfigError,
        "The database was written by another version of DuckDB, in a format that this one cannot read.",
        f"Export it with the version that wrote it; this destination uses DuckDB {duckdb.__version__}.",
    ),
    _Meaning(
        duckdb.Error,
        r"Corrupt database file",
        ConfigError,
        "The database file is damaged: a checksum in it is wrong.",
        "Restore it from a copy, or choose another destination path.",
    ),
    _Meaning(
        duckdb.IOException,
        r"Cannot open file \"(?P<file>[^\"]*)\": (?P<reason>No such file or directory|Not a directory|Permission denied"
        r"|Read-only file system|Is a directory)",
        ConfigError,
        "The file {file} cannot be opened: {reason}.",
        "The folder must exist, and the user of the sync must be allowed to write to it and to the file.",
    ),
    _Meaning(
        duckdb.Error,
        r"No space left on device|File too large|Disk quota exceeded|max_temp_directory_size",
        ConfigError,
        "The disk is full, or the file has reached its size limit.",
        "Free space where the database is, then run the sync again. All acknowledged records are safe.",
    ),
    _Meaning(
        duckdb.OutOfMemoryException,
        "",
        ConfigError,
        "DuckDB needs more memory than it may use.",
        "Give the sync more memory.",
    ),
    _Meaning(
        duckdb.TransactionException,
        "[Cc]onflict|constraint violation",
        TransientError,
        "Another transaction changed the same table or row.",
        _TRY_AGAIN,
    ),
    _Meaning(
        duckdb.FatalException,
        "",
        TransientError,
        "DuckDB closed the database after an error that it could not undo.",
        "Run the sync again; a new process opens the file as it was after the last commit.",
    ),
    _Meaning(duckdb.InterruptException, "", TransientError, "The statement was interrupted.", _TRY_AGAIN),
    _Meaning(
        duckdb.IOException,
        r"[Ff]ailed to download extension \"(?P<extension>\w+)\"",
        ConfigError,
        "DuckDB's extension {extension} is not installed, and could not be downloaded.",
        "Install it where the sync runs, or allow the download.",
    ),
    _Meaning(duckdb.HTTPException, "", TransientError, "The server sent an unexpected answer.", _TRY_AGAIN),
    _Meaning(duckdb.ConnectionException, "", TransientError, "The connection was lost.", _TRY_AGAIN),
    _Meaning(
        duckdb.PermissionException,
        "",
        ConfigError,
        "The database does not allow this.",
        "Open it for writing, with a token that may write.",
    ),
    _Meaning(
        duckdb.CatalogException,
        r"^Catalog Error: Table with name .* does not exist",
        ConfigError,
        "A table of the sync was renamed or dropped during the sync.",
        "Rename it back, or let the next sync create it again.",
    ),
    _Meaning(
        duckdb.CatalogException,
        "[Vv]iew|is not an? table",
        ConfigError,
        "A view has the name of the table.",
        "Rename or drop the view, or add a prefix in the connection's configuration.",
    ),
    _Meaning(
        duckdb.Error,
        "depends? on it|main key table",
        ConfigError,
        "The table cannot be changed, because an index or a foreign key depends on it.",
        "Drop that index or foreign key, then run the sync again.",
    ),
    _Meaning(
        duckdb.IOException,
        "",
        TransientError,
        "The database's file could not be read or written.",
        _TRY_AGAIN,
    ),
    _Meaning(
        duckdb.DataError,
        "",
        InternalError,
        "DuckDB refused a value that had been checked before. It is not shown here.",
        _ASK_FOR_HELP,
    ),
)


def explain(error: Exception) -> DataflowError:
    """The error as one of the project's three, without content; one that is already ours as it is."""
    if isinstance(error, DataflowError):
        return error
    for meaning in _MEANINGS:
        found = re.search(meaning.pattern, str(error))
        if isinstance(error, meaning.raised) and found:
            return meaning.failure(meaning.message.format(**found.groupdict()), remedy=meaning.remedy)
    return InternalError(f"DuckDB failed with an unforeseen {type(error).__name__}.", remedy=_ASK_FOR_HELP)
