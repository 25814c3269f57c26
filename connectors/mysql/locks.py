"""The locks that keep other runs from a final table, and the fence of each ledger entry. Asks about no rows.

A stream's lock is a named lock of the server, on a session that does nothing else, so it is free as soon as its process
ends. A table of ours says which run has it; where that table is not there yet, the session's number is all there is.
"""

from collections.abc import Mapping
from hashlib import sha256

import pymysql

from connectors.contract.ledger import LedgerEntry
from connectors.mysql.columns import MYSQL, NO_SUCH_DATABASE, NO_SUCH_TABLE, MysqlColumns
from connectors.mysql.connection import MysqlConnection
from connectors.sql.dialect import Holds, InternalColumn
from connectors.sql.ledger import SqlLedger
from connectors.sql.ledger_rows import KEY, KEY_COLUMNS, key_of
from connectors.sql.session import Session
from connectors.sql.text import Name, Param, Sql, all_given, listed, names, sql
from dataflow.errors import TransientError
from dataflow.names import comparable
from dataflow.runtime import Runtime
from dataflow.types import TableName

TABLE = "_airbyte_locks"
_COLUMNS = (
    *KEY_COLUMNS,
    InternalColumn("session", Holds.INTEGER, nullable=False),
    InternalColumn("owner", Holds.TEXT, nullable=False),
)
# Seconds. A run that has just ended may still be closing its sessions.
PATIENCE = 2
TRIES = 5


def lock_name(purpose: str, table: TableName) -> str:
    """The name of a lock of the server's: within 64 characters, and the same for names that the server takes as one."""
    same = comparable(table, MysqlColumns.naming)
    hashed = sha256(f"{len(same.namespace)}:{same.namespace}{same.name}".encode()).hexdigest()
    return f"dataflow_{purpose}_{hashed[:40]}"


class StreamLocks:
    """The locks of one client."""

    def __init__(self, connection: MysqlConnection, internal_namespace: str, runtime: Runtime) -> None:
        self._connection = connection
        self._place = TableName(internal_namespace, TABLE)
        self._taken: dict[TableName, str] = {}
        # Several threads may ask the same client.
        self._one_at_a_time = runtime.threads.lock()

    def take(self, table: TableName, owner: str) -> str | None:
        """Take the table's lock, or have it already. The answer is the run that has it after a short wait, if any."""
        with self._one_at_a_time:
            return self._take(table, owner)

    def _take(self, table: TableName, owner: str) -> str | None:
        self._renew()
        if table in self._taken:
            return None
        for _ in range(TRIES):
            if self._connection.take_lock(lock_name("stream", table), PATIENCE):
                self._taken[table] = owner
                self._say(table, owner)
                return None
            if holder := self._holder(table):
                return holder
            # It was freed between the two questions.
        raise TransientError(
            f"The lock of {table} passed from one session to the next {TRIES} times.", remedy="Try again."
        )

    def taken(self, table: TableName) -> str | None:
        """The run that has the table's lock, if it is not this client's."""
        with self._one_at_a_time:
            return None if table in self._taken else self._holder(table)

    def give_back(self) -> None:
        """Free all of them. May be called twice."""
        with self._one_at_a_time:
            self._taken.clear()
            self._connection.recover()

    def _renew(self) -> None:
        """Have again on a new session what was lost with the old one. The claim's epoch keeps a rival out meanwhile."""
        if self._connection.is_alive():
            return
        kept, self._taken = self._taken, {}
        for table, owner in kept.items():
            if self._connection.take_lock(lock_name("stream", table), PATIENCE):
                self._taken[table] = owner
                self._say(table, owner)

    def _say(self, table: TableName, owner: str) -> None:
        written = sql(
            "REPLACE INTO {} ({}) VALUES ({}, {}, CONNECTION_ID(), {})",
            Name(self._place.namespace, self._place.name),
            names(each.name for each in _COLUMNS),
            *map(Param, KEY),
            Param("owner"),
        )
        self._ask(written, {**key_of(table), "owner": owner})

    def _holder(self, table: TableName) -> str | None:
        session = self._connection.lock_holder(lock_name("stream", table))
        if session is None:
            return None
        said = self._ask(
            sql(
                "SELECT {} FROM {} WHERE {}",
                Name("owner"),
                Name(self._place.namespace, self._place.name),
                # A server that starts again counts its sessions from 1.
                all_given((*KEY, "session")),
            ),
            {**key_of(table), "session": session},
        )
        return said[0][0] if said else f"unknown (session {session})"

    def _ask(self, statement: Sql, parameters: Mapping[str, object]) -> list[tuple[str, ...]]:
        """What our table says; nothing where it is not there yet, as before the first sync."""
        try:
            found = list(self._connection.execute(statement, parameters))
            self._connection.open.commit()
        except pymysql.err.MySQLError as error:
            if error.args[:1] not in ((NO_SUCH_DATABASE,), (NO_SUCH_TABLE,)):
                raise
            return []
        return found


class FencedLedger(SqlLedger):
    """The shared ledger. Overrides how an entry is held, since a row's lock ends where a table changes."""

    def __init__(self, session: Session, internal_namespace: str, connection: MysqlConnection) -> None:
        super().__init__(session, internal_namespace, MYSQL)
        self._client = session
        self._connection = connection
        self._locks = TableName(internal_namespace, TABLE)

    def prepare(self) -> None:
        super().prepare()
        if not self._client.column_names(self._locks):
            key = sql("PRIMARY KEY ({})", names(KEY))
            self._client.execute(
                sql(
                    "CREATE TABLE IF NOT EXISTS {} ({}){}",
                    Name(self._locks.namespace, self._locks.name),
                    listed([*map(MYSQL.internal_definition, _COLUMNS), key]),
                    MYSQL.table_options,
                )
            )

    def hold(self, table: TableName) -> LedgerEntry | None:
        self._connection.fence(lock_name("fence", table))
        return super().hold(table)
