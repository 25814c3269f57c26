"""Arrow batches as rows of a stream: typed, with what was changed noted, and refused without a key. Reads nothing."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
from attrs import evolve

from dataflow.batch import EXTRACTED, NotedChanges, Rows, rows_of
from dataflow.errors import ConfigError
from dataflow.input.parcel import Parcel, ParsedChunk, Span
from dataflow.keys import Role, Unfit, unfit
from dataflow.shape import Shape
from dataflow.types import METADATA_COLUMNS, RAW_ID, Change, Column, Kind
from dataflow.values.arrow_cells import from_arrow, token_of

KEYS = (Role.KEY, Role.KEY_AND_ORDER)
# Two texts may be one value of these kinds, or lose what made them two.
AMBIGUOUS = frozenset(Kind) - {Kind.STRING, Kind.INTEGER, Kind.BOOLEAN, Kind.JSON}


def parsed_batch(shape: Shape, batch: pa.RecordBatch, extracted_at: int) -> ParsedChunk:
    """The rows of a batch. `extracted_at` is in milliseconds after 1970."""
    fields = {column.field for column in shape.columns}
    names = batch.schema.names
    # What a destination of ours wrote is given again.
    ours = METADATA_COLUMNS if RAW_ID in names else ()
    unknown = tuple(name for name in names if name not in fields and name not in ours)
    return _chunk(_rows(shape, batch, extracted_at), unknown)


def expect_keys(shape: Shape, parsed: ParsedChunk, where: str) -> None:
    """Raises ConfigError for a row without a value for the key, since it could replace another.

    `where` says where the rows are from, such as "of the file 'a.csv'".
    """
    for parcel in parsed.parcels:
        for rows in parcel.rows:
            _expect_keys(shape, rows, where)


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
    # A slice of a dictionary, or of views, would count all that they have.
    size = sum(array.nbytes for array in columns)
    rows = rows_of(shape, extracted, columns, size, NotedChanges(ours=ours))
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


def _expect_keys(shape: Shape, rows: Rows, where: str) -> None:
    if rows.unfit:
        return
    for column in shape.columns:
        if shape.roles.get(column.field) not in KEYS:
            continue
        missing = rows.cells.column(column.name).null_count
        if missing:
            raise ConfigError(
                f"Rows {where} have no value for the field {column.field!r}, which is part of the key.",
                doing="reading the rows",
                remedy="Nothing of this load was published. Choose a key of which every row has a value, or load "
                "without a key.",
            )
