"""What the crashes start from. Made once per process of a test run."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.crash.grounds import Database, Files, Grounds, Postgres
from tests.servers.providers import Server
from tests.whole.conftest import destination, duckdb_destination, sqlite_destination

__all__ = ["destination", "grounds"]


@pytest.fixture(scope="session")
def grounds(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    """Every scenario's ground, on each database."""
    with ExitStack() as kept:
        databases: dict[str, Database] = {
            "duckdb": Files(duckdb_destination),
            "postgres": Postgres(postgres_server.address, kept),
            "sqlite": Files(sqlite_destination),
        }
        yield Grounds(tmp_path_factory.mktemp("grounds"), databases)
