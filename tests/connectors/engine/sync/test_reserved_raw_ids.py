"""Raw ids in class C, where the highest is written before its rows: above all before them, and close to the clock."""

from collections.abc import Iterator
from contextlib import closing, suppress
from uuid import uuid4

import pytest
from attrs import evolve

from connectors.engine.sync.operations import RESERVED
from connectors.memory.config import MemoryConfig
from connectors.memory.connector import DATABASES, MemoryConnector
from connectors.testkit.harness.cuts import FLUSH, Cut, Ear, Fault, Interruption
from connectors.testkit.harness.rows import row
from connectors.testkit.harness.runs import Run, open_run
from dataflow.catalog import Strategy
from dataflow.raw_ids import RawIds, as_text, first_at
from dataflow.runtime import SYSTEM
from dataflow.runtime.clock import SetClock, milliseconds
from dataflow.types import RAW_ID
from machines.operations import StreamOperation
from machines.parts import Atomic

START = 1_800_000_000.0
RUNS, FLUSHES = 20, 3
# A flush reserves raw ids, inserts its rows and writes its own row: the request of this number.
NOTE = 3


@pytest.fixture
def clock() -> SetClock:
    return SetClock(START)


def _ids_of_runs(clock: SetClock, *, seconds: float) -> Iterator[str]:
    """The raw ids of one run after the other, each this much later; a flush has one row."""
    config = MemoryConfig(database=uuid4().hex, atomic=Atomic.STATEMENT)
    with closing(MemoryConnector(config, evolve(SYSTEM, clock=clock))) as connector:
        for number in range(RUNS):
            with open_run(connector, Strategy.DEDUP, run=f"run {number}") as run:
                run.do(StreamOperation.CLAIM, StreamOperation.INSPECT)
                run.do(StreamOperation.OPEN_TEMP if number == 0 else StreamOperation.RESUME_TEMP)
                yield from _flushed(run, clock)
            clock.at += seconds


@pytest.mark.parametrize("seconds", [0.0, 90.0, -3600.0])
def test_a_claim_after_a_run_that_ended_before_its_flush_row_knows_the_raw_ids_of_the_rows(
    clock: SetClock, seconds: float
) -> None:
    """Their row in the ledger is missing, and so nothing but the reservation says that their raw ids were given."""
    ear, name = Ear(), uuid4().hex
    config = MemoryConfig(database=name, atomic=Atomic.STATEMENT)
    with closing(MemoryConnector(config, evolve(SYSTEM, clock=clock, requests=ear))) as connector:
        with open_run(connector, Strategy.DEDUP, run="first") as run:
            run.do(StreamOperation.CLAIM, StreamOperation.INSPECT, StreamOperation.OPEN_TEMP)
            written = list(_flushed(run, clock))
        clock.at += seconds
        ear.to = Interruption(operation=FLUSH, fault=Fault.CUT, at=NOTE)
        with suppress(Cut), open_run(connector, Strategy.DEDUP, run="cut") as run:
            run.do(StreamOperation.CLAIM, StreamOperation.INSPECT, StreamOperation.RESUME_TEMP)
            with ear.to.watching(FLUSH):
                written += _flushed(run, clock)
        ear.to = None
        tables = DATABASES[name].content.tables.values()
        highest = max(str(each[RAW_ID]) for table in tables for each in table.rows)

        with open_run(connector, Strategy.DEDUP, run="next") as run:
            run.do(StreamOperation.CLAIM)

    assert highest > max(written)
    assert (run.operations.highest_raw_id or "") >= highest


def _flushed(run: Run, clock: SetClock) -> Iterator[str]:
    ids = RawIds(clock, SYSTEM.randomness, run.operations.highest_raw_id)
    for number in range(1, FLUSHES + 1):
        raw_id = as_text(ids.take(1)[0].as_py())
        run.do(run.flush(number, row(number, id=number) | {RAW_ID: raw_id}))
        yield raw_id


@pytest.mark.parametrize("seconds", [0.0, 1.0, 90.0])
def test_raw_ids_run_ahead_of_the_clock_by_no_more_than_is_reserved_however_many_runs_there_were(
    clock: SetClock, seconds: float
) -> None:
    for raw_id in _ids_of_runs(clock, seconds=seconds):
        # A batch takes a millisecond of its own.
        most = milliseconds(clock) + RESERVED + RUNS * FLUSHES

        assert raw_id < first_at(most)


@pytest.mark.parametrize("seconds", [0.0, 1.0, 90.0, -3600.0])
def test_raw_ids_of_each_flush_are_above_all_before_it_also_over_a_clock_set_back(
    clock: SetClock, seconds: float
) -> None:
    ids = list(_ids_of_runs(clock, seconds=seconds))

    assert len(ids) == RUNS * FLUSHES
    assert ids == sorted(set(ids))
