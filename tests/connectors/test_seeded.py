"""A whole sync follows from the seed of its runtime: nothing in it asks the system for time, randomness or threads."""

import io
import tempfile
import threading
from collections.abc import Sequence
from contextlib import closing
from functools import partial

import pytest
from attrs import frozen

from connectors.engine.journal.writer import journal_keeper
from connectors.engine.monitor.monitor import Watching, watching
from connectors.engine.monitor.progress import Watch
from connectors.engine.process.outlet import ProcessOutlet
from connectors.engine.sync.faults import PERMISSION, Faults, read_faults
from connectors.engine.sync.settings import Sync
from connectors.engine.sync.sync import run_sync
from connectors.memory import DEFINITION
from connectors.memory.connector import DATABASES
from connectors.memory.sql import Row
from connectors.testkit.harness.messages import INTEGER, STRING, catalog, complete, record, state, stream
from dataflow.catalog import Strategy, read_catalog
from dataflow.pipeline.aggregate import Thresholds
from dataflow.types import TableName
from machines.journal.entries import Entry
from tests.connectors.seeded import seeded

STREAMS = ("users", "orders", "carts")
KEYS = 7
# So that retries wait, by chance a little longer or shorter.
FAULTS = ("during:flush#3=transient", "during:merge#1=transient")


@frozen
class Course:
    """What a run left and emitted, and the order in which its threads had their turns."""

    turns: Sequence[str]
    lines: Sequence[bytes]
    journal: Sequence[Entry]
    rows: Sequence[tuple[TableName, Row]]
    started: Sequence[str]

    @property
    def final(self) -> Sequence[tuple[TableName, Row]]:
        """The rows that are no journal's, in the order of their keys."""
        return sorted(
            (each for each in self.rows if "id" in each[1]), key=lambda each: (str(each[0]), each[1]["id"])
        )


def messages() -> list[bytes]:
    sent = []
    for number in range(40):
        for name in STREAMS:
            sent.append(record(name, id=number % KEYS, value=str(number)))
            if number % 9 == 0:
                sent.append(state(name, f"{name} {number}"))
    return [*sent, *map(complete, STREAMS)]


def run(seed: int) -> Course:
    """A sync into a database of its own; several streams, each with many flushes."""
    name, out, journal = f"seeded {seed}", io.BytesIO(), list[Entry]()
    fields = {"id": INTEGER, "value": STRING}
    DATABASES.pop(name, None)
    with seeded(seed) as (runtime, scheduler), tempfile.TemporaryFile() as source:
        source.writelines(messages())
        source.seek(0)
        outlet, watch = ProcessOutlet(out, runtime), Watch(runtime)
        with (
            watching(Watching(heartbeat=0.1), watch, outlet.log, runtime),
            closing(DEFINITION.connector({"database": name}, "run", runtime)) as connector,
            journal_keeper(connector, 30, partial(outlet.log, "WARN")) as keep,
        ):
            connector.streams_at_once = 2

            def heard(entry: Entry) -> None:
                journal.append(entry)
                keep(entry)

            assert run_sync(
                Sync(
                    run="run",
                    connector=connector,
                    streams=read_catalog(
                        catalog(*(stream(each, Strategy.DEDUP, fields) for each in STREAMS))
                    ),
                    source=source.fileno(),
                    outlet=outlet,
                    watch=watch,
                    keep=heard,
                    strike=Faults(read_faults(FAULTS, {PERMISSION: "1"}), runtime.threads).strike,
                    thresholds=Thresholds(flush_rows=5, parcel_rows=3, chunk_bytes=1000),
                )
            )
        turns = tuple(scheduler.course)
    tables = DATABASES.pop(name).content.tables
    rows = [(table, row) for table in sorted(tables, key=str) for row in tables[table].rows]
    return Course(turns, out.getvalue().splitlines(), journal, rows, tuple(scheduler.started))


@pytest.mark.parametrize("seed", range(5))
def test_a_sync_under_one_seed_is_the_same_to_the_last_byte_each_time(seed: int) -> None:
    first = run(seed)

    second = run(seed)

    assert second == first


def test_another_seed_gives_the_threads_their_turns_in_another_order() -> None:
    assert len({tuple(run(seed).turns) for seed in range(5)}) == 5


def test_the_final_tables_do_not_depend_on_the_order_of_turns() -> None:
    found = {
        tuple((str(table), row["id"], row["value"]) for table, row in run(seed).final) for seed in range(5)
    }

    (rows,) = found
    assert len(rows) == len(STREAMS) * KEYS


def test_a_sync_starts_no_thread_past_its_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    started, start = list[str](), threading.Thread.start

    def seen(thread: threading.Thread) -> None:
        started.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", seen)

    course = run(0)

    assert {"reader", "writer 0", "journal", "watching"} <= {*started}
    assert started == [*course.started]
