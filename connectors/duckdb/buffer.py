"""Moves Arrow batches into a DuckDB table. Converts nothing itself: DuckDB reads Arrow's memory and casts."""

from collections.abc import Sequence

import pyarrow as pa

from connectors.duckdb.columns import typed
from connectors.duckdb.connection import DuckDbConnection
from connectors.duckdb.sql import BATCHES
from dataflow.batch import same_meta
from dataflow.types import META, Column, TableName


class DuckDbInsertBuffer:
    """InsertBuffer for one client; it inserts within the current transaction of that client's connection."""

    def __init__(self, connection: DuckDbConnection) -> None:
        self._connection = connection

    def insert(self, table: TableName, columns: Sequence[Column], batches: Sequence[pa.RecordBatch]) -> int:
        """Append all rows. The batches must agree on their columns' types."""
        if not batches:
            return 0
        meta = _meta_of_all(batches)
        light = batches if meta is None else [batch.drop_columns([META]) for batch in batches]
        statement = self._connection.statements.insert_batches(table, typed(columns), meta)
        with self._connection.registered(BATCHES, pa.Table.from_batches(light)):
            return self._connection.changed(statement)


def _meta_of_all(batches: Sequence[pa.RecordBatch]) -> str | None:
    """The `_airbyte_meta` that all rows have, if they do: DuckDB would read it as JSON for each row."""
    found = {same_meta(batch) for batch in batches}
    return found.pop() if len(found) == 1 else None
