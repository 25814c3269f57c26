"""Whole syncs whose stream has several flushes at work at once. By default none has."""

import threading
from typing import Any

import pytest
from attrs import define, evolve, field

from connectors.engine.sync.faults import FLUSH, Strike
from connectors.testkit import Destination
from connectors.testkit.harness.messages import INTEGER, catalog, complete, record, state, stream
from connectors.testkit.harness.warehouse import Outcome, Warehouse, WarehouseSuite, cursor_of
from dataflow.catalog import Strategy
from dataflow.errors import TransientError
from dataflow.pipeline.aggregate import Thresholds
from machines.parts import Atomic
from tests.connectors import test_memory as memory
from tests.connectors import test_postgres as postgres
from tests.connectors.memory import memory_destination

# Records of one flush, and all of them.
TOGETHER, RECORDS = 2, 12
# Seconds. Only a sync that does not do what it should waits so long.
PATIENCE = 30.0


@define
class Overtaken:
    """Holds up the first flush until others have landed; it then fails, if it is to."""

    others: int
    error: TransientError | None = None
    landed: int = 0
    _first: bool = True
    _changed: threading.Condition = field(factory=threading.Condition)

    def __call__(self, moment: str, place: str) -> None:
        """A strike of the engine."""
        if place != FLUSH:
            return
        with self._changed:
            if moment == "after":
                self.landed += 1
                self._changed.notify_all()
            if moment != "before" or not self._first:
                return
            self._first = False
            assert self._changed.wait_for(lambda: self.landed >= self.others, PATIENCE)
        if self.error is not None:
            raise self.error


class AtOnceSuite(WarehouseSuite):
    @pytest.mark.parametrize("strategy", Strategy)
    def test_flushes_that_land_in_another_order_make_the_same_table(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        overtaken = Overtaken(3)

        outcome = _sync(warehouse, strategy, overtaken)

        assert outcome.errors == []
        assert outcome.emitted
        assert sorted(row["id"] for row in warehouse.data()) == list(range(RECORDS))
        assert warehouse.left_behind() == set()

    @pytest.mark.parametrize("strategy", [each for each in Strategy if each is not Strategy.APPEND])
    def test_what_lies_beyond_a_gap_is_not_acknowledged_and_cut_at_the_next_start(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """The next sync sends what comes after the last STATE: nothing is lost, and nothing is there twice."""
        failed = _sync(warehouse, strategy, Overtaken(3, TransientError("The flush was refused.")))
        covered = [cursor_of(each) + 1 for each in failed.emitted]
        waiting = warehouse.waiting()

        again = _sync(warehouse, strategy, Overtaken(1), since=max(covered, default=0))

        assert failed.failed == {"users": "transient_error"}
        assert len(waiting) > max(covered, default=0)
        assert again.errors == []
        assert sorted(row["id"] for row in warehouse.data()) == list(range(RECORDS))
        assert warehouse.left_behind() == set()


class TestFlushesAtOnceInMemory(AtOnceSuite):
    destination = memory.TestMemory.destination


class TestFlushesAtOnceByRows(AtOnceSuite):
    @pytest.fixture
    def destination(self) -> Destination:
        return memory_destination(Atomic.ROWS)


class TestFlushesAtOnceByStatements(AtOnceSuite):
    @pytest.fixture
    def destination(self) -> Destination:
        return memory_destination(Atomic.STATEMENT)


@define
class Counted:
    """How many flushes are at work, and how many were at most."""

    now: int = 0
    most: int = 0
    _counting: threading.Lock = field(factory=threading.Lock)

    def __call__(self, moment: str, place: str) -> None:
        """A strike of the engine."""
        if place != FLUSH or moment == "during":
            return
        with self._counting:
            self.now += 1 if moment == "before" else -1
            self.most = max(self.most, self.now)


@pytest.mark.parametrize("strategy", Strategy)
def test_one_flush_is_written_at_a_time_where_a_commit_needs_its_table_unchanged(strategy: Strategy) -> None:
    """If several were at work, all but the one that lands would be refused."""
    warehouse, counted = Warehouse(memory_destination(Atomic.TABLE)), Counted()

    outcome = _sync(warehouse, strategy, counted)

    assert (outcome.errors, counted.most) == ([], 1)
    assert sorted(row["id"] for row in warehouse.data()) == list(range(RECORDS))
    assert any("One flush of a stream is written at a time" in text for text in outcome.infos)


class TestFlushesAtOnceInPostgres(postgres.Postgres, AtOnceSuite):
    pass


def _sync(warehouse: Warehouse, strategy: Strategy, strike: Strike, since: int = 0) -> Outcome:
    users = stream("users", strategy, {"id": INTEGER}, key=("id",), generation=1)
    messages: list[Any] = []
    for number in range(since, RECORDS):
        messages += [record("users", id=number), state("users", number)]
    return evolve(warehouse, strike=strike, flushes_at_once=3).sync(
        catalog(users),
        *messages,
        complete("users"),
        thresholds=Thresholds(parcel_rows=TOGETHER, flush_rows=TOGETHER),
    )
