"""One connection to a MySQL or MariaDB server. Composes no statement about a table.

A statement that makes, changes or drops a table commits what came before it, and the locks of rows end there. So a
transaction that holds a ledger entry also has a named lock of the server, the fence, which lasts until the transaction
ends. If the client dies, the server frees the fence when the session's last statement has ended, and not before: the
next holder finds nothing of the dead client at work.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pymysql
from attrs import evolve, field, frozen
from pymysql.connections import LoadLocalPacketWrapper, OKPacketWrapper
from pymysql.constants import CLIENT, COMMAND
from pymysql.constants.ER import NET_PACKET_TOO_LARGE
from pymysql.cursors import Cursor

from connectors.mysql.columns import DENIED, LOCKED, MYSQL
from connectors.mysql.holders import holders
from connectors.mysql.server import (
    CLUSTER,
    is_mariadb,
    require_case,
    require_known,
    require_one_writer,
    require_packets,
)
from connectors.mysql.sql import MARIADB_EXACT, MYSQL_EXACT, MysqlStatements
from connectors.sql.text import Name, Param, Sql, sql
from dataflow.errors import TransientError
from dataflow.runtime import Runtime
from dataflow.runtime.requests import COMMIT, request

# Bytes: about as much as the keys, cursors and raw ids of a million rows.
RANKED = 64 * 1024 * 1024
# What a session must not inherit from the server's defaults.
SETTINGS = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', sql_safe_updates = 0",
    # How many bytes of a text an order compares, and how many rows a SELECT answers: not what the server was given.
    "SET SESSION max_sort_length = 1024, sql_select_limit = 18446744073709551615",
    # Else a ledger row that is looked for, and is not there yet, is locked with its neighbours.
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    # The server ranks rows in memory up to this size, and on disk beyond it. MariaDB obeys the smaller of the two.
    *(
        # A server may allow more than a signed number holds.
        f"SET SESSION {name} = greatest(@@{name}, CAST({RANKED} AS unsigned))"
        for name in ("tmp_table_size", "max_heap_table_size")
    ),
)
# Merges take as long as they take.
MARIADB_SETTINGS = ("SET SESSION max_statement_time = 0",)
MYSQL_SETTINGS = ("SET SESSION max_execution_time = 0",)
WAITS = "SET SESSION lock_wait_timeout = {0}, innodb_lock_wait_timeout = {0}, wait_timeout = {1}"
# Seconds that a session may be idle, also in a transaction: so long a machine that vanished keeps the locks of rows.
IDLE = 600
# Bytes of one packet of rows.
PACKET = 256 * 1024
# MySQL's words about a privilege on a table, without its database.
OF_TABLE = re.compile("for table '(.*)'")
# The server looks the session up as it ends it: a number that is read before could be another session's by then.
ENDED_HOLDER = sql("KILL IS_USED_LOCK({})", Param("name"))
# How long, in seconds, a statement of a dead run may go on before its session is ended, and how long that may take.
GHOST_WAIT, KILL_WAIT = 15, 60


@frozen(kw_only=True)
class Access:
    """How to reach the server. `parameters` are PyMySQL's; `detour` gives those of a tunnel for each connection.

    `lock_timeout` bounds a statement's wait for a lock, and `idle_timeout` how long a session may be idle; in seconds.
    """

    runtime: Runtime
    parameters: Mapping[str, Any] = field(repr=False)
    lock_timeout: int
    idle_timeout: int = IDLE
    detour: Callable[[], Mapping[str, Any]] = dict

    def connect(self) -> Any:
        """A new session. ConfigError when the server cannot be used: it is too old, takes too little, or is a cluster
        that any member of which may write.
        """
        connection = pymysql.connect(
            **{**self.parameters, **self.detour()},
            charset="utf8mb4",
            # What is sent after a statement that commits stays part of the transaction.
            autocommit=False,
            # An UPDATE says how many rows it found. The server may ask for rows, and never gets a file.
            client_flag=CLIENT.FOUND_ROWS | CLIENT.LOCAL_FILES,
            cursorclass=BoundedCursor,
        )
        require_known(connection.server_version)
        with connection.cursor() as cursor:
            cursor.execute(CLUSTER)
            require_one_writer(dict(cursor.fetchall()))
            cursor.execute("SELECT @@lower_case_table_names, @@max_allowed_packet")
            lower_case, largest = cursor.fetchone()
            require_case(lower_case)
            require_packets(largest)
            connection.max_allowed_packet = largest
            more = MARIADB_SETTINGS if is_mariadb(connection.server_version) else MYSQL_SETTINGS
            for setting in (*SETTINGS, *more, WAITS.format(self.lock_timeout, self.idle_timeout)):
                cursor.execute(setting)
        return connection


class BoundedCursor(Cursor):  # type: ignore[misc]
    """A cursor that sends no statement of many rows that the server would answer by closing the connection."""

    def execute(self, query: Any, args: Any = None) -> int:
        # Only such a statement comes as bytes.
        if isinstance(query, bytes | bytearray) and len(query) >= self.connection.max_allowed_packet:
            raise pymysql.err.OperationalError(NET_PACKET_TOO_LARGE)
        return int(super().execute(query, args))


class MysqlConnection:
    """A connection that writes. It is made when it is first used."""

    dialect = MYSQL
    begin = "START TRANSACTION"

    def __init__(self, access: Access, statements: MysqlStatements) -> None:
        self.requests = access.runtime.requests
        self._access = access
        self._statements = statements
        self._connection: Any = None
        self._fenced = False

    @property
    def statements(self) -> MysqlStatements:
        """The statements for the server that is found."""
        collation = MARIADB_EXACT if is_mariadb(self.open.server_version) else MYSQL_EXACT
        return evolve(self._statements, collation=collation)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        # An idle session that the server has ended is replaced.
        self.is_alive()
        connection = self.open
        connection.query(self.begin)
        try:
            yield
            with request(self.requests, COMMIT):
                connection.commit()
        except BaseException:
            with suppress(pymysql.Error):
                connection.rollback()
            raise
        finally:
            self._give_back()

    def fence(self, name: str) -> None:
        """Have the server's lock of this name until the transaction ends; end a dead run's session that keeps it.

        A run that keeps it for long is dead: only a run with the stream's lock asks for it.
        """
        got = self.take_lock(name, GHOST_WAIT)
        if not got:
            # None has it any more, or it is another user's.
            with suppress(pymysql.err.OperationalError):
                self.execute(ENDED_HOLDER, {"name": name})
            got = self.take_lock(name, KILL_WAIT)
        if not got:
            raise TransientError(
                f"A session of an earlier run is still at work, and could not be ended within {KILL_WAIT} s.",
                remedy="Try again. If this stays, let the administrator end the session that SHOW PROCESSLIST shows.",
            )
        self._fenced = True

    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        text = MYSQL.render(statement)
        with self._asking(text), self.open.cursor() as cursor:
            cursor.execute(text, _bound(parameters) if statement.has_parameters else None)
            return list(cursor.fetchall())

    def changed(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> int:
        text = MYSQL.render(statement)
        with self._asking(text), self.open.cursor() as cursor:
            return int(cursor.execute(text, _bound(parameters) if statement.has_parameters else None))

    def execute_many(self, statement: Sql, rows: Sequence[Mapping[str, Any]]) -> None:
        text = MYSQL.render(statement)
        with self._asking(text), self.open.cursor() as cursor:
            cursor.executemany(text, list(map(_bound, rows)))

    def append(self, statement: Sql, rows: Iterable[Sequence[Any]]) -> int:
        text = MYSQL.render(statement)
        with self._asking(text), self.open.cursor() as cursor:
            return int(cursor.executemany(text, list(rows)) or 0)

    def load(self, statement: Sql, parts: Iterable[bytes]) -> int:
        """Execute a LOAD DATA LOCAL with these bytes; how many rows it took. Each warning is an error here.

        The server ignores its own strictness there: what does not fit would be changed, and a row be left out.
        """
        text, connection = MYSQL.render(statement), self.open
        try:
            with self._asking(text):
                taken, warnings = _loaded(connection, text, parts)
        except BaseException:
            # The server may still wait for rows, and would take the next statement for some.
            connection._force_close()  # noqa: SLF001 - there is no other way
            raise
        if warnings:
            _, code, said = self.execute(sql("SHOW WARNINGS LIMIT 1"))[0]
            raise pymysql.err.DataError(code, said)
        return taken

    def takes_loads(self) -> bool:
        """Whether the server allows LOAD DATA LOCAL."""
        return bool(self.execute(sql("SELECT @@local_infile"))[0][0])

    def recover(self) -> None:
        connection, self._connection = self._connection, None
        self._fenced = False
        if connection is not None:
            with suppress(pymysql.Error):
                connection.close()

    def is_alive(self) -> bool:
        """Whether the session is still there. If the server has ended it, a new one is made when it is next needed."""
        try:
            self.open.ping(reconnect=False)
        except pymysql.Error:
            self.recover()
            return False
        return True

    @property
    def open(self) -> Any:
        """The driver's connection, which is made when it is first asked for."""
        if self._connection is None:
            self._connection = self._access.connect()
        return self._connection

    @contextmanager
    def _asking(self, text: str) -> Iterator[None]:
        """Around a statement. What its error leaves out, and the server knows, is noted."""
        try:
            with request(self.requests, text):
                yield
        except pymysql.err.OperationalError as error:
            for each in self._left_out(error, text):
                error.add_note(each)
            raise

    def _left_out(self, error: pymysql.err.OperationalError, text: str) -> Sequence[str]:
        """The sessions that have a lock; or the account that lacks a privilege, and its table's database, if found."""
        code, said = error.args[0], str(error.args[-1])
        if code == LOCKED:
            return [str(each) for each in holders(self._ask, text)]
        if code not in DENIED:
            return []
        # The error has the host that the user comes from. The account may have another, such as %.
        ((account,),) = self._ask(sql("SELECT CURRENT_USER()"), {})
        table = OF_TABLE.search(said)
        # As `render` writes names.
        place = table and re.search(f"`((?:[^`]|``)+)`[.]{re.escape(MYSQL.render(Name(table[1])))}", text)
        return [account, place[1].replace("``", "`")] if place else [account]

    def _ask(self, statement: Sql, parameters: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        with self.open.cursor() as cursor:
            cursor.execute(MYSQL.render(statement), parameters or None)
            return list(cursor.fetchall())

    def take_lock(self, name: str, seconds: int) -> bool:
        """Have the server's lock of this name, which this session keeps; False if another has it for so long."""
        asked = sql("SELECT GET_LOCK({}, {})", Param("name"), Param("seconds"))
        return bool(self.execute(asked, {"name": name, "seconds": seconds})[0][0] == 1)

    def lock_holder(self, name: str) -> int | None:
        """The number of the session that has the lock of this name."""
        ((session,),) = self.execute(sql("SELECT IS_USED_LOCK({})", Param("name")), {"name": name})
        return None if session is None else int(session)

    def _give_back(self) -> None:
        fenced, self._fenced = self._fenced, False
        if fenced and self._connection is not None:
            # A session that is gone has none.
            with suppress(pymysql.Error):
                self._connection.query("DO RELEASE_ALL_LOCKS()")


class MysqlReader(MysqlConnection):
    """A connection whose transactions only read."""

    begin = "START TRANSACTION READ ONLY"


def _bound(parameters: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The parameters, with moments in UTC, since the driver leaves zones out."""
    return {
        name: value.astimezone(UTC).replace(tzinfo=None)
        if isinstance(value, datetime) and value.tzinfo
        else value
        for name, value in (parameters or {}).items()
    }


def _loaded(connection: Any, text: str, parts: Iterable[bytes]) -> tuple[int, int]:
    """Send a LOAD DATA LOCAL and its rows: how many it took, and how many warnings there are.

    By the protocol itself: the driver's own way opens whatever file the server names.
    """
    connection._execute_command(COMMAND.COM_QUERY, text)  # noqa: SLF001 - as said
    packet = connection._read_packet()  # noqa: SLF001 - as said
    if not packet.is_load_local_packet():
        raise pymysql.err.InternalError("The server asked for no rows.")
    LoadLocalPacketWrapper(packet)
    for part in parts:
        for start in range(0, len(part), PACKET):
            connection.write_packet(part[start : start + PACKET])
    connection.write_packet(b"")
    answer = OKPacketWrapper(connection._read_packet())  # noqa: SLF001 - as said
    return int(answer.affected_rows), int(answer.warning_count)
