"""A server for each destination of whole syncs: the databases of a server are its namespaces."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from tests.servers.mysql import mysql
from tests.whole.command import Destination
from tests.whole.places import Facts, Place

FACTS = Facts(undoes_tables=False, by_make_test=False)

DATABASE = "main"
# What is at work beside the session that asks.
SESSIONS = "SELECT id, info FROM information_schema.processlist WHERE user = 'root' AND id <> connection_id()"
# How long the server may take to see that a process has ended, in seconds.
PATIENCE = 60.0
SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")


def place(_: pytest.FixtureRequest) -> Place:
    """Servers."""
    return Servers()


@frozen
class Servers:
    """Each destination is a server of its own."""

    @contextmanager
    def empty(self, folder: Path) -> Iterator[Destination]:
        """A server without databases but one that is empty."""
        with mysql() as socket:
            made = mysql_destination(folder, socket)
            made.execute(f"CREATE DATABASE {DATABASE}")
            yield made

    @contextmanager
    def copy(self, of: Destination, folder: Path) -> Iterator[Destination]:
        """A server with the other's databases."""
        with mysql() as socket:
            made = mysql_destination(folder, socket)
            _copy(of, socket)
            yield made

    @contextmanager
    def undisturbed(self, of: Destination) -> Iterator[Destination]:
        """Itself: a session that reads changes nothing."""
        yield of

    def expect_nobody(self, of: Destination) -> None:
        """No session but the one that asks, and so no lock."""
        until = time.monotonic() + PATIENCE
        while (left := of.query(SESSIONS)) and time.monotonic() < until:
            time.sleep(0.01)
        assert left == []


def mysql_destination(folder: Path, socket: Path) -> Destination:
    """A server, whose destination writes to the database `main`."""

    def query(statement: str) -> Sequence[Sequence[Any]]:
        with closing(_connect(socket)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    return Destination(
        name="mysql",
        config={"host": str(socket), "database": DATABASE, "username": "root", "ssl": False},
        folder=folder,
        query=query,
        execute=query,
        namespace=DATABASE,
    )


def _connect(socket: Path) -> Any:
    import pymysql

    return pymysql.connect(
        unix_socket=str(socket),
        user="root",
        charset="utf8mb4",
        autocommit=True,
        ssl_disabled=True,
        # The tests quote names as the standard has it.
        sql_mode="ANSI_QUOTES",
    )


def _copy(of: Destination, socket: Path) -> None:
    """Make the other's databases here too: their programs for that read no server but their own."""
    with closing(_connect(socket)) as connection, connection.cursor() as cursor:
        for (database,) in of.query("SHOW DATABASES"):
            if database in SYSTEM:
                continue
            cursor.execute(f'CREATE DATABASE IF NOT EXISTS "{database}"')
            connection.select_db(database)
            for (table,) in of.query(
                "SELECT table_name FROM information_schema.tables "
                f"WHERE table_schema = '{database}' AND table_type = 'BASE TABLE'"
            ):
                name = f'"{database}"."{table}"'
                ((_, made),) = of.query(f"SHOW CREATE TABLE {name}")
                cursor.execute(made)
                rows = of.query(f"SELECT * FROM {name}")
                if rows:
                    values = ", ".join(["%s"] * len(rows[0]))
                    cursor.executemany(f"INSERT INTO {name} VALUES ({values})", rows)
