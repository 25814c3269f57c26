"""The destinations that whole syncs run against, each empty for its test."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.servers.address import Address
from tests.whole.command import Destination

DESTINATIONS = ["duckdb", "postgres"]


@pytest.fixture(params=DESTINATIONS)
def destination(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Destination]:
    """Every destination in turn."""
    if request.param == "duckdb":
        yield duckdb_destination(tmp_path)
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
