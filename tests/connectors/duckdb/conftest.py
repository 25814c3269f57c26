"""A DuckDB file of its own for each test, and a client on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.duckdb.client import DuckDbClient
from connectors.duckdb.connector import DuckDbConnector
from tests.connectors.duckdb.stage import connector


@pytest.fixture
def to(tmp_path: Path) -> Iterator[DuckDbConnector]:
    made = connector(tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(to: DuckDbConnector) -> Iterator[DuckDbClient]:
    made = to.client()
    yield made
    made.close()
