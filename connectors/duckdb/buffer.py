"""Moves Arrow batches into a DuckDB table. Converts nothing itself: DuckDB reads Arrow's memory and casts."""

from collections.abc import Sequence

import pyarrow as pa

from connectors.duckdb.columns import typed
from connectors.duckdb.connection import DuckDbConnection
from connectors.duckdb.sql import BATCHES
from dataflow.types import Column, TableName


class DuckDbInsertBuffer:
    """InsertBuffer for one client; it inserts within the current transaction of that client's connection."""

    def __init__(self, connection: DuckDbConnection) -> None:
        self._connection = connection

    def insert(self, table: TableName, columns: Sequence[Column], batches: Sequence[pa.RecordBatch]) -> int:
        """Append all rows. The batches must agree on their columns' types."""
        if not batches:
            return 0
        statement = self._connection.statements.insert_batches(table, typed(columns))
        with self._connection.registered(BATCHES, pa.Table.from_batches(batches)):
            return self._connection.changed(statement)
