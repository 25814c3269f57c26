"""The insert buffer of the Postgres destination: Arrow batches to binary COPY. Makes no Python object per row.

Only numbers without a bound on their digits are converted one by one: Arrow has no type for them.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
from pgpq import ArrowToPostgresBinaryEncoder
from pgpq.encoders import StringEncoderBuilder
from pgpq.schema import Jsonb
from psycopg.copy import QueuedLibpqWriter

from connectors.postgres.client import PostgresClient
from connectors.postgres.quoting import query
from dataflow.batch import same_meta, usual_meta
from dataflow.errors import InternalError
from dataflow.runtime.requests import request
from dataflow.types import META, Column, Kind, TableName

# Bytes of a batch, as Arrow holds it, per part that is encoded: the server works on one part while we make the next.
PART_BYTES = 512 * 1024

# As the server sends and takes them: microseconds since midnight, and seconds west of Greenwich.
TIMETZ = np.dtype([("microseconds", ">i8"), ("west", ">i4")])

# What a numeric can hold: decimal digits before the point, and after it.
NUMERIC_DIGITS, NUMERIC_SCALE = 131072, 16383
NEGATIVE = 0x4000

Cast = Callable[[pa.Array], pa.Array]


class PostgresBuffer:
    """Inserts within the transactions of one client."""

    def __init__(self, client: PostgresClient) -> None:
        self._client = client
        self._layouts: dict[tuple[tuple[Column, ...], pa.Schema], Layout] = {}

    def insert(self, table: TableName, columns: Sequence[Column], batches: Sequence[pa.RecordBatch]) -> int:
        # All are looked at before the first is sent: a connection that copies answers no question.
        light = list(self._lightened(table, batches))
        taken = self._client.shortcuts.inserting(table, lambda: self._copy(table, columns, light))
        if taken < sum(batch.num_rows for batch in batches):
            self._client.server.blame_triggers(table)
        return taken

    def _copy(self, table: TableName, columns: Sequence[Column], light: Sequence[pa.RecordBatch]) -> int:
        taken = 0
        # Unbounded numbers come as decimals where those suffice, else as text: one COPY has one layout.
        for schema, alike in groupby(light, key=lambda batch: batch.schema):
            layout = self._layout(tuple(columns), schema)
            connection, sent = (
                self._client.connection,
                query(self._client.statements.copy_in(table, schema.names)),
            )
            with request(connection.requests, sent.decode()), connection.open.cursor() as cursor:
                # A thread of its own waits for the server, while the next part is encoded.
                with cursor.copy(sent, writer=QueuedLibpqWriter(cursor)) as copy:
                    for part in layout.encode(alike):
                        copy.write(part)
                taken += cursor.rowcount
        return taken

    def _lightened(self, table: TableName, batches: Sequence[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows, without `_airbyte_meta` where they have the one that the table gives by itself; the others last.

        The server would read it as JSON for each row, which costs it more than all of a narrow record's data.
        """
        known: dict[str, bool] = {}
        others: list[pa.RecordBatch] = []
        for batch in batches:
            meta = usual_meta(batch)
            if meta is not None and meta not in known:
                known[meta] = self._client.server.has_default(table, META, meta)
            if meta is None or not known[meta]:
                others.append(batch)
            elif same_meta(batch) is not None:
                yield batch.drop_columns([META])
            else:
                light, heavy = _parted(batch, meta)
                yield light.drop_columns([META])
                others.append(heavy)
        yield from others

    def _layout(self, columns: tuple[Column, ...], schema: pa.Schema) -> "Layout":
        key = (columns, schema)
        if key not in self._layouts:
            self._layouts[key] = Layout(columns, schema)
        return self._layouts[key]


class Layout:
    """How batches of one schema become rows of the binary COPY format."""

    def __init__(self, columns: Sequence[Column], schema: pa.Schema) -> None:
        kinds = {META: Kind.JSON} | {each.name: each.kind for each in columns}
        self._casts = [_cast(kinds.get(each.name), each.type) for each in schema]
        self._schema = self._ready(pa.RecordBatch.from_pylist([], schema=schema)).schema
        self._encoders = {each.name: _encoder(each, kinds.get(each.name)) for each in self._schema}

    def encode(self, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
        """The whole COPY stream of these batches, in parts."""
        encoder = ArrowToPostgresBinaryEncoder.new_with_encoders(self._schema, self._encoders)
        yield encoder.write_header()
        for batch in batches:
            for part in _parts(batch):
                # The encoder keeps what is less than a mebibyte until there is more.
                if written := encoder.write_batch(self._ready(part)):
                    yield written
        yield encoder.finish()

    def _ready(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        arrays = [cast(each) if cast else each for cast, each in zip(self._casts, batch.columns, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _parted(batch: pa.RecordBatch, meta: str) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """The rows with this `_airbyte_meta`, and those with another."""
    import pyarrow.compute as pc

    usual = pc.equal(batch.column(META), meta)
    return batch.filter(usual), batch.filter(pc.invert(usual))


def _parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if batch.num_rows == 0:
        return
    rows = max(1, batch.num_rows * PART_BYTES // max(batch.nbytes, 1))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _cast(kind: Kind | None, given: pa.DataType) -> Cast | None:
    if kind is Kind.TIME_WITH_TIMEZONE:
        return timetz
    if kind is Kind.NUMBER and given == pa.string():
        return numeric
    return None


def _encoder(field: pa.Field, kind: Kind | None) -> Any:
    if kind is Kind.JSON:
        return StringEncoderBuilder.new_with_output(field, Jsonb())
    return ArrowToPostgresBinaryEncoder.infer_encoder(field)


# -- what Arrow has no type for, in the server's own form


def timetz(texts: pa.Array) -> pa.Array:
    """Times with offset, as 12 bytes each, from the texts HH:MM:SS[.ffffff]+HH:MM."""
    # Slow to import, and few tables have such a column.
    import pyarrow.compute as pc

    filled = pc.fill_null(texts, "00:00:00+00:00")
    fraction = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.utf8_slice_codeunits(filled, 8, -6), 7, "0"), 1)
    seconds = _number(filled, 0, 2) * 3600 + _number(filled, 3, 5) * 60 + _number(filled, 6, 8)
    east = _number(filled, -5, -3) * 3600 + _number(filled, -2, None) * 60
    negative = pc.equal(pc.utf8_slice_codeunits(filled, -6, -5), "-").to_numpy(zero_copy_only=False)
    values = np.empty(len(texts), TIMETZ)
    values["microseconds"] = seconds * 1_000_000 + fraction.cast(pa.int64()).to_numpy()
    values["west"] = np.where(negative, east, -east)
    present = pc.is_valid(texts).buffers()[1] if texts.null_count else None
    return pa.Array.from_buffers(pa.binary(TIMETZ.itemsize), len(texts), [present, pa.py_buffer(values)])


def _number(texts: pa.Array, start: int, stop: int | None) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    import pyarrow.compute as pc

    digits: np.ndarray[tuple[int], np.dtype[np.int64]]
    digits = pc.utf8_slice_codeunits(texts, start, stop).cast(pa.int64()).to_numpy()
    return digits


def numeric(texts: pa.Array) -> pa.Array:
    """Exact numbers of any size, from their decimal text."""
    return pa.array(
        [None if text is None else numeric_bytes(text) for text in texts.to_pylist()], pa.binary()
    )


def numeric_bytes(text: str) -> bytes:
    """One exact number as the server takes it: groups of four digits, and where the point is.

    Digits beyond NUMERIC_SCALE are rounded half up. Raises InternalError for a number too large to be held.
    """
    number = Decimal(text)
    sign, _, exponent = number.as_tuple()
    if not isinstance(exponent, int) or (number and number.adjusted() >= NUMERIC_DIGITS):
        raise InternalError(
            f"A number does not fit: Postgres holds up to {NUMERIC_DIGITS} digits before the point.",
            remedy="This should have been noticed before: report it.",
        )
    if exponent < -NUMERIC_SCALE:
        exact = Context(prec=NUMERIC_DIGITS + NUMERIC_SCALE + 1, rounding=ROUND_HALF_UP)
        number = number.quantize(Decimal((0, (1,), -NUMERIC_SCALE)), context=exact)
    whole, _, fraction = format(number.copy_abs(), "f").partition(".")
    digits = "0" * (-len(whole) % 4) + whole + fraction + "0" * (-len(fraction) % 4)
    groups = [int(digits[start : start + 4]) for start in range(0, len(digits), 4)]
    weight = (len(whole) + 3) // 4 - 1
    while groups and groups[-1] == 0:
        groups.pop()
    leading = next((index for index, group in enumerate(groups) if group), 0)
    groups, weight = groups[leading:], weight - leading
    return struct.pack(
        f">HhHH{len(groups)}H",
        len(groups),
        weight if groups else 0,
        NEGATIVE if sign and groups else 0,
        len(fraction),
        *groups,
    )
