"""The session that keeps other runs from a run's tables. Fences nothing off: the ledger's epoch does.

A run holds one lock, whose number is made of its name, and stands in the ledger as the owner of each table that it
takes. So another run finds who has a table, and whether that run's session is there, with one lock a run and not one a
table: the server has room for some thousands in all. The session shows that its process lives by asking the server
something every few seconds. A run whose session is silent, or that works on without its lock, is dead or superseded:
what is left of it is waited for, then ended.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any

import psycopg
from attrs import define, field, frozen

from connectors.contract import Writer
from connectors.postgres import catalog, ownership
from connectors.postgres.quoting import query
from connectors.postgres.sessions import OURS, Access, Connection, Holder
from connectors.sql.session import Session
from connectors.sql.text import Sql
from dataflow.errors import ConfigError, TransientError
from dataflow.types import TableName


class Pulse:
    """Asks the server something now and then on a connection, so that others see its process live.

    It asks which sessions keep our other sessions waiting. Those cannot ask, and later the server no longer knows.
    """

    def __init__(self, connection: Connection, access: Access) -> None:
        self._connection = connection
        self._access = access
        self._over = access.runtime.threads.event()
        self._thread = access.runtime.threads.start(self._beat, "pulse")

    def stop(self) -> None:
        """Close the connection, once nobody asks on it."""
        self._over.set()
        self._thread.join(5.0)
        # What still waits for an answer then must not be closed under it; the server will see the process end.
        if not self._thread.is_alive():
            self._connection.close()

    def _beat(self) -> None:
        with suppress(psycopg.Error):
            while not self._over.wait(self._access.pulse):
                # A statement that a short statement_timeout cancels has reached the server all the same.
                with suppress(psycopg.errors.QueryCanceled):
                    self._ask()

    def _ask(self) -> None:
        name = self._access.parameters["application_name"]
        found = self._connection.execute(query(ownership.blockers()), {"name": name}).fetchall()
        self._access.blockers.update({waiting: Holder(*holder) for waiting, *holder in found})


@define
class Locks:
    """The final tables that this client keeps other runs from, on a connection of its own. Safe with threads.

    `ledger` is where owners are written down. While there is none, nobody can have claimed anything. `unclaimed`:
    an entry was made that no claim had used before.
    """

    _access: Access
    _ledger: TableName
    _busy: AbstractContextManager[Any] = field(init=False, repr=False)
    _run: str = ""
    _unclaimed: bool = False
    _connection: Connection | None = None
    _pulse: Pulse | None = None

    def __attrs_post_init__(self) -> None:
        self._busy = self._access.runtime.threads.lock()

    def take(self, table: TableName, owner: str) -> None:
        """Make a run the owner of a table, from here on until `release`.

        ConfigError when a live run has it; TransientError when what holds it is ending, or can neither be waited for
        nor be ended.
        """
        with self._busy:
            self._run = owner
            connection = self._renewed()
        clock, threads = self._access.runtime.clock, self._access.runtime.threads
        started = clock.monotonic()
        while not self._registered(connection, table):
            waited = clock.monotonic() - started
            holder = self._find(connection, ownership.owner_session(self._ledger), table)
            if holder is not None and holder.name != OURS + owner:
                self._outwait(connection, table, holder, waited)
            else:
                self._see_off(connection, table, waited)
            threads.sleep(self._access.lock_poll)

    def renew(self) -> None:
        """Take the run's lock again, if it was lost with the connection. What others took since is theirs."""
        with self._busy:
            if self._run:
                self._renewed()

    def release(self) -> None:
        """Give all tables up. One that was never claimed leaves no entry."""
        with self._busy:
            if self._connection is not None and self._unclaimed:
                with suppress(psycopg.Error):
                    self._connection.execute(query(ownership.forget(self._ledger)), {"owner": self._run})
            pulse, self._pulse, self._connection, self._run = self._pulse, None, None, ""
        if pulse is not None:
            pulse.stop()

    def _renewed(self) -> Connection:
        """The connection, asked or new, with the run's lock."""
        if self._connection is not None and self._pulse is not None:
            try:
                self._connection.execute("SELECT 1")
            except psycopg.Error:
                self._pulse.stop()
            else:
                return self._connection
        connection = self._access.connect(application_name=OURS + self._run)
        # The pause between two attempts to become an owner, where somebody holds the entry.
        wait = f"{max(1, round(1000 * self._access.lock_poll))}ms"
        connection.execute(query(ownership.enter()), {"owner": self._run, "wait": wait})
        self._connection = connection
        self._pulse = Pulse(connection, self._access)
        return connection

    def _registered(self, connection: Connection, table: TableName) -> bool:
        """Whether the run is the owner now. It is not while a live run is, or while somebody has locked the entry."""
        parameters = catalog.named(table) | {"owner": self._run}
        try:
            row = connection.execute(query(ownership.own(self._ledger)), parameters).fetchone()
        except psycopg.errors.UndefinedTable:
            return True
        except psycopg.errors.LockNotAvailable:
            return False
        self._unclaimed |= row == (0,)
        return row is not None

    def _outwait(self, connection: Connection, table: TableName, holder: Holder, waited: float) -> None:
        """Give a run with its lock the time to end or to show that it lives."""
        if gone(holder, self._access):
            self._end(connection, table, holder)
        if waited >= self._access.lock_wait:
            raise refusal(table, holder, self._access)

    def _see_off(self, connection: Connection, table: TableName, waited: float) -> None:
        """Wait for the sessions that work on a table without its lock, and end them if they do not end by themselves.

        Flushes share the entry, and one that begins overtakes us: without an end of all of them, each of which may end
        by itself, there might always be one.
        """
        ghosts = self._find_all(connection, ownership.entry_holders(self._ledger), table)
        if waited >= 2 * self._access.ghost_wait:
            raise _unfinished(table, ghosts[0] if ghosts else None)
        if waited >= self._access.ghost_wait:
            for ghost in ghosts:
                self._end(connection, table, ghost)

    @staticmethod
    def _find_all(connection: Connection, holding: Sql, table: TableName) -> Sequence[Holder]:
        rows = connection.execute(query(holding), catalog.named(table)).fetchall()
        return [Holder(*row) for row in rows]

    @staticmethod
    def _find(connection: Connection, holding: Sql, table: TableName) -> Holder | None:
        row = connection.execute(query(holding), catalog.named(table)).fetchone()
        return Holder(*row) if row else None

    @staticmethod
    def _end(connection: Connection, table: TableName, ghost: Holder) -> None:
        """End the session of a run of ours that is gone. Any other session is left alone."""
        if not ghost.name.startswith(OURS):
            return
        try:
            connection.execute("SELECT pg_catalog.pg_terminate_backend(%s)", [ghost.pid])
        except psycopg.errors.InsufficientPrivilege as error:
            raise _unfinished(table, ghost) from error


@frozen
class ClientLocks:
    """The locks of a client, and what its session finds out about those of other runs."""

    _own: Locks
    _access: Access
    _ledger: TableName
    _session: Session

    def take(self, table: TableName, owner: str) -> None:
        """Take the table's lock. Raises what `Locks.take` raises where another run has it."""
        self._own.take(table, owner)

    def taken(self, table: TableName) -> str | None:
        """The run that has the table, or still works on it."""
        found = self.writer(table)
        return found.run if found else None

    def give_back(self) -> None:
        """Free all of them."""
        self._own.release()

    def writer(self, table: TableName) -> Writer | None:
        """The run that has the table, or still works on it, with what its session says."""
        found = self.holder(table)
        return _writer(found, self._access) if found else None

    def require_free(self, table: TableName) -> None:
        """Raise what `take` raises where another run has the table, and take no lock."""
        holder = self.holder(table)
        if holder is not None and not gone(holder, self._access):
            raise refusal(table, holder, self._access)

    def holder(self, table: TableName) -> Holder | None:
        """The session of the table's owner, or one that works on it without."""
        if not self._session.column_names(self._ledger):
            return None
        for holding in (ownership.owner_session, ownership.entry_holders):
            for row in self._session.execute(holding(self._ledger), catalog.named(table)):
                return Holder(*row)
        return None


def refusal(table: TableName, holder: Holder, access: Access) -> ConfigError | TransientError:
    """Why a table cannot be locked that another run has."""
    if holder.silent is not None and holder.silent >= access.doubtful_after:
        return _unfinished(table, holder)
    return ConfigError(
        f"Another run is writing to {table}: {holder}.",
        doing=f"locking {table}",
        remedy="Wait for it to end, or stop it, then run the sync again. Only one sync may write to a table at a time.",
    )


def gone(holder: Holder, access: Access) -> bool:
    """Whether a session was silent for so long that its run is dead."""
    return holder.silent is not None and holder.silent >= access.dead_after


def _writer(holder: Holder, access: Access) -> Writer:
    """The run of a session."""
    return Writer(
        run=holder.name.removeprefix(OURS),
        since=f"{holder.since:%Y-%m-%d %H:%M:%S} UTC" if holder.since else "",
        silent=round(holder.silent, 1) if holder.silent is not None else None,
        gone=gone(holder, access),
    )


def _unfinished(table: TableName, ghost: Holder | None) -> TransientError:
    if ghost is None:
        return TransientError(
            f"The ledger's entry of {table} is locked by a session that pg_stat_activity does not show.",
            doing=f"locking {table}",
            remedy="Try again. If this error remains, look for long transactions in pg_stat_activity.",
        )
    return TransientError(
        f"A session that may belong to a dead run is still working on {table}: {ghost}.",
        doing=f"locking {table}",
        remedy="Try again. If this stays, let the administrator run: "
        f"SELECT pg_terminate_backend({ghost.pid});",
    )
