"""Moves Arrow batches into a DuckDB table. Converts nothing itself: DuckDB reads Arrow's memory and casts."""

from collections.abc import Sequence

import pyarrow as pa

from connectors.duckdb.client import DuckDbClient
from connectors.duckdb.columns import typed
from connectors.duckdb.sql import BATCHES
from dataflow.types import Column, TableName


class DuckDbInsertBuffer:
    """InsertBuffer for one client; inserts within its current transaction."""

    def __init__(self, client: DuckDbClient) -> None:
        self._client = client

    def insert(self, table: TableName, columns: Sequence[Column], batches: Sequence[pa.RecordBatch]) -> int:
        """Append all rows. The batches must agree on their columns' types."""
        if not batches:
            return 0
        with self._client.registered(BATCHES, pa.Table.from_batches(batches)):
            ((taken,),) = self._client.execute(self._client.statements.insert_batches(table, typed(columns)))
        return int(taken)
