"""What each stage of a load of one file into Postgres takes of a processor, in seconds; printed as JSON.

    python -m tests.bench.stages narrow.parquet 'host=...'

A process of its own, so that what it takes is what the stages take. The server's part is that of the one backend that
is sent the rows, by the transaction that is then undone.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pyarrow as pa
from attrs import define, field
from psycopg.copy import QueuedLibpqWriter

from connectors.engine.process.economy import collect_rarely
from connectors.postgres.columns import METADATA_TYPES, PostgresColumns
from connectors.postgres.encoding import Layout
from dataflow.batch import Rows, with_raw_ids
from dataflow.files import columnar, ndjson
from dataflow.files.arrow_rows import parsed_batch
from dataflow.files.inference import schema_of
from dataflow.files.listing import Format, InputFile, find
from dataflow.files.pieces import Piece
from dataflow.input.bare_lines import BareLines
from dataflow.input.packer import Packer
from dataflow.json_schema import fields
from dataflow.malloc import keep_what_is_freed
from dataflow.pipeline.aggregate import Thresholds
from dataflow.raw_ids import RawIds
from dataflow.runtime import SYSTEM
from dataflow.shape import Shape
from dataflow.types import META, Column, StreamName

Found = TypeVar("Found")
READ, PARSE, COERCE, IDS = "read", "parse into columns", "coerce columns", "raw ids and metadata"
ENCODE, SEND, COPY = "encode", "send", "COPY in the server"
TICKS = os.sysconf("SC_CLK_TCK")


@define
class Stages:
    """Seconds of CPU by stage, of all threads of this process."""

    spent: dict[str, float] = field(factory=dict)
    rows: int = 0

    def of(self, stage: str, work: Callable[[], Found]) -> Found:
        """Do the work, whose CPU is the stage's."""
        started = time.process_time()
        found = work()
        self.add(stage, time.process_time() - started)
        return found

    def add(self, stage: str, seconds: float) -> None:
        """Count these seconds to the stage."""
        self.spent[stage] = self.spent.get(stage, 0.0) + seconds

    def each(self, stage: str, items: Iterator[Found]) -> Iterator[Found]:
        """The items, each of which is made by the stage."""
        while (item := self.of(stage, lambda: next(items, None))) is not None:
            yield item


def shape_of(file: InputFile) -> Shape:
    """The shape of the file's rows, as a load into Postgres has it."""
    name = StreamName(None, "stages")
    columns = tuple(
        Column(name=each.name, field=each.name, type=each.type)
        for each in fields(schema_of([file], name), name)
    )
    limits = PostgresColumns().limits
    return Shape(name=name, columns=columns, limits=limits, generation_id=1, sync_id=1)


def rows_of(file: InputFile, shape: Shape, stages: Stages) -> Iterator[Rows]:
    """The file's rows, typed."""
    if file.format is Format.PARQUET:
        for batch in stages.each(READ, columnar.batches(Piece(file=file))):
            chunk = stages.of(COERCE, partial(parsed_batch, shape, batch, 0))
            yield from (rows for parcel in chunk.parcels for rows in parcel.rows)
        return
    limits = Thresholds()
    packer = Packer([shape], limits.parcel_rows, BareLines(shape.name, 0))
    for chunk in stages.each(PARSE, ndjson.parsed(Piece(file=file), packer, limits.chunk_bytes)):
        for parcel in chunk.parcels:
            yield from parcel.rows


def measure(path: Path, dsn: str) -> Stages:
    """Load the file, and undo it."""
    (file,) = find([str(path)])
    shape, stages = shape_of(file), Stages()
    ids = RawIds(SYSTEM.clock, SYSTEM.randomness)
    with psycopg.connect(dsn) as connection:
        server = connection.info.backend_pid
        layout: Layout | None = None
        for rows in rows_of(file, shape, stages):
            batch = stages.of(IDS, partial(_numbered, rows, shape, ids))
            if layout is None:
                layout = Layout(shape.columns, batch.schema)
                connection.execute(_create(shape, batch.schema))
            parts = stages.of(ENCODE, partial(_encoded, layout, batch))
            before = _cpu_of(server)
            stages.of(SEND, partial(_send, connection, parts))
            stages.add(COPY, _cpu_of(server) - before)
            stages.rows += len(rows)
        connection.rollback()
    return stages


def _numbered(rows: Rows, shape: Shape, ids: RawIds) -> pa.RecordBatch:
    return with_raw_ids(rows, shape, ids).rows.drop_columns([META])


def _encoded(layout: Layout, batch: pa.RecordBatch) -> Sequence[bytes | memoryview]:
    return list(layout.encode([batch]))


def _send(connection: "psycopg.Connection[Any]", parts: Sequence[bytes | memoryview]) -> None:
    with connection.cursor() as cursor:
        statement = "COPY stages FROM STDIN (FORMAT binary)"
        with cursor.copy(statement, writer=QueuedLibpqWriter(cursor)) as copy:
            for part in parts:
                copy.write(part)


def _create(shape: Shape, schema: pa.Schema) -> str:
    ours = PostgresColumns()
    types = {name: of.type for name, of in METADATA_TYPES.items()}
    types |= {column.name: ours.column_type(column.kind).type for column in shape.columns}
    return f"CREATE TABLE stages ({', '.join(f'{name} {types[name]}' for name in schema.names)})"


def _cpu_of(pid: int) -> float:
    """What a process has taken of a processor; 0 if the system does not record it."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / TICKS


def main() -> None:
    """Measure the file that is named, on the server that is named."""
    path, dsn = sys.argv[1:]
    collect_rarely()
    keep_what_is_freed()
    stages = measure(Path(path), dsn)
    print(json.dumps({"rows": stages.rows, "seconds": stages.spent}))


if __name__ == "__main__":
    main()
