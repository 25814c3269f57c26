"""Asks a database something as a sync would: through a connector made of a configuration, with its errors."""

from contextlib import closing
from typing import Any

from connectors.postgres import DEFINITION
from dataflow.runtime import SYSTEM
from tests.more.conftest import LOADER
from tests.servers.address import Address

ENCRYPTED = "SELECT ssl, version FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()"


def reached(database: Address, **options: Any) -> dict[str, Any]:
    """The configuration that leads to a database over TCP, with more of it."""
    there = {"host": "localhost", "port": database.port, "database": database.dbname}
    return {**there, "username": "loader", "password": LOADER, **options}


def ask(config: dict[str, Any], question: str = ENCRYPTED) -> list[tuple[Any, ...]]:
    """The answer, on a connection of its own. Raises a DataflowError."""
    with (
        closing(DEFINITION.connector(config, "more", SYSTEM)) as connector,
        closing(connector.client()) as client,
    ):
        try:
            return client.connection.open.execute(question.encode()).fetchall()
        except Exception as error:
            raise connector.explain(error) from error
