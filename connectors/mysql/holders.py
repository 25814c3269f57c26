"""Which sessions have what a statement waited for, as far as the user may see it. Ends none of them."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

import pymysql
from attrs import frozen

from connectors.mysql.columns import MYSQL
from connectors.sql.text import Param, Sql, sql


class Ask(Protocol):
    """Sends a statement, and gives its rows."""

    def __call__(self, statement: Sql, parameters: dict[str, Any], /) -> Sequence[tuple[Any, ...]]: ...


@frozen
class Holder:
    """A session with a lock on `table`; where the server does not say of which, one with an open transaction.

    What the server hides of other users' sessions is None. `seconds` is how long it has been idle, or at work.
    """

    session: int
    user: str | None
    idle: bool | None
    seconds: int | None
    table: str | None

    def __str__(self) -> str:
        of = f" of {self.user}" if self.user else ""
        state = "" if self.seconds is None else f", {'idle' if self.idle else 'at work'} for {self.seconds} s"
        has = f"a lock on {self.table}" if self.table else "an open transaction"
        return f"session {self.session}{of} with {has}{state}"


def holders(ask: Ask, text: str) -> tuple[Holder, ...]:
    """Those that this statement waits for. None where the user may see none."""
    for statement in (_LOCKS_OF_MYSQL, _LOCKS_OF_MARIADB, _TRANSACTIONS):
        with suppress(pymysql.MySQLError):
            found = ask(
                statement, {"said": text, "quote": MYSQL.quote.before} if statement.has_parameters else {}
            )
            if found:
                return tuple(Holder(*each) for each in found)
    return ()


# Each is asked for the tables that the statement names, as `render` writes names, and for the three that stay longest.
# The tables of locks are off, or a plugin that is not installed, on many servers.
_LOCKS_OF_MYSQL = sql(
    "SELECT DISTINCT t.processlist_id, concat(t.processlist_user, '@', t.processlist_host), "
    "t.processlist_command = 'Sleep', t.processlist_time, concat(m.object_schema, '.', m.object_name) "
    "FROM performance_schema.metadata_locks AS m "
    "JOIN performance_schema.threads AS t ON t.thread_id = m.owner_thread_id "
    "WHERE m.object_type = 'TABLE' AND m.lock_status = 'GRANTED' AND t.processlist_id <> connection_id() "
    "AND locate(concat({q}, m.object_schema, {q}, '.', {q}, m.object_name, {q}), {said}) > 0 "
    "ORDER BY 4 DESC LIMIT 3",
    q=Param("quote"),
    said=Param("said"),
)
_LOCKS_OF_MARIADB = sql(
    "SELECT DISTINCT m.thread_id, concat(p.user, '@', p.host), p.command = 'Sleep', p.time, "
    "concat(m.table_schema, '.', m.table_name) "
    "FROM information_schema.metadata_lock_info AS m "
    "LEFT JOIN information_schema.processlist AS p ON p.id = m.thread_id "
    "WHERE m.thread_id <> connection_id() "
    "AND locate(concat({q}, m.table_schema, {q}, '.', {q}, m.table_name, {q}), {said}) > 0 "
    "ORDER BY 4 DESC LIMIT 3",
    q=Param("quote"),
    said=Param("said"),
)
_TRANSACTIONS = sql(
    "SELECT t.trx_mysql_thread_id, concat(p.user, '@', p.host), p.command = 'Sleep', p.time, NULL "
    "FROM information_schema.innodb_trx AS t "
    "JOIN information_schema.processlist AS p ON p.id = t.trx_mysql_thread_id "
    "WHERE p.id <> connection_id() ORDER BY t.trx_started LIMIT 3"
)
