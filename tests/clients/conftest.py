"""The destinations that the clients drive: each empty, and one for a whole module, since a client starts slowly."""

from collections.abc import Iterator

import pytest

from tests.clients.client import Client
from tests.connectors.duckdb.place import duckdb_destination
from tests.connectors.postgres.place import postgres_destination
from tests.environments import CLIENTS, SOURCES
from tests.servers.databases import fresh_database
from tests.servers.providers import Server
from tests.whole.command import Destination


@pytest.fixture(scope="session")
def _environments() -> None:
    for environment in (CLIENTS, SOURCES):
        environment.make(print)


# Two, since each costs a client's start many times over, and the third is sent nothing that these are not.
@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def destination(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Destination]:
    """Each of them in turn."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "duckdb":
        yield duckdb_destination(folder)
        return
    server: Server = request.getfixturevalue("postgres_server")
    with fresh_database(server.address) as database:
        yield postgres_destination(folder, database)


@pytest.fixture(scope="module")
def client(destination: Destination, _environments: None) -> Client:
    """PyAirbyte, at home beside the destination."""
    home = destination.folder / "home"
    home.mkdir()
    return Client(home)
