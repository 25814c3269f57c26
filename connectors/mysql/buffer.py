"""The insert buffer of the MySQL destination: Arrow batches as the text of LOAD DATA LOCAL. Makes no Python object per
row.

A server that forbids LOAD DATA LOCAL gets INSERTs of many rows instead.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from connectors.mysql.connection import MysqlConnection
from connectors.mysql.sql import ESCAPE, FIELD_END, ROW_END
from connectors.sql.raw_id_texts import raw_id_texts
from connectors.sql.rows import RowBuffer
from connectors.sql.statements import all_names
from dataflow.types import RAW_ID, Column, TableName

# Bytes of a batch, as Arrow holds it, per part that is encoded: less memory, and the server works meanwhile.
PART_BYTES = 1024 * 1024
# What LOAD DATA reads as another character, and how it is written for it. The escape itself comes first.
_ESCAPES = (
    (ESCAPE, ESCAPE * 2),
    (FIELD_END, ESCAPE + FIELD_END),
    (ROW_END, ESCAPE + ROW_END),
    ("\0", f"{ESCAPE}0"),
)
_NULL = f"{ESCAPE}N"


class MysqlBuffer:
    """Inserts within the transactions of one client."""

    def __init__(self, connection: MysqlConnection) -> None:
        self._connection = connection
        self._by_rows = RowBuffer(connection, lambda _: lambda value: value)
        self._loads: bool | None = None

    def insert(self, table: TableName, columns: Sequence[Column], batches: Sequence[pa.RecordBatch]) -> int:
        if self._loads is None:
            self._loads = self._connection.takes_loads()
        if not self._loads:
            return self._by_rows.insert(table, columns, batches)
        every = all_names(columns)
        statement = self._connection.statements.load(table, every)
        return self._connection.load(
            statement, (part for batch in batches for part in encoded(batch.select(every)))
        )


def encoded(batch: pa.RecordBatch) -> Iterator[bytes]:
    """The rows as lines of fields, in parts."""
    if batch.num_rows == 0:
        return
    rows = max(1, batch.num_rows * PART_BYTES // max(batch.nbytes, 1))
    for start in range(0, batch.num_rows, rows):
        yield _lines(batch.slice(start, rows))


def _lines(batch: pa.RecordBatch) -> bytes:
    import pyarrow.compute as pc

    *fields, last = (
        _field(name, array) for name, array in zip(batch.schema.names, batch.columns, strict=True)
    )
    nulls = pc.JoinOptions(null_handling="replace", null_replacement=_NULL)
    ended = pc.binary_join_element_wise(last, "", ROW_END, options=nulls)
    joined = pc.binary_join_element_wise(*fields, ended, FIELD_END, options=nulls)
    # The texts of an Arrow array lie one behind the other.
    joined = joined.cast(pa.large_string()) if isinstance(joined, pa.Array) else joined.combine_chunks()
    _, offsets, content = joined.buffers()
    ends = memoryview(offsets).cast("q")
    return bytes(memoryview(content)[ends[joined.offset] : ends[joined.offset + len(joined)]])


def _field(name: str, array: pa.Array) -> pa.Array:
    if name == RAW_ID:
        return raw_id_texts(array)
    make = _MADE.get(array.type.id)
    return make(array) if make else array.cast(pa.string())


def _escaped(array: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    content = _content(array)
    for character, written in _ESCAPES:
        if character.encode() in content:
            array = pc.replace_substring(array, character, written)
    return array


def _content(array: pa.Array) -> bytes:
    """The texts one behind the other, as they lie there."""
    _, offsets, content = array.buffers()
    if content is None:
        return b""
    ends = memoryview(offsets).cast("i")
    return bytes(memoryview(content)[ends[array.offset] : ends[array.offset + len(array)]])


def _moments(array: pa.Array) -> pa.Array:
    # Without the zone, which is UTC.
    return array.cast(pa.timestamp("us")).cast(pa.string())


_MADE: Mapping[int, Callable[[pa.Array], Any]] = {
    pa.string().id: _escaped,
    pa.bool_().id: lambda array: array.cast(pa.int8()).cast(pa.string()),
    pa.timestamp("us").id: _moments,
}
