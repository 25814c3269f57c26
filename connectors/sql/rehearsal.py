"""The dry run that SQL databases share: asks the database, sends it no change, and foresees what the changes would do.

A rehearsal is put together of four parts, each of which has another of the same kind inside:

* `RehearsedConnector` has the connector, and makes clients of the rehearsal.
* `RehearsedClient` (in `foresight`) has a client of the database, and keeps in `Foresight` what each of its operations
  would change.
* `RehearsedConnection` has a connection that can only read. It notes the statements that would change something.
* `RehearsedInspection` has the client's questions, and answers those about foreseen tables itself.

So the statements are composed by the client's own code, in the order in which a sync would send them.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, cast

import pyarrow as pa

from connectors.contract import Client, Connector, InsertBuffer, Statement
from connectors.sql.client import SqlClient
from connectors.sql.connection import Connection
from connectors.sql.dialect import Dialect
from connectors.sql.foresight import Foresight, RehearsedClient
from connectors.sql.inspection import Inspection
from connectors.sql.statements import Statements
from connectors.sql.text import Sql, filled
from dataflow.evolution import ColumnType
from dataflow.types import Column, TableName

_QUESTIONS = ("SELECT", "WITH")


class RehearsedConnection:
    """A connection that answers questions, and notes all other statements with their values in place.

    A question that locks rows is not sent: it is asked for its lock.
    """

    def __init__(self, real: Connection, note: Callable[[Statement], None]) -> None:
        self._real = real
        self._note = note
        locks = (real.dialect.row_lock, real.dialect.shared_row_lock)
        self._locks = tuple(text for text in map(real.dialect.render, locks) if text)

    @property
    def dialect(self) -> Dialect:
        return self._real.dialect

    @property
    def statements(self) -> Statements:
        return self._real.statements

    def transaction(self) -> AbstractContextManager[None]:
        return self._real.transaction()

    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        text = self.dialect.render(filled(statement, parameters or {}))
        if text.endswith(self._locks):
            return ()
        if text.startswith(_QUESTIONS):
            return self._real.execute(statement, parameters)
        self._note(Statement(text=text))
        return ()

    def changed(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> int:
        self.execute(statement, parameters)
        return 0

    def execute_many(self, statement: Sql, rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            self.execute(statement, row)

    def recover(self) -> None:
        self._real.recover()


class RehearsedInspection(Inspection):
    """The questions, whose answers take into account what is foreseen. Overrides all of them."""

    def __init__(self, connection: Connection, foresight: Foresight) -> None:
        super().__init__(connection)
        self._foresight = foresight

    def namespace_exists(self, namespace: str) -> bool:
        return namespace in self._foresight.namespaces or super().namespace_exists(namespace)

    def table_exists(self, table: TableName) -> bool:
        if table in self._foresight.tables:
            return self._foresight.tables[table] is not None
        return super().table_exists(table)

    def table_is_empty(self, table: TableName) -> bool:
        foreseen = self._foresight.tables.get(table)
        return foreseen.empty if foreseen else super().table_is_empty(table)

    def holds_rows_up_to(self, table: TableName, raw_id: str) -> bool:
        return not self._foresight.made(table) and super().holds_rows_up_to(table, raw_id)

    def columns(self, table: TableName) -> Mapping[str, ColumnType]:
        if table not in self._foresight.tables:
            return super().columns(table)
        foreseen = self._foresight.tables[table]
        metadata = self._connection.dialect.metadata_types
        return {**metadata, **foreseen.schema.columns} if foreseen else {}


class RehearsedBuffer:
    """Takes rows, and inserts none."""

    def insert(self, table: TableName, columns: Sequence[Column], batches: Sequence[pa.RecordBatch]) -> int:
        """The number of rows."""
        return sum(batch.num_rows for batch in batches)


class RehearsedConnector:
    """A connector whose clients are rehearsed. What is not here is the real one's.

    `client` makes a client that sends no change, and `release` closes what these clients share.
    """

    def __init__(self, real: Connector, client: Callable[[], Client], release: Callable[[], None]) -> None:
        self._real = real
        self._client = client
        self._release = release

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def client(self) -> Client:
        """A client of the rehearsal."""
        return self._client()

    def insert_buffer(self, client: Client) -> InsertBuffer:
        """A buffer that inserts nothing."""
        return RehearsedBuffer()

    def close(self) -> None:
        """The real connector stays open."""
        self._release()


def rehearse(
    real: Connector,
    client: Callable[[], SqlClient],
    note: Callable[[Statement], None],
    release: Callable[[], None] = lambda: None,
) -> Connector:
    """A rehearsal of a connector whose clients are SqlClients.

    `client` makes one on a connection that can only read. `release` closes what these clients share.
    """
    foresight = Foresight(note)

    def rehearsed() -> Client:
        it = client()
        it.connection = RehearsedConnection(it.connection, note)
        it.inspection = RehearsedInspection(it.connection, foresight)
        return cast("Client", RehearsedClient(it, foresight, real.columns))

    return cast("Connector", RehearsedConnector(real, rehearsed, release))
