"""Which aggregates are due, found without looking at each: the same as by looking at each."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.batch import Rows, extracted_at, rows_of
from dataflow.budget import Budget, Holder
from dataflow.input.parcel import Span
from dataflow.pipeline.aggregate import Aggregate, Thresholds
from dataflow.pipeline.aggregate_store import AggregateStore
from dataflow.raw_ids import RawIds
from dataflow.runtime import SYSTEM
from dataflow.shape import Shape
from dataflow.types import INTEGER, Column, Limits, StreamName

NAMES = [StreamName(None, name) for name in ("users", "orders", "items")]
COLUMNS = (Column("id", "id", INTEGER),)


def shape(stream: StreamName) -> Shape:
    return Shape(name=stream, columns=COLUMNS, limits=Limits(), generation_id=1, sync_id=1)


def rows(stream: StreamName, count: int) -> Rows:
    cells = [pa.array(range(count), pa.int64())]
    return rows_of(shape(stream), extracted_at(np.zeros(count)), cells, count)


class Open:
    """A store, and the aggregates of three streams."""

    def __init__(self, thresholds: Thresholds) -> None:
        self.budget = Budget(thresholds.held_bytes, SYSTEM.threads)
        self.store = AggregateStore(thresholds, self.budget)
        self.each = [
            Aggregate(shape(name), RawIds(SYSTEM.clock, SYSTEM.randomness), thresholds) for name in NAMES
        ]

    def add(self, number: int, count: int, now: float = 0.0) -> None:
        it = self.each[number]
        self.store.receive(it, rows(it.stream, count), now)
        it.count(Span(stream=it.stream, records=count, size=count))

    def due(self, now: float = 0.0, *, states_too_large: bool = False) -> dict[str, int]:
        due = self.store.due(now, states_too_large=states_too_large)
        return {aggregate.stream.name: count for aggregate, count in due}


def test_the_largest_go_when_all_together_hold_too_much() -> None:
    it = Open(Thresholds(open_bytes=5000))
    it.add(0, 1)
    it.add(1, 200)

    assert it.due() == {"orders": 200}


def test_what_goes_because_all_together_hold_too_much_is_of_whole_groups() -> None:
    it = Open(Thresholds(open_bytes=40, rows_together=4, flush_rows=100))
    it.add(0, 6)
    it.add(1, 3)

    assert it.due() == {"users": 4, "orders": 3}


def test_what_states_wait_for_goes_when_they_take_too_much() -> None:
    it = Open(Thresholds())
    it.add(0, 1)
    it.store.mark(it.each[0], 0.0)
    it.add(1, 1)

    assert it.due() == {}
    assert it.due(states_too_large=True) == {"users": 1}


def test_a_dropped_aggregate_holds_nothing_and_is_never_due() -> None:
    it = Open(Thresholds(state_latency=1.0))
    it.add(0, 5)
    it.store.mark(it.each[0], 0.0)

    it.store.drop(it.each[0])

    assert it.budget.held() == 0
    assert it.due(now=1e9) == {}
    assert it.store.next_moment() == float("inf")
    assert it.store.waiting() == []


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "mark", "due", "flush", "drop"]), st.integers(0, 2), st.integers(0, 3)),
    max_size=40,
)


@given(STEPS)
@settings(deadline=None)
def test_what_is_due_is_what_looking_at_each_finds(steps: list[tuple[str, int, int]]) -> None:
    it = Open(Thresholds(flush_rows=4, age=7.0, state_latency=3.0))
    now = 0.0
    for step, number, later in steps:
        now += later
        aggregate = it.each[number]
        match step:
            case "add":
                it.add(number, 1, now)
            case "mark":
                it.store.mark(aggregate, now)
            case "flush" if aggregate.has_work():
                it.store.flush(aggregate)
            case "drop":
                it.store.drop(aggregate)
            case "due":
                found = {each.stream.name: n for each in it.each if (n := each.rows_due(now)) is not None}
                assert it.due(now) == found
                for each in it.each:
                    if each.stream.name in found:
                        it.store.flush(each)

        assert it.store.next_moment() == min(each.due_at() for each in it.each)
        assert it.store.waiting() == [] or all(each.has_work() for each in it.store.waiting())
        assert it.budget.held(Holder.AGGREGATES) == sum(each.held for each in it.each)
