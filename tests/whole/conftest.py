"""The destinations that whole syncs run against, each empty for its test."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.servers.address import Address
from tests.whole.command import Destination

DESTINATIONS = ["duckdb", "postgres", "sqlite"]


@pytest.fixture(params=DESTINATIONS)
def destination(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Destination]:
    """Every destination in turn."""
    if request.param == "duckdb":
        yield duckdb_destination(tmp_path)
    elif request.param == "sqlite":
        yield sqlite_destination(tmp_path)
    else:
        yield postgres_destination(tmp_path, request.getfixturevalue("postgres_database"))


def duckdb_destination(folder: Path) -> Destination:
    """A DuckDB file that does not exist yet."""
    path = folder / "it.duckdb"

    def query(statement: str) -> Sequence[Sequence[Any]]:
        import duckdb

        with duckdb.connect(path) as connection:
            return connection.sql(statement).fetchall()

    return Destination(
        name="duckdb", config={"destination_path": str(path)}, folder=folder, query=query, namespace="main"
    )


def sqlite_destination(folder: Path) -> Destination:
    """A SQLite file that does not exist yet."""
    path = folder / "it.sqlite"

    def query(statement: str) -> Sequence[Sequence[Any]]:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute(statement).fetchall()

    return Destination(
        name="sqlite",
        config={"destination_path": str(path)},
        folder=folder,
        query=query,
        # As SQLite calls a file's one schema too; the tables of other namespaces have a dot in their names.
        namespace="main",
        listing="SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%.%'",
    )


def postgres_destination(folder: Path, database: Address) -> Destination:
    """An empty PostgreSQL database."""

    def query(statement: str) -> Sequence[Sequence[Any]]:
        import psycopg

        with psycopg.connect(database.dsn) as connection:
            return connection.execute(statement).fetchall()

    return Destination(
        name="postgres",
        config=database.destination_config(),
        folder=folder,
        query=query,
        namespace="public",
    )
