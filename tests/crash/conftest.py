"""What the crashes start from. Made once per process of a test run."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.crash.grounds import Database, DuckDb, Grounds, Postgres
from tests.servers.providers import Server


@pytest.fixture(scope="session")
def grounds(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    """Every scenario's ground, on either database."""
    with ExitStack() as kept:
        databases: dict[str, Database] = {
            "duckdb": DuckDb(),
            "postgres": Postgres(postgres_server.address, kept),
        }
        yield Grounds(tmp_path_factory.mktemp("grounds"), databases)
