"""Moves Arrow batches into a DuckDB table. Converts nothing itself: DuckDB reads Arrow's memory and casts."""

from collections.abc import Sequence

import pyarrow as pa

from connectors.duckdb.client import DuckDbClient
from connectors.duckdb.columns import typed
from connectors.duckdb.sql import BATCHES
from dataflow.types import Column, TableName

# Rows of a table (DuckDB's manual, "Storage versions and format"). A whole group goes to the file when it is inserted;
# other rows go to the log first, and to the file when that is long.
ROW_GROUP = 122_880


class DuckDbInsertBuffer:
    """InsertBuffer for one client; inserts within its current transaction."""

    def __init__(self, client: DuckDbClient) -> None:
        self._client = client

    def insert(self, table: TableName, columns: Sequence[Column], batches: Sequence[pa.RecordBatch]) -> int:
        """Append all rows, a row group at a time. The batches must agree on their columns' types."""
        if not batches:
            return 0
        rows, taken = pa.Table.from_batches(batches), 0
        for start in range(0, rows.num_rows, ROW_GROUP):
            with self._client.registered(BATCHES, rows.slice(start, ROW_GROUP)):
                ((more,),) = self._client.execute(self._client.sql.insert_batches(table, typed(columns)))
            taken += int(more)
        return taken
