"""Whether a session of ours is one session of the server, or a pooler hands its statements to several. Changes nothing.

PgBouncer in its modes `transaction` and `statement` does the latter. Settings, locks and the process that an error
names would then be of sessions that others use too.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from typing import Any

import psycopg
from attrs import define, field

from dataflow.errors import ConfigError

# How often both sessions are asked: other clients of the pool may take a session of the server in between.
ROUNDS = 3


@define
class Pooling:
    """Asks once, for all connections that lead to the same place."""

    _asking: AbstractContextManager[Any] = field(repr=False)
    _direct: bool = False

    def refuse(
        self, connection: "psycopg.Connection[Any]", another: "Callable[[], psycopg.Connection[Any]]"
    ) -> None:
        """ConfigError where one session of ours is not one of the server. `another` opens a second connection."""
        with self._asking:
            if self._direct:
                return
            # A pooler makes up the number that it gives when we connect; a server gives its own.
            if _process(connection) != connection.info.backend_pid and _shared(connection, another):
                raise ConfigError(
                    "A connection pooler in front of the server shares its sessions between clients, as PgBouncer "
                    "does in its modes transaction and statement. A sync needs sessions of its own.",
                    remedy="Set host and port to the server's own, or to a pool whose mode is session "
                    "(PgBouncer: pool_mode=session).",
                )
            self._direct = True


def _shared(connection: "psycopg.Connection[Any]", another: "Callable[[], psycopg.Connection[Any]]") -> bool:
    """Whether one of two open sessions moves between processes of the server, or both come to be in one."""
    with closing(another()) as second:
        first = {_process(connection)}
        for _ in range(ROUNDS):
            first |= {_process(connection), _process(connection)}
            if len(first) > 1 or _process(second) in first:
                return True
    return False


def _process(connection: "psycopg.Connection[Any]") -> int:
    row = connection.execute("SELECT pg_catalog.pg_backend_pid()").fetchone()
    return int(row[0]) if row else 0
