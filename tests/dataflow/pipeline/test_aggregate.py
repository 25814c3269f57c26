"""What waits, when it is due, and which checkpoint a flush carries."""

from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.batch import NotedChanges, Rows, extracted_at, rows_of, same_meta
from dataflow.flush import Flush
from dataflow.input.parcel import Span
from dataflow.pipeline.aggregate import Aggregate, Thresholds
from dataflow.raw_ids import RawIds
from dataflow.runtime import SYSTEM
from dataflow.shape import Shape
from dataflow.types import INTEGER, META, RAW_ID, Column, Limits, StreamName

USERS, ORDERS = StreamName(None, "users"), StreamName(None, "orders")
COLUMNS = (Column("id", "id", INTEGER),)


def shape(stream: StreamName = USERS) -> Shape:
    return Shape(name=stream, columns=COLUMNS, limits=Limits(), generation_id=1, sync_id=1)


def aggregate(stream: StreamName = USERS, **thresholds: Any) -> Aggregate:
    return Aggregate(shape(stream), RawIds(SYSTEM.clock, SYSTEM.randomness), Thresholds(**thresholds))


def rows(count: int, size: int = 0, source_changes: dict[int, bytes] | None = None) -> Rows:
    cells = [pa.array(range(count), pa.int64())]
    noted = NotedChanges(source=source_changes or {})
    return rows_of(shape(), extracted_at(np.zeros(count)), cells, size, noted)


def add(it: Aggregate, count: int, size: int = 0) -> None:
    """Rows are received, and at once read."""
    it.receive(rows(count, size), now=0)
    it.count(Span(stream=it.stream, records=count, size=size))


def raw_ids(flush: Flush) -> list[str]:
    return [str(UUID(bytes=value.as_py())) for batch in flush.batches for value in batch[RAW_ID]]


def test_a_flush_holds_all_that_waits_in_input_order() -> None:
    it = aggregate()
    for count in (1, 2, 3):
        add(it, count)

    flush = it.flush()

    assert (flush.rows, flush.number) == (6, 1)
    assert raw_ids(flush) == sorted(raw_ids(flush))
    assert flush.highest_raw_id == raw_ids(flush)[-1]
    assert not it.has_work()


def test_a_flush_carries_the_raw_id_of_the_last_record_a_state_covers() -> None:
    it = aggregate()
    add(it, 3)
    it.mark(now=0)
    add(it, 2)

    flush = it.flush()

    assert flush.checkpoint == raw_ids(flush)[2]
    assert flush.position == 3


def test_without_a_state_a_flush_carries_no_checkpoint() -> None:
    it = aggregate()
    add(it, 3)

    flush = it.flush()

    assert (flush.checkpoint, flush.position) == (None, 0)


def test_a_state_right_after_a_flush_needs_a_flush_without_rows() -> None:
    it = aggregate()
    add(it, 3)
    first = it.flush()
    it.mark(now=0)

    second = it.flush()

    assert (second.rows, second.checkpoint, second.position) == (0, first.highest_raw_id, 3)


def test_a_state_that_covers_nothing_new_needs_no_flush() -> None:
    it = aggregate()
    add(it, 3)
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
    add(it, 3, size=30)
    it.mark(now=0)

    assert it.rows_due(now) == 3


def test_a_young_and_small_aggregate_is_not_due() -> None:
    it = aggregate()
    add(it, 3, size=30)
    it.mark(now=0)

    assert it.rows_due(now=0.1) is None


def test_what_stays_after_a_flush_is_what_is_held() -> None:
    it = aggregate()
    add(it, 3)
    add(it, 4)

    flush = it.flush(2)

    assert it.held == rows(5).held
    assert flush.held == sum(batch.nbytes for batch in flush.batches)


@pytest.mark.parametrize(("streams", "bytes_at_a_time"), [(1, 1024), (4, 4000), (50, 8000)])
def test_more_is_read_at_a_time_for_many_streams(streams: int, bytes_at_a_time: int) -> None:
    limits = Thresholds(chunk_bytes=1024, chunk_bytes_per_stream=1000, most_chunk_bytes=8000)

    assert limits.chunk_for(streams) == bytes_at_a_time


def test_a_state_in_the_middle_of_what_was_received_covers_what_was_read() -> None:
    it = aggregate()
    it.receive(rows(5), now=0)
    it.count(Span(stream=USERS, records=2, size=0))
    it.mark(now=0)
    it.count(Span(stream=USERS, records=3, size=0))

    flush = it.flush()

    assert (flush.rows, flush.position) == (5, 2)
    assert flush.checkpoint == raw_ids(flush)[1]


def test_the_few_rows_a_slow_source_brings_at_a_time_are_joined() -> None:
    it = aggregate()
    for _ in range(1000):
        add(it, 1)

    flush = it.flush()

    assert len(flush.batches) <= 10
    assert flush.rows == 1000
    assert raw_ids(flush) == sorted(set(raw_ids(flush)))


def test_joined_rows_keep_the_metadata_they_have_of_their_own() -> None:
    it = aggregate()
    changed = {0: b'{"field":"id","change":"NULLED","reason":"SOURCE_RETRIEVAL_ERROR"}'}
    it.receive(rows(1), now=0)
    it.receive(rows(1), now=0)
    it.receive(rows(1, source_changes=changed), now=0)
    it.receive(rows(1), now=0)

    flush = it.flush()

    metas = [text.as_py() for batch in flush.batches for text in batch[META]]
    assert ["SOURCE" in meta for meta in metas] == [False, False, True, False]
    assert [same_meta(batch) is not None for batch in flush.batches] == [True, False, True]


def test_rows_that_are_stored_together_are_flushed_together_and_the_others_wait() -> None:
    it = aggregate(rows_together=4, flush_rows=9)
    add(it, 7, size=70)
    before = it.rows_due(now=0)
    add(it, 4, size=40)
    it.mark(now=0)

    flush = it.flush(it.rows_due(now=0))
    rest = it.flush()

    assert before is None
    assert (flush.rows, flush.size, flush.position, flush.checkpoint) == (8, 80, 0, None)
    assert (rest.rows, rest.size, rest.position, rest.checkpoint) == (3, 30, 11, raw_ids(rest)[-1])
    assert raw_ids(flush) + raw_ids(rest) == sorted({*raw_ids(flush), *raw_ids(rest)})


def test_rows_that_are_stored_together_wait_for_each_other_beyond_the_size_of_a_flush() -> None:
    it = aggregate(rows_together=4, together_bytes=7000, flush_bytes=20)
    add(it, 7, size=70)
    before = it.rows_due(now=0)
    add(it, 2, size=20)

    assert before is None
    assert it.rows_due(now=0) == 8


def test_rows_too_large_to_wait_for_each_other_go_by_their_size() -> None:
    it = aggregate(rows_together=4, together_bytes=63, flush_bytes=30)
    add(it, 3, size=30)

    assert it.rows_due(now=0) == 3


def test_a_state_waits_from_when_it_came_until_a_flush_reaches_it() -> None:
    it = aggregate(rows_together=4, flush_rows=6, state_latency=2.0)
    add(it, 3)
    it.mark(now=5)
    add(it, 3)
    it.mark(now=6)

    reached = it.flush(4)

    assert (reached.position, reached.checkpoint) == (3, raw_ids(reached)[2])
    assert it.due_at() == 8
    assert it.has_work()


@given(st.data())
@settings(deadline=None)
def test_whatever_is_flushed_when_rows_and_states_are_carried_once_and_in_order(data: st.DataObject) -> None:
    it, marks, flushes, known = aggregate(), [0], [], []

    def flush(count: int) -> None:
        flushes.append(it.flush(count))
        known.append(list(marks))

    for _ in range(data.draw(st.integers(1, 12))):
        match data.draw(st.sampled_from(["rows", "state", "flush"])):
            case "rows":
                add(it, count := data.draw(st.integers(1, 5)), size=count * 7)
            case "state":
                marks.append(it.mark(now=0))
            case "flush":
                flush(data.draw(st.integers(0, it.rows)))
    flush(it.rows)

    ids = [raw_id for each in flushes for raw_id in raw_ids(each)]
    written = 0
    for each, before in zip(flushes, known, strict=True):
        written += each.rows
        reached = max(mark for mark in before if mark <= written)
        assert each.position == reached
        assert each.checkpoint is None or each.checkpoint == ids[reached - 1]
        assert each.highest_raw_id == (ids[written - 1] if written else None)
    assert [each.checkpoint for each in flushes if each.checkpoint][-1:] == [ids[m - 1] for m in marks if m][
        -1:
    ]
    assert ids == sorted(set(ids))
    assert (len(ids), sum(each.size for each in flushes)) == (it.read, it.read_bytes)
    assert not it.has_work()
