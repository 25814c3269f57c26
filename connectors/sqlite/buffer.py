"""Moves Arrow batches into a SQLite table, row by row. Converts each column at once, and inserts nothing itself."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import pyarrow as pa

from connectors.sqlite.client import SqliteClient
from connectors.sqlite.columns import stored
from dataflow.types import EXTRACTED_AT, GENERATION_ID, META, RAW_ID, Column, Kind, TableName


class SqliteBuffer:
    """InsertBuffer for one client; inserts within its current transaction."""

    def __init__(self, client: SqliteClient) -> None:
        self._client = client

    def insert(self, table: TableName, columns: Sequence[Column], batches: Sequence[pa.RecordBatch]) -> int:
        return sum(self._client.insert(table, columns, _rows(batch, columns)) for batch in batches)


def _rows(batch: pa.RecordBatch, columns: Sequence[Column]) -> Iterator[tuple[Any, ...]]:
    raw_ids = (str(UUID(bytes=each)) for each in batch.column(RAW_ID).to_pylist())
    metadata = {EXTRACTED_AT: Kind.TIMESTAMP_WITH_TIMEZONE, META: Kind.JSON, GENERATION_ID: Kind.INTEGER}
    kinds = {**metadata, **{column.name: column.kind for column in columns}}
    return zip(raw_ids, *(_cells(batch.column(name), kind) for name, kind in kinds.items()), strict=True)


def _cells(array: pa.Array, kind: Kind) -> list[Any]:
    make = stored(kind)
    return [None if value is None else make(value) for value in array.to_pylist()]
