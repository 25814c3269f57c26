"""A whole sync, where it depends on how many streams a connector wants to be worked on at the same time."""

import threading
from contextlib import AbstractContextManager

import pytest

from connectors.memory.client import MemoryClient
from connectors.memory.connector import MemoryConnector
from connectors.testkit.harness.messages import catalog, complete, record, users
from connectors.testkit.harness.warehouse import Warehouse
from dataflow.catalog import Strategy
from dataflow.types import TableName
from tests.connectors.memory import memory_destination

NAMES = [f"stream_{number}" for number in range(5)]


def test_streams_start_side_by_side_and_each_is_reported_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = threading.Barrier(2)
    lock = MemoryClient.lock

    def meeting(client: MemoryClient, table: TableName, owner: str) -> None:
        # The first stream starts alone.
        if table.name != NAMES[0]:
            pairs.wait(20)
        lock(client, table, owner)

    monkeypatch.setattr(MemoryConnector, "streams_at_once", 2)
    monkeypatch.setattr(MemoryClient, "lock", meeting)
    warehouse = Warehouse(memory_destination())

    outcome = warehouse.sync(
        catalog(*(users(Strategy.DEDUP, 1, name) for name in NAMES)),
        *(record(name, id=1) for name in NAMES),
        *(complete(name) for name in NAMES),
    )

    assert outcome.exit_code == 0
    assert (moments := [entry["at"] for entry in outcome.journal]) == sorted(moments)
    assert [outcome.operations(name) for name in NAMES] == [["claim", "inspect", "open_temp", "merge"]] * 5
    assert [warehouse.data(name) for name in NAMES] == [[{"id": 1, "name": None, "updated": None}]] * 5


def test_no_more_connections_are_opened_than_there_are_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    clients: list[MemoryClient] = []
    client = MemoryConnector.client

    def counted(connector: MemoryConnector) -> MemoryClient:
        clients.append(client(connector))
        return clients[-1]

    monkeypatch.setattr(MemoryConnector, "streams_at_once", 8)
    monkeypatch.setattr(MemoryConnector, "client", counted)
    warehouse = Warehouse(memory_destination())

    outcome = warehouse.sync(
        catalog(*(users(Strategy.APPEND, 0, name) for name in NAMES[:2])),
        *(complete(name) for name in NAMES[:2]),
    )

    # One for the locks and the publishing, two that write, and the journal's.
    assert (outcome.exit_code, len(clients)) == (0, 4)


def test_a_sync_goes_on_with_the_connections_that_it_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    transaction = MemoryClient.transaction
    clients: list[MemoryClient] = []

    def limited(client: MemoryClient) -> AbstractContextManager[None]:
        if client not in clients:
            clients.append(client)
        # The owner's, that of one writer, and one more: the journal's or another writer's, who comes first.
        if clients.index(client) >= 3:
            raise ConnectionError
        return transaction(client)

    monkeypatch.setattr(MemoryConnector, "streams_at_once", 4)
    monkeypatch.setattr(MemoryClient, "transaction", limited)
    warehouse = Warehouse(memory_destination())

    outcome = warehouse.sync(
        catalog(*(users(Strategy.DEDUP, 1, name) for name in NAMES)),
        *(record(name, id=1) for name in NAMES),
        *(complete(name) for name in NAMES),
    )

    # A look at the tables gets a connection.
    monkeypatch.setattr(MemoryClient, "transaction", transaction)
    assert (outcome.exit_code, outcome.errors) == (0, [])
    assert [len(warehouse.data(name)) for name in NAMES] == [1] * 5
