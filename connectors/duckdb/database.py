"""The instance of DuckDB that this process has of a database, and the locks within the process. The only statements
that it sends are those that open a database and set what holds for all of it.

DuckDB lets one process at a time open a file, and within the process there is one instance of it, which all
connections made here share. So every other writer of a stream is in this process, and the locks are too.
"""

import re
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
from attrs import evolve

from connectors.duckdb.columns import DUCKDB, DuckDbColumns
from connectors.duckdb.config import Config
from connectors.duckdb.sql import DuckDbStatements, attach, attached_as, spill_into, use
from dataflow.errors import InternalError
from dataflow.runtime import Runtime
from dataflow.runtime.threads import Threads
from dataflow.types import TableName

# Seconds. A process that was killed keeps its lock on the file until it is gone.
_FILE_PATIENCE = 5.0


class Locks:
    """The holders of locks in this process. A lock is taken by a holder, known by identity, and given back by it."""

    def __init__(self, threads: Threads) -> None:
        self._changed = threads.condition()
        self._holders: dict[Hashable, tuple[object, str]] = {}

    def take(self, key: Hashable, holder: object, name: str, patience: float) -> str | None:
        """Take the lock, waiting up to `patience` seconds; the name of its holder when that was too short."""
        with self._changed:
            self._changed.wait_for(lambda: self._free(key, holder), timeout=patience)
            if not self._free(key, holder):
                return self._holders[key][1]
            self._holders[key] = (holder, name)
            return None

    def taken(self, key: Hashable, holder: object) -> str | None:
        """The name of the lock's holder, if it is another one."""
        with self._changed:
            return None if self._free(key, holder) else self._holders[key][1]

    def give_back(self, holder: object) -> None:
        """Free all that the holder has."""
        with self._changed:
            self._holders = {key: kept for key, kept in self._holders.items() if kept[0] is not holder}
            self._changed.notify_all()

    def _free(self, key: Hashable, holder: object) -> bool:
        return key not in self._holders or self._holders[key][0] is holder


class Shared:
    """What all connectors of this process have in common, as they have DuckDB's instances."""

    def __init__(self, threads: Threads) -> None:
        self.streams = Locks(threads)
        self.rows = Locks(threads)
        # Two users of one file must find each other.
        self.attaching = threads.lock()


# A process has one kind of threads, unless a test gives it others.
_SHARED: dict[Threads, Shared] = {}


def shared(threads: Threads) -> Shared:
    """What connectors on these threads share."""
    return _SHARED.setdefault(threads, Shared(threads))


# Rows that are stored together (DuckDB's manual, "Storage versions and format"). A whole group goes to the file when it
# is inserted; other rows go to the log first, and to the file when that is long. DuckDB's own choice is six times as
# many, more than we hold of a wide table; with fewer than these a narrow one takes more of the disk.
ROW_GROUP = 20_480

# Set once connected: two connections of one process to one file must be opened with the same settings.
_SETTINGS = (
    # A flush is a commit, and at DuckDB's own threshold (16 MB of log) nearly each would rewrite the file.
    "SET checkpoint_threshold = '64MB'",
    # Arrival is in the raw ids, so that rows need not keep their order in the table.
    "SET preserve_insertion_order = false",
)
# One thread fills a row group after another; each of several would leave one half full at the end of a flush.
_THREADS_FOR_ROWS, _THREADS_FOR_WHOLE_TABLES = "SET threads = 1", "RESET threads"
# What DuckDB keeps of a file in memory grows to its limit, which by itself is most of the machine's memory. The
# first is enough for flushes; the second for whole tables of a million rows, which go by way of the disk. A large cell
# needs more, and then there is more.
_MEMORY = (
    "SET memory_limit = '40MiB'",
    "SET memory_limit = '128MiB'",
    "SET memory_limit = '1GiB'",
    "RESET memory_limit",
)
_FOR_WHOLE_TABLES = 1

# What DuckDB calls the instance in memory to which a file is attached.
INSTANCE = "memory"


class Database:
    """The instance that a connector's clients share. Opened when first used; safe to use from several threads."""

    def __init__(self, config: Config, runtime: Runtime) -> None:
        self._config = config
        self._clock = runtime.clock
        self.threads = runtime.threads
        self.shared = shared(self.threads)
        self._opening = self.threads.lock()
        self._instance: duckdb.DuckDBPyConnection | None = None
        # Its place in _MEMORY. A database in memory is its own memory.
        self._memory = 0 if config.in_file else len(_MEMORY) - 1
        # How many do work on whole tables.
        self._whole = 0
        # Two in-memory databases have nothing in common; two ways to one file are the same.
        self.identity: Hashable = object() if config.in_memory else config.database
        self.statements = DuckDbStatements(hard_deletes=config.hard_deletes)

    def key(self, table: TableName) -> Hashable:
        """What names the table among the locks of this process."""
        comparable = DuckDbColumns.naming.comparable
        return self.identity, comparable(table.namespace), comparable(table.name)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own to the shared instance. Raises DuckDB's errors."""
        with self._opening:
            if self._instance is None:
                self._instance = self._open()
                for setting in (*_SETTINGS, _MEMORY[self._memory]):
                    self._instance.execute(setting)
                self._share_threads()
                catalog = self._instance.execute("SELECT current_database()").fetchall()[0][0]
                self.statements = evolve(self.statements, catalog=catalog)
            cursor = self._instance.cursor()
        # Else a macro that somebody keeps in the file would be taken for DuckDB's function of that name.
        cursor.execute(DUCKDB.render(use(INSTANCE if self._config.in_file else self.statements.catalog)))
        # What a timestamp's date is, when a column becomes a date, must not depend on the machine.
        cursor.execute("SET TimeZone = 'UTC'")
        return cursor

    def grow(self) -> bool:
        """Give DuckDB more memory; false when there is no more to give."""
        with self._opening:
            return self._provide(self._memory + 1)

    @contextmanager
    def whole_tables(self) -> Iterator[None]:
        """Give DuckDB what work on a whole table takes, which is more than a flush does: memory, and every thread."""
        with self._opening:
            self._whole += 1
        try:
            with self._opening:
                self._share_threads()
                if self._memory < _FOR_WHOLE_TABLES:
                    self._provide(_FOR_WHOLE_TABLES)
            yield
        finally:
            with self._opening:
                self._whole -= 1
                # A database that has failed refuses this too; why it failed is what matters.
                with suppress(duckdb.Error):
                    self._share_threads()

    def close(self) -> None:
        """Let go of the file, once the clients have closed too. May be called twice."""
        with self._opening:
            if self._instance is not None:
                self._instance.close()
                self._instance = None

    def _provide(self, memory: int) -> bool:
        if self._instance is None or memory == len(_MEMORY):
            return False
        self._memory = memory
        self._instance.execute(_MEMORY[memory])
        return True

    def _share_threads(self) -> None:
        if self._instance is not None and self._config.in_file:
            self._instance.execute(_THREADS_FOR_WHOLE_TABLES if self._whole else _THREADS_FOR_ROWS)

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._config.in_file:
            return self._open_file()
        token = self._config.motherduck_api_key
        # DuckDB knows this setting only once it has loaded what it needs for such a path.
        settings: dict[str, Any] = {"motherduck_token": token} if token and self._config.on_motherduck else {}
        return duckdb.connect(self._config.database, config=settings)

    def _open_file(self) -> duckdb.DuckDBPyConnection:
        give_up = self._clock.monotonic() + _FILE_PATIENCE
        while True:
            try:
                return open_file(self._config.database, self.threads)
            except duckdb.IOException as error:
                if "Could not set lock" not in str(error) or self._clock.monotonic() > give_up:
                    raise
                self.threads.sleep(0.1)


def open_file(file: str, threads: Threads) -> duckdb.DuckDBPyConnection:
    """A connection that means this file, on the instance of DuckDB that this process has of it. Raises DuckDB's errors.

    The size of a row group can only be said to ATTACH. So the instance itself is in memory, and called by the path.
    """
    connection = duckdb.connect(f":memory:{file}")
    try:
        with shared(threads).attaching:
            catalog = _attached(connection, file) or _attach(connection, file)
            # An instance in memory would spill where the process happens to be.
            connection.execute(DUCKDB.render(spill_into(f"{file}.tmp")))
        connection.execute(DUCKDB.render(use(catalog)))
    except BaseException:
        connection.close()
        raise
    return connection


def _attach(connection: duckdb.DuckDBPyConnection, file: str) -> str:
    try:
        connection.execute(DUCKDB.render(attach(file, ROW_GROUP)))
    except duckdb.BinderException:
        # The instance has a database already that is called like this file.
        connection.execute(DUCKDB.render(attach(file, ROW_GROUP, f"{Path(file).stem}_db")))
    catalog = _attached(connection, file)
    if catalog is None:
        # Whatever were written then would be lost with the process.
        raise InternalError(
            "DuckDB opened the file, but does not list it by its path.",
            doing="opening the database",
            remedy="Nothing was written. Report this, with DuckDB's version.",
        )
    return catalog


def _attached(connection: duckdb.DuckDBPyConnection, file: str) -> str | None:
    found = connection.execute(DUCKDB.render(attached_as()), {"file": file}).fetchone()
    return str(found[0]) if found else None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether DuckDB could do it with more memory. A COMMIT says so in an error of another class."""
    # It says "could not allocate", "failed to pin", and so on, of a block.
    return isinstance(error, duckdb.Error) and bool(
        re.search(r"(allocate|pin) (data|block) of size", str(error))
    )
