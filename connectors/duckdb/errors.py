"""What DuckDB's errors mean. Its text is compared and not shown: it quotes the values that it could not convert."""

import duckdb

from connectors.sql.errors import ASK_FOR_HELP, TRY_AGAIN, Meaning, explained
from dataflow.errors import ConfigError, DataflowError, InternalError, TransientError

_ONE_PROCESS = (
    "DuckDB lets one process at a time open a file. Close it there, or wait until that process has ended."
)

# The first that fits.
MEANINGS = (
    Meaning(
        raised_as=duckdb.IOException,
        said=r"Could not set lock on file \"(?P<file>[^\"]*)\": "
        r"Conflicting lock is held in (?P<command>.*?) \(PID (?P<pid>\d+)\)",
        means=ConfigError(
            "The database {file} is open in another process: {command} (PID {pid}).", remedy=_ONE_PROCESS
        ),
    ),
    Meaning(
        raised_as=duckdb.IOException,
        said=r"Could not set lock on file \"(?P<file>[^\"]*)\"",
        means=ConfigError("The database {file} is open in another process.", remedy=_ONE_PROCESS),
    ),
    Meaning(
        raised_as=duckdb.Error,
        said=r"the database file \"(?P<file>[^\"]*)\" is already attached by database",
        means=ConfigError(
            "The database {file} is already open in this process, but not by this destination.",
            remedy="Close it before the sync, or sync in a process of its own.",
        ),
    ),
    Meaning(
        raised_as=duckdb.IOException,
        said=r"The file \"(?P<file>[^\"]*)\" exists, but it is not a valid DuckDB database file",
        means=ConfigError(
            "The file {file} exists and is not a DuckDB database.",
            remedy="Choose another destination path, or move the file away.",
        ),
    ),
    Meaning(
        raised_as=duckdb.Error,
        said="database file with (storage )?version number|newer version of DuckDB|storage version greater",
        means=ConfigError(
            "The database was written by another version of DuckDB, in a format that this one cannot read.",
            remedy=f"Export it with the version that wrote it; this destination uses DuckDB {duckdb.__version__}.",
        ),
    ),
    Meaning(
        raised_as=duckdb.Error,
        said="Corrupt database file",
        means=ConfigError(
            "The database file is damaged: a checksum in it is wrong.",
            remedy="Restore it from a copy, or choose another destination path.",
        ),
    ),
    Meaning(
        raised_as=duckdb.IOException,
        said=r"Cannot open file \"(?P<file>[^\"]*)\": (?P<reason>No such file or directory|Not a directory"
        r"|Permission denied|Read-only file system|Is a directory)",
        means=ConfigError(
            "The file {file} cannot be opened: {reason}.",
            remedy="The folder must exist, and the user of the sync must be allowed to write to it and to the file.",
        ),
    ),
    Meaning(
        raised_as=duckdb.Error,
        said="No space left on device|File too large|Disk quota exceeded|max_temp_directory_size",
        means=ConfigError(
            "The disk is full, or the file has reached its size limit.",
            remedy="Free space where the database is, then run the sync again. All acknowledged records are safe.",
        ),
    ),
    Meaning(
        raised_as=duckdb.OutOfMemoryException,
        means=ConfigError("DuckDB needs more memory than it may use.", remedy="Give the sync more memory."),
    ),
    Meaning(
        raised_as=duckdb.TransactionException,
        said="[Cc]onflict|constraint violation",
        means=TransientError("Another transaction changed the same table or row.", remedy=TRY_AGAIN),
    ),
    Meaning(
        raised_as=duckdb.FatalException,
        means=TransientError(
            "DuckDB closed the database after an error that it could not undo.",
            remedy="Run the sync again; a new process opens the file as it was after the last commit.",
        ),
    ),
    Meaning(
        raised_as=duckdb.InterruptException,
        means=TransientError("The statement was interrupted.", remedy=TRY_AGAIN),
    ),
    Meaning(
        raised_as=duckdb.IOException,
        said=r"[Ff]ailed to download extension \"(?P<extension>\w+)\"",
        means=ConfigError(
            "DuckDB's extension {extension} is not installed, and could not be downloaded.",
            remedy="Install it where the sync runs, or allow the download.",
        ),
    ),
    Meaning(
        raised_as=duckdb.HTTPException,
        means=TransientError("The server sent an unexpected answer.", remedy=TRY_AGAIN),
    ),
    Meaning(
        raised_as=duckdb.ConnectionException,
        means=TransientError("The connection was lost.", remedy=TRY_AGAIN),
    ),
    Meaning(
        raised_as=duckdb.PermissionException,
        means=ConfigError(
            "The database does not allow this.", remedy="Open it for writing, with a token that may write."
        ),
    ),
    Meaning(
        raised_as=duckdb.CatalogException,
        said="^Catalog Error: Table with name .* does not exist",
        means=ConfigError(
            "A table of the sync was renamed or dropped during the sync.",
            remedy="Rename it back, or let the next sync create it again.",
        ),
    ),
    Meaning(
        raised_as=duckdb.CatalogException,
        said="[Vv]iew|is not an? table",
        means=ConfigError(
            "A view has the name of the table.",
            remedy="Rename or drop the view, or add a prefix in the connection's configuration.",
        ),
    ),
    Meaning(
        raised_as=duckdb.Error,
        said="depends? on it|main key table",
        means=ConfigError(
            "The table cannot be changed, because an index or a foreign key depends on it.",
            remedy="Drop that index or foreign key, then run the sync again.",
        ),
    ),
    Meaning(
        raised_as=duckdb.IOException,
        means=TransientError("The database's file could not be read or written.", remedy=TRY_AGAIN),
    ),
    Meaning(
        raised_as=duckdb.DataError,
        means=InternalError(
            "DuckDB refused a value that had been checked before. It is not shown here.", remedy=ASK_FOR_HELP
        ),
    ),
)


def explain(error: Exception) -> DataflowError:
    """The error as one of the project's three, without content; one that is already ours as it is."""
    return explained(error, None, MEANINGS, f"DuckDB failed with an unforeseen {type(error).__name__}.")
