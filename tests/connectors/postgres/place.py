"""A database of the run's PostgreSQL server for whole syncs."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from tests.servers.address import Address
from tests.servers.databases import fresh_database
from tests.servers.providers import Server
from tests.whole.command import Destination
from tests.whole.places import Facts, Place

FACTS = Facts(killed_by_make_test=True, takes_rows_in_bulk=True)

SESSIONS = (
    "SELECT (SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'dataflow%' "
    "AND datname = current_database()) + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
)
# How long the server may take to see that a process has ended, in seconds.
PATIENCE = 60.0


def place(request: pytest.FixtureRequest) -> Place:
    """The server of this run."""
    server: Server = request.getfixturevalue("postgres_server")
    return Databases(server.address)


@frozen
class Databases:
    """Databases of one server."""

    _server: Address

    @contextmanager
    def empty(self, folder: Path) -> Iterator[Destination]:
        """An empty database."""
        with fresh_database(self._server) as address:
            yield postgres_destination(folder, address)

    @contextmanager
    def copy(self, of: Destination, folder: Path) -> Iterator[Destination]:
        """A database with the other's content."""
        with fresh_database(self._server, str(of.config["database"])) as address:
            yield postgres_destination(folder, address)

    @contextmanager
    def undisturbed(self, of: Destination) -> Iterator[Destination]:
        """Itself: a session that reads changes nothing."""
        yield of

    def expect_nobody(self, of: Destination) -> None:
        """Neither a session nor a lock of ours is left."""
        until = time.monotonic() + PATIENCE
        while of.query(SESSIONS) != [(0,)] and time.monotonic() < until:
            time.sleep(0.01)
        assert of.query(SESSIONS) == [(0,)]


def postgres_destination(folder: Path, database: Address) -> Destination:
    """An empty PostgreSQL database."""

    def query(statement: str) -> Sequence[Sequence[Any]]:
        import psycopg

        with psycopg.connect(database.dsn) as connection:
            return connection.execute(statement).fetchall()

    def execute(statement: str) -> None:
        import psycopg

        with psycopg.connect(database.dsn) as connection:
            connection.execute(statement)

    return Destination(
        name="postgres",
        config=database.destination_config(),
        folder=folder,
        query=query,
        execute=execute,
        namespace="public",
    )
