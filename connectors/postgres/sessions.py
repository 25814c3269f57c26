"""How a session on the server is opened, and how long a run waits for what. Locks nothing."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import psycopg
from attrs import Factory, field, frozen

from connectors.postgres.network import Network, WatchedConnection
from connectors.postgres.pooling import Pooling
from connectors.postgres.quoting import query
from connectors.sql.text import Sql, Value, listed, sql
from dataflow.errors import ConfigError
from dataflow.runtime import Runtime

Row = tuple[Any, ...]
Connection = psycopg.Connection[Row]

# How sessions of ours are called, before their run's name.
OURS = "dataflow "

# What a session must not inherit from the server's defaults, as pg_dump sees it. Sitting on a lock is bounded.
SETTINGS: Mapping[str, str] = {
    # With a path, an operator, a cast or a function of anybody who may create one could be taken for the server's.
    "search_path": "",
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "transaction_timeout": "0",
    "idle_in_transaction_session_timeout": "10min",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
# The oldest server that knows all that is used here.
OLDEST = 140000
# The first versions of the server that know a setting, where it is not all of them.
SINCE: Mapping[str, int] = {"transaction_timeout": 170000}


@frozen
class Holder:
    """The holder of what we want. What the server hides of other roles' sessions is None; `silent` is in seconds."""

    pid: int
    name: str
    since: Any
    silent: float | None

    def __str__(self) -> str:
        started = f", connected since {self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        return f'"{self.name}", server process {self.pid}{started}'


@frozen(kw_only=True)
class Access:
    """How to reach the server, and how long to wait for what, in seconds.

    `parameters` are libpq's; `detour` gives those of a tunnel, opened for each connection. `lock_timeout` bounds a
    statement's wait for a lock, `statement_timeout` a statement; 0 is no bound. `lock_wait` is for a stream's
    lock, `ghost_wait` for what a dead run's session still does. A live run's session asks the server something every
    `pulse`; silent for two of them it may be dead, and for seven it is.
    """

    runtime: Runtime = field(repr=False)
    parameters: Mapping[str, Any] = field(repr=False)
    detour: Callable[[], Mapping[str, str]] = dict
    lock_timeout: int = 60
    statement_timeout: int = 0
    lock_wait: float = 6.0
    lock_poll: float = 0.2
    ghost_wait: float = 10.0
    pulse: float = 2.0
    pooling: Pooling = field(
        default=Factory(lambda access: Pooling(access.runtime.threads.lock()), takes_self=True)
    )
    network: Network = field(default=Factory(lambda access: Network(access.runtime), takes_self=True))
    # The processes that kept each of our server processes waiting when last asked.
    blockers: dict[int, Holder] = field(factory=dict, init=False, repr=False, eq=False)

    @property
    def lock_limit(self) -> str:
        """The wait for a lock, as the server gets it."""
        return f"{self.lock_timeout}s"

    @property
    def doubtful_after(self) -> float:
        """Seconds of silence after which it is unknown whether the run of a session lives."""
        return 2.5 * self.pulse

    @property
    def dead_after(self) -> float:
        """The run of a session that was silent for so long is dead."""
        return 7.5 * self.pulse

    def connect(self, **more: str) -> Connection:
        """A new connection whose session has our settings.

        Raises the driver's errors, and a tunnel's; ConfigError for a server that is too old, and for a pooler that
        shares sessions.
        """
        parameters = {
            **self.parameters,
            **self.detour(),
            **more,
            "autocommit": True,
            "prepare_threshold": None,
        }
        connect = partial(WatchedConnection.connect, **parameters)
        connection = connect()
        try:
            self.network.watch(connection)
            refuse_old(connection.info.server_version)
            # Before anything is set, which a pooler would leave to others.
            self.pooling.refuse(connection, connect)
            # What a waiting transaction reads must be what the other has just committed: the ledger's fence needs it.
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            connection.execute(query(self._settings(connection.info.server_version)))
            with suppress(psycopg.errors.InvalidParameterValue):
                # Not every system can; where it can, the server ends a killed run's statement, and its locks.
                connection.execute("SET client_connection_check_interval = '5s'")
        except BaseException:
            connection.close()
            raise
        return connection

    def _settings(self, version: int) -> Sql:
        limits = {"lock_timeout": self.lock_limit, "statement_timeout": f"{self.statement_timeout}s"}
        wanted = {**SETTINGS, **limits}
        known = ((name, value) for name, value in wanted.items() if version >= SINCE.get(name, 0))
        return sql(
            "SELECT {}",
            listed(sql("pg_catalog.set_config({}, {}, false)", *map(Value, each)) for each in known),
        )


def refuse_old(version: int) -> None:
    """ConfigError for a version of the server, as libpq gives it, that lacks what is used here."""
    if version < OLDEST:
        raise ConfigError(
            f"The server is PostgreSQL {version // 10000}.{version % 10000}, and this destination needs "
            f"{OLDEST // 10000} or newer.",
            remedy="Upgrade the server, or choose another.",
        )
