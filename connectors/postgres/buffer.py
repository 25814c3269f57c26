"""The insert buffer of the Postgres destination: sends Arrow batches by binary COPY. Makes no Python object per row."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import pyarrow as pa
from psycopg.copy import QueuedLibpqWriter

from connectors.postgres.client import PostgresClient
from connectors.postgres.encoding import Layout
from connectors.postgres.quoting import query
from dataflow.batch import same_meta, usual_meta
from dataflow.runtime.requests import request
from dataflow.types import META, Column, TableName


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

    def _layout(self, columns: tuple[Column, ...], schema: pa.Schema) -> Layout:
        key = (columns, schema)
        if key not in self._layouts:
            self._layouts[key] = Layout(columns, schema)
        return self._layouts[key]


def _parted(batch: pa.RecordBatch, meta: str) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """The rows with this `_airbyte_meta`, and those with another."""
    import pyarrow.compute as pc

    usual = pc.equal(batch.column(META), meta)
    return batch.filter(usual), batch.filter(pc.invert(usual))
