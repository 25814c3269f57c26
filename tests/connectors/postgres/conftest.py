"""A Postgres connector on an empty database."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.postgres import DEFINITION
from connectors.postgres.client import PostgresClient
from connectors.postgres.connector import PostgresConnector
from dataflow.runtime import SYSTEM
from tests.servers.address import Address

Connect = Callable[..., PostgresConnector]


@pytest.fixture
def connect(postgres_database: Address) -> Iterator[Connect]:
    """Makes connectors on the test's database: `connect(run, **options)`."""
    made: list[PostgresConnector] = []

    def make(run: str = "test", **options: Any) -> PostgresConnector:
        connector = DEFINITION.connector(postgres_database.destination_config() | options, run, SYSTEM)
        made.append(connector)
        return connector

    yield make
    for connector in made:
        connector.close()


@pytest.fixture
def connector(connect: Connect) -> PostgresConnector:
    return connect()


@pytest.fixture
def client(connector: PostgresConnector) -> Iterator[PostgresClient]:
    client = connector.client()
    yield client
    client.close()
