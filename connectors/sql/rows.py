"""An insert buffer that appends row by row, for a database without a bulk path. Converts each column at once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias

import pyarrow as pa

from connectors.sql.raw_id_texts import raw_id_texts
from connectors.sql.statements import Statements
from connectors.sql.text import Sql
from dataflow.types import EXTRACTED_AT, GENERATION_ID, META, RAW_ID, Column, Kind, TableName

# By a kind, what makes a stored value of a value as Arrow gives it, which is never null.
Stored: TypeAlias = Callable[[Kind], Callable[[Any], Any]]

_METADATA_KINDS = {EXTRACTED_AT: Kind.TIMESTAMP_WITH_TIMEZONE, META: Kind.JSON, GENERATION_ID: Kind.INTEGER}


class RowConnection(Protocol):
    """What the buffer needs of a client's connection."""

    @property
    def statements(self) -> Statements:
        """The statements of the database."""
        ...

    def append(self, statement: Sql, rows: Iterable[Sequence[Any]]) -> int:
        """Execute an INSERT once for each of these rows, whose values are in the order of its places; how many."""
        ...


class RowBuffer:
    """InsertBuffer for one client; it inserts within the current transaction of that client's connection."""

    def __init__(self, connection: RowConnection, stored: Stored) -> None:
        self._connection = connection
        self._stored = stored

    def insert(self, table: TableName, columns: Sequence[Column], batches: Sequence[pa.RecordBatch]) -> int:
        statement = self._connection.statements.insert_row(table, columns)
        return sum(self._connection.append(statement, self._rows(batch, columns)) for batch in batches)

    def _rows(self, batch: pa.RecordBatch, columns: Sequence[Column]) -> Iterator[tuple[Any, ...]]:
        raw_ids = raw_id_texts(batch.column(RAW_ID)).to_pylist()
        kinds = _METADATA_KINDS | {column.name: column.kind for column in columns}
        cells = (self._cells(batch.column(name), kind) for name, kind in kinds.items())
        return zip(raw_ids, *cells, strict=True)

    def _cells(self, array: pa.Array, kind: Kind) -> list[Any]:
        make = self._stored(kind)
        return [None if value is None else make(value) for value in array.to_pylist()]
