"""Files as the source of a pipeline: their rows in parcels, in the order of the files, and COMPLETE after the last.

No STATE comes from here. So no row of an unfinished load is covered, and the next load begins from the beginning.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from attrs import evolve, field, frozen

from dataflow.batch import EXTRACTED, NotedChanges, Rows, rows_of
from dataflow.errors import ConfigError
from dataflow.files import airbyte, ndjson
from dataflow.files.airbyte import LeftOut, Selection
from dataflow.files.columnar import batches
from dataflow.files.listing import Format, InputFile
from dataflow.input.packer import Packer
from dataflow.input.parcel import Parcel, ParsedChunk, Span
from dataflow.keys import Role, Unfit, unfit
from dataflow.pipeline.inbox import Inbox
from dataflow.pipeline.reader_thread import Order
from dataflow.protocol import Status, StreamStatus
from dataflow.runtime.clock import milliseconds
from dataflow.shape import Shape
from dataflow.types import Change, Column, Kind
from dataflow.values.arrow_cells import from_arrow, token_of

KEYS = (Role.KEY, Role.KEY_AND_ORDER)
# Two texts may be one value of these kinds, or lose what made them two.
AMBIGUOUS = frozenset(Kind) - {Kind.STRING, Kind.INTEGER, Kind.BOOLEAN, Kind.JSON}


@frozen
class FileSource:
    """The rows of these files, all of one stream. `left_out` counts what of messages in files is no row."""

    files: Sequence[InputFile]
    left_out: Counter[LeftOut] = field(factory=Counter)

    def parsed(self, order: Order, inbox: Inbox) -> Iterator[ParsedChunk]:
        """All rows, then the word that there are no more.

        Raises ConfigError for a file that cannot be read to its end, or changes meanwhile, and for a row without a
        value for its key.
        """
        (shape,) = order.shapes
        now = milliseconds(inbox.runtime.clock)
        selection = Selection(shape.name, self.left_out)
        for file in self.files:
            for chunk in _rows_of(file, order, selection, now):
                for parcel in chunk.parcels:
                    for rows in parcel.rows:
                        _expect_keys(shape, rows, file)
                yield chunk
            file.expect_unchanged()
        if any(file.format is Format.AIRBYTE for file in self.files):
            selection.expect_some()
        complete = StreamStatus(shape.name, Status.COMPLETE)
        yield ParsedChunk(parcels=(Parcel(rows=(), events=(complete,)),), lines=0)


def _rows_of(file: InputFile, order: Order, selection: Selection, now: int) -> Iterator[ParsedChunk]:
    (shape,) = order.shapes
    packer = partial(Packer, order.shapes, order.most_rows)
    match file.format:
        case Format.NDJSON:
            return ndjson.parsed(file, shape.name, now, packer(), order.chunk_bytes)
        case Format.AIRBYTE:
            return airbyte.parsed(file, selection, now, packer(), order.chunk_bytes)
    return _from_batches(shape, file, now)


def _from_batches(shape: Shape, file: InputFile, extracted_at: int) -> Iterator[ParsedChunk]:
    fields = {column.field for column in shape.columns}
    for batch in batches(file):
        unknown = tuple(name for name in batch.schema.names if name not in fields)
        yield _chunk(_rows(shape, batch, extracted_at), unknown)


def _chunk(rows: Rows, unknown: tuple[str, ...]) -> ParsedChunk:
    span = Span(stream=rows.stream, records=len(rows), size=rows.size)
    parcels = (Parcel(rows=(rows,), events=(span,)),) if len(rows) else ()
    return ParsedChunk(parcels=parcels, lines=len(rows), unknown={rows.stream: unknown} if unknown else {})


def _rows(shape: Shape, batch: pa.RecordBatch, extracted_at: int) -> Rows:
    ours: dict[int, list[Change]] = {}
    columns: list[pa.Array] = []
    unfitting: list[Unfit] = []
    for column in shape.columns:
        at = batch.schema.get_field_index(column.field)
        cells = batch.column(at) if at >= 0 else pa.nulls(batch.num_rows)
        made = from_arrow(column.type, cells, shape.limits)
        columns.append(made.array)
        for row, change, reason in made.changes:
            ours.setdefault(row, []).append(Change(column.field, change, reason))
        role = shape.roles.get(column.field)
        if role is not None:
            changed = [row for row, _, _ in made.changes]
            unfitting += _unfit(shape, column, role, cells, changed)
    # At 1970 plus milliseconds, in microseconds as rows have it.
    extracted = pa.repeat(pa.scalar(extracted_at * 1000, pa.int64()).cast(EXTRACTED), batch.num_rows)
    rows = rows_of(shape, extracted, columns, batch.nbytes, NotedChanges(ours=ours))
    return evolve(rows, unfit=tuple(unfitting)) if unfitting else rows


def _unfit(shape: Shape, column: Column, role: Role, cells: pa.Array, changed: Sequence[int]) -> list[Unfit]:
    """What a column with a role does not hold, joined into one finding if there is any."""
    tokens = {token_of(cells[row]) for row in changed}
    texts = pa.types.is_binary(cells.type) or pa.types.is_string(cells.type)
    if texts and ((role in KEYS and column.kind in AMBIGUOUS) or column.kind is Kind.STRING):
        suspects = pc.unique(cells)
        if column.kind is Kind.STRING:
            suspects = suspects.filter(pc.match_substring(suspects, "\0"))
        tokens |= {token_of(cell) for cell in suspects if cell.is_valid}
    found: Unfit | None = None
    for token in sorted(tokens):
        one = unfit(column.field, column.type, role, token, shape.limits)
        if one is not None:
            found = found.joined(one) if found is not None else one
    return [found] if found is not None else []


def _expect_keys(shape: Shape, rows: Rows, file: InputFile) -> None:
    """Rows without a value for the key could replace each other."""
    if rows.unfit:
        return
    for column in shape.columns:
        if shape.roles.get(column.field) not in KEYS:
            continue
        missing = rows.cells.column(column.name).null_count
        if missing:
            raise ConfigError(
                f"Rows of the file {str(file)!r} have no value for the field {column.field!r}, which is part of the "
                "key.",
                doing="reading the files",
                remedy="Nothing of this load was published. Choose a key of which every row has a value, or load "
                "without a key.",
            )
