"""Moves batches into a table in memory, row by row."""

from collections.abc import Sequence
from uuid import UUID

import pyarrow as pa

from connectors.memory.client import MemoryClient
from dataflow.types import RAW_ID, Column, TableName


class MemoryBuffer:
    """The insert buffer of the memory destination."""

    def __init__(self, client: MemoryClient) -> None:
        self._client = client

    def insert(self, table: TableName, columns: Sequence[Column], batches: Sequence[pa.RecordBatch]) -> int:
        rows = tuple(
            {**row, RAW_ID: UUID(bytes=row[RAW_ID])} for batch in batches for row in batch.to_pylist()
        )
        self._client.append(table, rows)
        return len(rows)
