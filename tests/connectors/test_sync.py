"""A whole sync, where it depends on how many streams a connector wants to be worked on at the same time."""

import threading

import pytest

from connectors.memory.client import MemoryClient
from connectors.memory.connector import MemoryConnector
from connectors.testkit.messages import catalog, complete, record, users
from connectors.testkit.warehouse import Warehouse
from dataflow.catalog import Strategy
from dataflow.types import TableName
from tests.connectors.memory import memory_destination

NAMES = [f"stream_{number}" for number in range(5)]


def test_streams_start_side_by_side_and_each_is_told_of_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = threading.Barrier(2)
    lock = MemoryClient.lock

    def meeting(client: MemoryClient, table: TableName, owner: str) -> None:
        pairs.wait(20)
        lock(client, table, owner)

    monkeypatch.setattr(MemoryConnector, "streams_at_once", 2)
    monkeypatch.setattr(MemoryClient, "lock", meeting)
    warehouse = Warehouse(memory_destination())
    even = NAMES[:4]

    outcome = warehouse.sync(
        catalog(*(users(Strategy.DEDUP, 1, name) for name in even)),
        *(record(name, id=1) for name in even),
        *(complete(name) for name in even),
    )

    assert outcome.exit_code == 0
    assert [outcome.operations(name) for name in even] == [["claim", "inspect", "open_temp", "merge"]] * 4
    assert [warehouse.data(name) for name in even] == [[{"id": 1, "name": None, "updated": None}]] * 4


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

    # Two that start, two that write, and the journal's.
    assert (outcome.exit_code, len(clients)) == (0, 5)
