"""The memory ledger of class C, where nothing is locked: what other runs may do between two requests of one."""

import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import partialmethod
from typing import Any

import pytest
from attrs import define

from connectors.engine.sync.transactions import Transactions
from connectors.memory.client import MemoryClient
from connectors.memory.connector import MemoryConnector
from connectors.memory.sql import Rows
from connectors.testkit.harness.cuts import Cut
from connectors.testkit.harness.rows import columns, row
from connectors.testkit.harness.runs import AT_ONCE, open_run
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError, TransientError
from dataflow.types import Kind, TableName
from machines.operations import StreamOperation as Op
from machines.parts import Atomic
from tests.connectors.memory import memory_destination

TABLE = TableName("public", "users")


@define
class Claims:
    """A listener of requests. Another run claims the table before the request of this number."""

    at: int = 0
    seen: int = 0
    others: object = None

    def sending(self, what: str) -> None:
        """A request of any client."""
        self.seen += 1
        if self.seen == self.at and callable(self.others):
            self.others()

    def answered(self, what: str) -> None:
        """Its answer."""


@pytest.mark.parametrize("strategy", Strategy)
def test_a_flush_is_not_durable_for_its_run_if_a_claim_came_before_its_row(strategy: Strategy) -> None:
    """The run would let a STATE be emitted for it, and the next run cuts its rows."""
    claims, destination = Claims(), memory_destination(Atomic.STATEMENT)

    def claim() -> None:
        with (
            closing(destination.connector()) as connector,
            open_run(connector, strategy, run="second") as run,
        ):
            assert isinstance(connector, MemoryConnector)
            # The first run has lost its locks.
            connector.database.owners.clear()
            run.do(Op.CLAIM)

    claims.others = claim
    with (
        closing(destination.connector(requests=claims)) as connector,
        open_run(connector, strategy, run="first") as first,
    ):
        first.do(Op.CLAIM, Op.INSPECT, Op.OPEN_TEMP)
        # A flush reserves raw ids, inserts its rows and then writes its own row.
        claims.at = claims.seen + 3

        with pytest.raises(ConfigError, match=r"Another run .second. has taken over"):
            first.do(first.flush(1, row(1, id=1, name="a"), checkpoint=1))


class Late:
    """The first request of a kind goes unanswered, and takes effect just after its repetition."""

    def __init__(self, real: Callable[..., Any]) -> None:
        self._real = real
        self._sent: tuple[Any, ...] | None = None
        # What its table was called then is no table any more.
        self.refused = False

    def request(self, *given: Any) -> Any:
        """The client's method, with the client before what it is given."""
        if self._sent is None:
            self._sent = given
            raise TransientError("The request went unanswered.")
        done = self._real(*given)
        if not self.refused:
            with pytest.raises(KeyError):
                self._real(*self._sent)
            self.refused = True
        return done


def _to(client: MemoryClient, late: Late, *given: Any) -> Any:
    return late.request(client, *given)


@pytest.mark.parametrize(
    ("method", "strategy", "operations"),
    [
        ("append", Strategy.DEDUP, (Op.MERGE,)),
        ("append", Strategy.APPEND, (Op.MERGE,)),
        ("merge_table", Strategy.DEDUP, (Op.MERGE,)),
        ("copy_table", Strategy.APPEND, (Op.MERGE,)),
        ("overwrite_table", Strategy.APPEND_TRUNCATE, (Op.SWAP,)),
        ("dedupe_table", Strategy.DEDUP_TRUNCATE, (Op.DEDUPE_AND_SWAP,)),
        ("overwrite_table", Strategy.DEDUP_TRUNCATE, (Op.DEDUPE_AND_SWAP,)),
        ("trim_table", Strategy.DEDUP, (Op.RESUME_TEMP, Op.MERGE)),
        ("trim_table", Strategy.APPEND, (Op.RESUME_TEMP, Op.MERGE)),
    ],
)
def test_a_request_that_comes_after_its_repetition_finds_no_table(
    method: str, strategy: Strategy, operations: Sequence[Op], monkeypatch: pytest.MonkeyPatch
) -> None:
    late, destination = Late(getattr(MemoryClient, method)), memory_destination(Atomic.STATEMENT)
    monkeypatch.setattr(MemoryClient, method, partialmethod(_to, late))

    with closing(destination.connector()) as connector, open_run(connector, strategy) as run:
        run.do(Op.CLAIM, Op.INSPECT, Op.OPEN_TEMP)
        run.do(run.flush(1, row(1, id=1, name="a"), row(2, id=2, name="b"), checkpoint=2), *operations)

    assert late.refused
    assert [each["name"] for each in destination.read(TABLE)] == ["a", "b"]
    assert destination.tables() == {TABLE}


def test_an_exchange_is_completed_although_the_old_table_has_not_the_columns_of_the_new_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run ends after the exchange. Temp's name is then the old table's, which cannot be deduplicated by the key."""
    destination, overwrite = memory_destination(Atomic.STATEMENT), MemoryClient.overwrite_table
    with closing(destination.connector()) as connector:
        with open_run(connector, Strategy.APPEND, of=columns(name=Kind.STRING)) as run:
            run.do(
                Op.CLAIM, Op.INSPECT, Op.OPEN_TEMP, run.flush(1, row(1, name="old"), checkpoint=1), Op.MERGE
            )

        def end(client: MemoryClient, source: TableName, target: TableName) -> str:
            overwrite(client, source, target)
            raise Cut

        monkeypatch.setattr(MemoryClient, "overwrite_table", end)
        with suppress(Cut), open_run(connector, Strategy.DEDUP_TRUNCATE, run="cut") as run:
            run.do(Op.CLAIM, Op.INSPECT, Op.OPEN_TEMP)
            run.do(run.flush(1, row(9, id=1, name="new"), checkpoint=9), Op.DEDUPE_AND_SWAP)
        monkeypatch.setattr(MemoryClient, "overwrite_table", overwrite)

        with open_run(connector, Strategy.DEDUP_TRUNCATE, run="next") as run:
            run.do(Op.CLAIM, Op.COMPLETE)

    assert [each["name"] for each in destination.read(TABLE)] == ["new"]
    assert destination.tables() == {TABLE}


def test_a_repeated_flush_does_not_take_the_table_from_the_others_that_are_at_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are no late requests: temp is renamed when they have ended."""
    destination, real = memory_destination(Atomic.STATEMENT), MemoryClient.append
    lost, under_way, renamed = threading.Event(), threading.Event(), threading.Event()

    def append(client: MemoryClient, table: TableName, rows: Rows) -> None:
        if len(rows) > 1:
            under_way.set()
            assert lost.wait(30)
            # Long enough for a repetition that does not wait.
            renamed.wait(0.2)
        elif not lost.is_set():
            assert under_way.wait(30)
            lost.set()
            raise TransientError("The request went unanswered.")
        real(client, table, rows)

    def rename(client: MemoryClient, table: TableName, name: TableName) -> None:
        rename_table(client, table, name)
        renamed.set()

    rename_table = MemoryClient.rename_table
    monkeypatch.setattr(MemoryClient, "append", append)
    monkeypatch.setattr(MemoryClient, "rename_table", rename)
    with closing(destination.connector()) as connector, open_run(connector, Strategy.APPEND) as run:
        run.do(Op.CLAIM, Op.INSPECT, Op.OPEN_TEMP)
        second = Transactions(connector, AT_ONCE, lambda *_: None)
        with closing(second.client):
            buffer = connector.insert_buffer(second.client)
            flush = run.flush(2, row(2, id=2, name="b"), row(3, id=3, name="c"), checkpoint=3)
            other = threading.Thread(
                target=lambda: run.operations.insert(second, buffer, run.life, flush), daemon=True
            )
            other.start()
            run.do(run.flush(1, row(1, id=1, name="a"), checkpoint=1))
            other.join(30)
        run.do(Op.MERGE)

    assert renamed.is_set()
    assert [each["name"] for each in destination.read(TABLE)] == ["b", "c", "a"]
