"""Sessions on the server: how one is opened, and the one that keeps other runs from a run's tables.

The second shows that its process lives by asking the server something every few seconds. A run whose session
is silent, or that works on without its lock, is dead or superseded: what is left of it is waited for, then ended.
"""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import psycopg
from attrs import define, field, frozen
from psycopg.sql import SQL, Composed

from connectors.contract import Writer
from connectors.postgres.catalog import lock_holder, lock_key
from dataflow.errors import ConfigError, TransientError
from dataflow.types import TableName

Row = tuple[Any, ...]
Connection = psycopg.Connection[Row]

# How sessions of ours are called, before their run's name.
OURS = "dataflow "

# What a session must not inherit from the server's defaults, as pg_dump sees it. Sitting on a lock is bounded.
SETTINGS: Mapping[str, str] = {
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "transaction_timeout": "0",
    "idle_in_transaction_session_timeout": "10min",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
# The first versions of the server that know a setting, where it is not all of them.
SINCE: Mapping[str, int] = {"transaction_timeout": 170000}


@frozen(kw_only=True)
class Access:
    """How to reach the server, and how long to wait for what, in seconds.

    `parameters` are libpq's; `detour` gives those of a tunnel, opened for whoever connects. `lock_timeout` bounds a
    statement's wait for a lock, `statement_timeout` a statement; 0 is no bound. `lock_wait` is for a stream's
    lock, `ghost_wait` for what a dead run's session still does. A live run's session is heard of every `pulse`;
    silent for two of them it may be dead, and for seven it is.
    """

    parameters: Mapping[str, Any] = field(repr=False)
    detour: Callable[[], Mapping[str, str]] = dict
    lock_timeout: int = 60
    statement_timeout: int = 0
    lock_wait: float = 6.0
    lock_poll: float = 0.2
    ghost_wait: float = 10.0
    pulse: float = 2.0

    @property
    def lock_limit(self) -> str:
        """The wait for a lock as the server is told of it."""
        return f"{self.lock_timeout}s"

    @property
    def doubtful_after(self) -> float:
        """Of a session that was silent for so long it is not known whether its run lives."""
        return 2.5 * self.pulse

    @property
    def dead_after(self) -> float:
        """The run of a session that was silent for so long is dead."""
        return 7.5 * self.pulse

    def connect(self, **more: str) -> Connection:
        """A new connection whose session has our settings. Raises the driver's errors, and a tunnel's."""
        parameters = {**self.parameters, **self.detour(), **more}
        connection = psycopg.connect(**parameters, autocommit=True, prepare_threshold=None)
        try:
            # What a waiting transaction reads must be what the other has just committed: the ledger's fence needs it.
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            connection.execute(self._settings(connection.info.server_version))
            with suppress(psycopg.errors.InvalidParameterValue):
                # Not every system can; where it can, the server ends a killed run's statement, and its locks.
                connection.execute("SET client_connection_check_interval = '5s'")
        except BaseException:
            connection.close()
            raise
        return connection

    def _settings(self, version: int) -> Composed:
        limits = {"lock_timeout": self.lock_limit, "statement_timeout": f"{self.statement_timeout}s"}
        wanted = {**SETTINGS, **limits}
        known = ((name, value) for name, value in wanted.items() if version >= SINCE.get(name, 0))
        return SQL("SELECT {}").format(
            SQL(", ").join(SQL("set_config({}, {}, false)").format(*each) for each in known)
        )


@frozen
class Holder:
    """Who has what we want. What the server hides of other roles' sessions is None; `silent` is in seconds."""

    pid: int
    name: str
    since: Any
    silent: float | None

    def __str__(self) -> str:
        started = f", connected since {self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        return f'"{self.name}", server process {self.pid}{started}'


class Pulse:
    """Asks the server something now and then on a connection, so that others see its process live."""

    def __init__(self, connection: Connection, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the connection, once nobody asks on it."""
        self._over.set()
        self._thread.join(5.0)
        # What still waits for an answer then must not be closed under it; the server will see the process end.
        if not self._thread.is_alive():
            self._connection.close()

    def _beat(self) -> None:
        with suppress(psycopg.Error):
            while not self._over.wait(self._seconds):
                self._connection.execute("SELECT 1")


@define
class Locks:
    """The final tables that this client keeps other runs from, on a connection of its own. Safe with threads."""

    _access: Access
    _busy: threading.RLock = field(factory=threading.RLock, repr=False)
    _owners: dict[TableName, str] = field(factory=dict)
    _connection: Connection | None = None
    _pulse: Pulse | None = None

    def take(self, table: TableName, owner: str) -> None:
        """Lock a table for a run. ConfigError when a live run holds it; TransientError when that run is ending."""
        with self._busy:
            if table in self._owners:
                return
            self.renew()
            self._lock(table, owner)
            self._owners[table] = owner

    def see_off(self, table: TableName, holding: Composed) -> None:
        """Wait for who works on a table of ours without its lock, and end it where it does not end by itself.

        `holding` finds its session by `namespace` and `name`. TransientError when it can neither be waited for nor
        be ended.
        """
        started = time.monotonic()
        while (ghost := self._find(holding, {"namespace": table.namespace, "name": table.name})) is not None:
            waited = time.monotonic() - started
            if waited >= 2 * self._access.ghost_wait:
                raise _unfinished(table, ghost)
            if waited >= self._access.ghost_wait:
                self._end(table, ghost)
            time.sleep(self._access.lock_poll)

    def renew(self) -> None:
        """Take again what was lost with the connection, if it was lost."""
        with self._busy:
            if not self._alive():
                self._connection = None
                for table, owner in self._owners.items():
                    self._lock(table, owner)

    def release(self) -> None:
        """Give all locks up."""
        with self._busy:
            pulse, self._pulse, self._connection, self._owners = self._pulse, None, None, {}
        if pulse is not None:
            pulse.stop()

    def _alive(self) -> bool:
        if self._connection is None or self._pulse is None:
            return False
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            self._pulse.stop()
            return False
        return True

    def _lock(self, table: TableName, owner: str) -> None:
        if self._connection is None:
            self._connection = self._access.connect(application_name=OURS + owner)
            self._pulse = Pulse(self._connection, self._access.pulse)
        key, started = lock_key(table), time.monotonic()
        while not self._tried(self._connection, key):
            holder = self._find(lock_holder(), {"key": key})
            if holder is not None and gone(holder, self._access):
                self._end(table, holder)
            if time.monotonic() - started >= self._access.lock_wait:
                raise self.refusal(table, holder)
            time.sleep(self._access.lock_poll)

    def refusal(self, table: TableName, holder: Holder | None) -> ConfigError | TransientError:
        """Why a table cannot be locked that somebody holds."""
        if holder is None:
            message = f"Another run held the lock of {table}, and has just let it go."
            return TransientError(message, doing=f"locking {table}", remedy="The sync can be tried again.")
        if holder.silent is not None and holder.silent >= self._access.doubtful_after:
            return _unfinished(table, holder)
        return ConfigError(
            f"Another run is writing to {table}: {holder}.",
            doing=f"locking {table}",
            remedy="Let it end, or stop it, then sync again. Only one sync may write to a table at a time.",
        )

    def _find(self, holding: Composed, of: Mapping[str, Any]) -> Holder | None:
        if self._connection is None:
            return None
        try:
            row = self._connection.execute(holding, of).fetchone()
        except psycopg.errors.UndefinedTable:
            # There is no ledger yet, and so nobody who holds an entry of it.
            return None
        return Holder(*row) if row else None

    def _end(self, table: TableName, ghost: Holder) -> None:
        """End the session of a run of ours that is gone. Whoever else it is, is left alone."""
        if self._connection is None or not ghost.name.startswith(OURS):
            return
        try:
            self._connection.execute("SELECT pg_catalog.pg_terminate_backend(%s)", [ghost.pid])
        except psycopg.errors.InsufficientPrivilege as error:
            raise _unfinished(table, ghost) from error

    @staticmethod
    def _tried(connection: Connection, key: int) -> bool:
        row = connection.execute("SELECT pg_catalog.pg_try_advisory_lock(%s)", [key]).fetchone()
        return row == (True,)


def gone(holder: Holder, access: Access) -> bool:
    """Whether a session was silent for so long that its run is dead."""
    return holder.silent is not None and holder.silent >= access.dead_after


def writer_of(holder: Holder, access: Access) -> Writer:
    """The run of a session."""
    return Writer(
        run=holder.name.removeprefix(OURS),
        since=f"{holder.since:%Y-%m-%d %H:%M:%S} UTC" if holder.since else "",
        silent=round(holder.silent, 1) if holder.silent is not None else None,
        gone=gone(holder, access),
    )


def _unfinished(table: TableName, ghost: Holder) -> TransientError:
    return TransientError(
        f"The server has not ended yet what somebody who may be gone does to {table}: {ghost}.",
        doing=f"locking {table}",
        remedy="The sync can be tried again. If this stays, let the administrator run: "
        f"SELECT pg_terminate_backend({ghost.pid});",
    )
