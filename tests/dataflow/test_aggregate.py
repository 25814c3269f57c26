"""What waits, when it is due, and which checkpoint a flush carries."""

from typing import Any
from uuid import UUID

import pytest

from dataflow.aggregate import Aggregate, Thresholds, due
from dataflow.batch import BatchContext
from dataflow.decoder import data_struct
from dataflow.flush import Flush
from dataflow.protocol import Records
from dataflow.raw_ids import RawIds
from dataflow.types import INTEGER, RAW_ID, Column, Limits, StreamName

USERS, ORDERS = StreamName(None, "users"), StreamName(None, "orders")
COLUMNS = (Column("id", "id", INTEGER),)
DATA = data_struct(COLUMNS)


def aggregate(stream: StreamName = USERS, **thresholds: Any) -> Aggregate:
    context = BatchContext(columns=COLUMNS, limits=Limits(), generation_id=1, sync_id=1)
    return Aggregate(stream, context, RawIds(), Thresholds(**thresholds))


def records(count: int, size: int = 0) -> Records:
    return Records(stream=USERS, data=[DATA(f0=n) for n in range(count)], emitted_at=[0] * count, size=size)


def raw_ids(flush: Flush) -> list[str]:
    return [str(UUID(bytes=value.as_py())) for batch in flush.batches for value in batch[RAW_ID]]


def test_a_flush_holds_all_that_waits_in_input_order() -> None:
    it = aggregate(batch_rows=2)
    for count in (1, 2, 3):
        it.add(records(count), now=0)

    flush = it.flush()

    assert (flush.rows, flush.number) == (6, 1)
    assert raw_ids(flush) == sorted(raw_ids(flush))
    assert flush.highest_raw_id == raw_ids(flush)[-1]
    assert not it.has_work()


def test_a_flush_carries_the_raw_id_of_the_last_record_a_state_covers() -> None:
    it = aggregate(batch_rows=2)
    it.add(records(3), now=0)
    it.mark(now=0)
    it.add(records(2), now=0)

    flush = it.flush()

    assert flush.checkpoint == raw_ids(flush)[2]
    assert flush.position == 3


def test_without_a_state_a_flush_carries_no_checkpoint() -> None:
    it = aggregate()
    it.add(records(3), now=0)

    flush = it.flush()

    assert (flush.checkpoint, flush.position) == (None, 0)


def test_a_state_right_after_a_flush_needs_a_flush_without_rows() -> None:
    it = aggregate()
    it.add(records(3), now=0)
    first = it.flush()
    it.mark(now=0)

    second = it.flush()

    assert (second.rows, second.checkpoint, second.position) == (0, first.highest_raw_id, 3)


def test_a_state_that_covers_nothing_new_needs_no_flush() -> None:
    it = aggregate()
    it.add(records(3), now=0)
    it.mark(now=0)
    it.flush()

    it.mark(now=0)

    assert not it.has_work()


@pytest.mark.parametrize(
    ("thresholds", "now"),
    [({"flush_rows": 3}, 0), ({"flush_bytes": 30}, 0), ({"age": 9.0}, 9), ({"state_latency": 2.0}, 2)],
)
def test_an_aggregate_is_due_when_it_is_large_or_old_or_a_state_waits(
    thresholds: dict[str, Any], now: float
) -> None:
    it = aggregate(**thresholds)
    it.add(records(3, size=30), now=0)
    it.mark(now=0)

    assert due([it], it.thresholds, now) == [it]


def test_a_young_and_small_aggregate_is_not_due() -> None:
    it = aggregate()
    it.add(records(3, size=30), now=0)
    it.mark(now=0)

    assert due([it], it.thresholds, now=0.1) == []


def test_the_largest_go_when_all_together_hold_too_much() -> None:
    small, large = aggregate(open_bytes=100), aggregate(ORDERS, open_bytes=100)
    small.add(records(1, size=60), now=0)
    large.add(records(1, size=70), now=0)

    assert due([small, large], small.thresholds, now=0) == [large]


def test_many_streams_hold_together_what_few_do_as_python_objects() -> None:
    thresholds = Thresholds()

    together = {count: count * thresholds.shared(count).batch_bytes for count in (1, 8, 50)}

    assert together[1] == thresholds.batch_bytes
    assert together[50] <= together[8] == 8 * thresholds.batch_bytes
