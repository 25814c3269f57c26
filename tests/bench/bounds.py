"""What a sync may take at most, measured: memory whatever the input is like, and CPU that is linear in the streams."""

import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from dataflow.budget import Budget
from dataflow.catalog import read_catalog
from dataflow.errors import DataflowError, InternalError
from dataflow.flush import Flush
from dataflow.input.packer import Packer
from dataflow.keys import Unfit
from dataflow.output_messages import error_message, log_message, state_message
from dataflow.pipeline.aggregate import Aggregate, Thresholds
from dataflow.pipeline.checkpoints import Checkpoint
from dataflow.pipeline.inbox import EndOfInput, Inbox
from dataflow.pipeline.pipeline import Pipeline
from dataflow.raw_ids import RawIds
from dataflow.runtime import SYSTEM
from dataflow.shape import Shape
from dataflow.types import INTEGER, Column, Limits, StreamName
from tests.bench import flood
from tests.bench.process import Cost, feed
from tests.bench.workload import ROOT

COLUMNS = (Column("id", "id", INTEGER),)
# Seconds for which a person holds a lock.
HELD = 25.0


def poured(
    folder: Path,
    connector: str,
    config: dict[str, Any],
    catalog: dict[str, Any],
    kind: str,
    *numbers: int,
    code: int = 0,
) -> Cost:
    """A flood into a destination, which exits with this code."""
    (folder / "bounds.json").write_text(json.dumps(config))
    (folder / "bounds.catalog.json").write_text(json.dumps(catalog))
    return feed(
        (sys.executable, str(ROOT / "tests" / "bench" / "flood.py"), kind, *map(str, numbers)),
        (f"connectors.{connector}",),
        folder / "bounds.json",
        folder / "bounds.catalog.json",
        codes=(code,),
    )


def into_duckdb(folder: Path, catalog: dict[str, Any], kind: str, *numbers: int) -> Cost:
    """A flood into a new file."""
    for file in folder.glob("bounds.duckdb*"):
        file.unlink()
    return poured(folder, "duckdb", _duckdb(folder), catalog, kind, *numbers)


def behind_a_lock(folder: Path, dsn: str, config: dict[str, Any], count: int, size: int) -> Cost:
    """STATEs into Postgres, while a person holds a lock on the table."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS bench CASCADE")
    poured(folder, "postgres", config, flood.catalog(1), "states", 1, 1)
    locked = threading.Event()

    def hold() -> None:
        with psycopg.connect(dsn) as connection:
            connection.execute("LOCK TABLE bench.stream_0000 IN SHARE MODE")
            locked.set()
            time.sleep(HELD)

    holding = threading.Thread(target=hold)
    holding.start()
    locked.wait()
    cost = poured(folder, "postgres", config, flood.catalog(1), "states", count, size)
    holding.join()
    return cost


def of_a_failed_stream(folder: Path, count: int, size: int) -> Cost:
    """STATEs of a stream whose table is somebody else's, beside a stream that goes on."""
    for file in folder.glob("bounds.duckdb*"):
        file.unlink()
    with duckdb.connect(str(folder / "bounds.duckdb")) as connection:
        connection.execute("CREATE SCHEMA bench")
        connection.execute("CREATE TABLE bench.stream_0000 (mine INTEGER)")
    return poured(folder, "duckdb", _duckdb(folder), flood.catalog(2), "states", count, size, code=1)


def replaced_columns(folder: Path, columns: int, records: int) -> Cost:
    """A DuckDB table all of whose columns are replaced by as many others."""
    into_duckdb(folder, flood.wide_catalog("old", columns), "wide", 0, columns, records)
    return poured(
        folder, "duckdb", _duckdb(folder), flood.wide_catalog("new", columns), "wide", 1, columns, records
    )


def cpu_of_a_catalog(streams: int) -> float:
    """Seconds of CPU to read a catalog of `streams` streams."""
    text = json.dumps(flood.catalog(streams)).encode()
    return _cpu(lambda: read_catalog(text))


def seconds_of_input(streams: int) -> float:
    """Seconds of CPU of the data path alone: records of a hundred streams of the catalog, each with a STATE."""
    used = 100
    shapes = [
        Shape(
            name=StreamName("bench", flood.name(n)),
            columns=COLUMNS,
            limits=Limits(),
            generation_id=1,
            sync_id=1,
        )
        for n in range(streams)
    ]
    limits = Thresholds()
    inbox = Inbox(limits.packed_at_start_bytes, Budget(limits.held_bytes, SYSTEM.threads), SYSTEM)
    pipeline = Pipeline(
        inbox,
        {
            shape.name: (Aggregate(shape, RawIds(SYSTEM.clock, SYSTEM.randomness), limits), Nowhere())
            for shape in shapes
        },
        limits,
        NoOutlet(),
    )
    packer = Packer(shapes, limits.parcel_rows)
    chunks = [b"".join(flood.record(n, k) + flood.state(n, k) for n in range(used)) for k in range(300)]

    def work() -> None:
        for chunk in chunks:
            inbox.put_input(packer.pack(chunk))
        inbox.put_input(EndOfInput())

    reading = threading.Thread(target=work)

    def run() -> None:
        reading.start()
        pipeline.run()

    return _cpu(run)


class Nowhere:
    """A sink that keeps nothing."""

    def insert(self, flush: Flush, writer: int) -> None:
        """Nothing."""

    def flushed(self, flush: Flush, seconds: float) -> None:
        """Nothing."""

    def complete(self) -> None:
        """Nothing."""

    def fail(self, error: DataflowError, unfit: Sequence[Unfit] = ()) -> None:
        """Nothing."""

    def refusal(self, unfit: Sequence[Unfit]) -> DataflowError:
        """Nothing is refused: every record is of the simplest."""
        return InternalError(f"{len(unfit)} fields are not held.")


class NoOutlet:
    """An outlet whose lines are made, and written nowhere."""

    def emit(self, checkpoint: Checkpoint) -> None:
        """The line of a STATE."""
        state_message(checkpoint.state, checkpoint.counts)

    def log(self, level: str, message: str) -> None:
        """The line of a LOG message."""
        log_message(level, message)

    def report(self, error: BaseException, stream: StreamName | None = None) -> None:
        """The line of an error."""
        error_message(error, SYSTEM.clock, stream)


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _duckdb(folder: Path) -> dict[str, Any]:
    return {"destination_path": str(folder / "bounds.duckdb")}


def reported(name: str, costs: Sequence[Cost]) -> str:
    """The most memory, and the least CPU."""
    return f"{name}: {max(cost.memory for cost in costs):.0f} MiB, {min(cost.cpu for cost in costs):.1f} s of CPU"
