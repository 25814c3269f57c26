"""One connection to a DuckDB database, and the operations on its tables. Decides nothing; sends what `sql` builds."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import duckdb
import pyarrow as pa

from connectors.contract import Recipe, Statistics, Writer
from connectors.contract.ledger import LedgerEntry, Owner
from connectors.duckdb.columns import DUCKDB, DuckDbColumns
from connectors.duckdb.database import Database, is_out_of_memory
from connectors.duckdb.evolution import (
    alter,
    is_extensive,
    remake,
    require_metadata,
    retyped,
    rewrite,
    rewritten,
)
from connectors.duckdb.merging import dedupe, merge
from connectors.duckdb.sql import DuckDbStatements
from connectors.sql.client import SqlClient
from connectors.sql.ledger import SqlLedger
from connectors.sql.refusals import in_use
from connectors.sql.text import Name, Sql
from dataflow.batch import encode_changes
from dataflow.errors import TransientError
from dataflow.evolution import ColumnChangeset, not_held
from dataflow.types import Column, TableName

INTERNAL_NAMESPACE = "airbyte_internal"

# Seconds.
_STREAM_PATIENCE = 2.0
# Longer than any merge takes: a transaction that waits longer for a ledger row is deadlocked.
_ROW_PATIENCE = 600.0


class DuckDbClient(SqlClient):
    """Overrides what DuckDB has its own way for: the ledger's locks, statistics, merges, and how tables change.

    A column of one value costs DuckDB next to nothing, and other connections see the old table until a swap commits.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database.statements, INTERNAL_NAMESPACE)
        self._database = database
        self._connection: duckdb.DuckDBPyConnection | None = None
        self.ledger = FencedLedger(self)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. DuckDB isolates by snapshots: a transaction that changes a row which another changed is
        refused.
        """
        self._cursor.execute("BEGIN TRANSACTION")
        try:
            yield
            self._cursor.execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            if is_out_of_memory(error) and self._database.grow():
                raise TransientError(
                    "DuckDB needed more memory than its limit, and the limit was raised.",
                    remedy="Nothing was lost. Give the machine more memory if it runs out.",
                ) from error
            raise
        finally:
            # After the commit: a transaction that waited for a row must find in it what this one wrote.
            self._database.shared.rows.give_back(self)

    def lock(self, table: TableName, owner: str) -> None:
        """Other processes are kept out by the file's lock, which is taken by connecting; others here by ours."""
        _ = self._cursor
        holder = self._database.shared.streams.take(self._key(table), self, owner, _STREAM_PATIENCE)
        if holder is not None:
            raise in_use(table, holder)

    def writer(self, table: TableName) -> Writer | None:
        """Somebody in this process: another one that had the file open would keep us from asking."""
        run = self._database.shared.streams.taken(self._key(table), self)
        return Writer(run=run) if run is not None else None

    def recover(self) -> None:
        """Drop the connection with what it left undone; the next call makes another. Stream locks stay."""
        if self._connection is not None:
            with suppress(duckdb.Error):
                self._connection.close()
            self._connection = None
        self._database.shared.rows.give_back(self)

    def close(self) -> None:
        self.recover()
        self._database.shared.streams.give_back(self)

    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        """What the statement returns; for INSERT, UPDATE and DELETE the number of rows, in one row."""
        self._cursor.execute(DUCKDB.render(statement), dict(parameters or {}))
        return self._cursor.fetchall()

    def changed(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> int:
        return int(self.execute(statement, parameters)[0][0])

    def append(self, statement: Sql, rows: Iterable[Sequence[Any]]) -> int:
        """Row by row, which no sync does: batches are far faster."""
        given = list(rows)
        self._cursor.executemany(DUCKDB.render(statement), given)
        return len(given)

    def execute_many(self, statement: Sql, rows: Sequence[Mapping[str, Any]]) -> None:
        self._cursor.executemany(DUCKDB.render(statement), list(rows))

    def hold_row(self, table: TableName) -> None:
        """Wait until no other transaction holds the table's ledger row; then it is this transaction's."""
        holder = self._database.shared.rows.take(
            self._key(table), self, self._database.threads.current(), _ROW_PATIENCE
        )
        if holder is not None:
            raise TransientError(
                f"The ledger's row of {table} has been held by {holder} for {_ROW_PATIENCE:.0f} seconds.",
                doing="starting a transaction on the stream",
                remedy="Try again.",
            )

    def statistics(self, table: TableName) -> Statistics:
        """Views hang on a table's name and not on the table, and there are no users: nothing depends on it."""
        ((rows,),) = self.execute(self.statements.estimate_rows(), self.statements.place(table))
        return Statistics(rows=rows)

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        with self._database.whole_tables():
            return super().copy_table(source, target, columns)

    def merge_table(self, source: TableName, target: TableName, recipe: Recipe) -> None:
        with self._database.whole_tables():
            for statement in merge(self.statements, source, target, recipe):
                self.execute(statement)

    def dedupe_table(self, table: TableName, recipe: Recipe) -> None:
        with self._database.whole_tables():
            self.execute(dedupe(self.statements, table, recipe))

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        relation = self.statements.table(table)
        if is_extensive(changeset):
            self._make_anew(relation, remake(relation, changeset), retyped(changeset))
            return
        for statement in alter(relation, changeset):
            self.execute(statement)
        if changed := rewritten(changeset):
            self._make_anew(relation, rewrite(relation, changed), changed)

    def _make_anew(self, relation: Name, statement: Sql, changed: Collection[str]) -> None:
        notes = [encode_changes([not_held(name)]).decode() for name in changed]
        with self._database.whole_tables():
            self.execute(statement, {"notes": notes} if notes else None)
            for constraint in require_metadata(relation):
                self.execute(constraint)

    @contextmanager
    def registered(self, name: str, batches: pa.Table) -> Iterator[None]:
        """Let statements of this connection read Arrow data by this name."""
        self._cursor.register(name, batches)
        try:
            yield
        finally:
            # In a transaction that failed DuckDB refuses even this; its end takes the view along.
            with suppress(duckdb.Error):
                self._cursor.unregister(name)

    @property
    def _cursor(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            self._connection = self._database.cursor()
        return self._connection

    @property
    def statements(self) -> DuckDbStatements:
        """The statements of this client's database. Connects, since only then the database has a name."""
        _ = self._cursor
        return self._database.statements

    def _key(self, table: TableName) -> Hashable:
        comparable = DuckDbColumns.naming.comparable
        return self._database.identity, comparable(table.namespace), comparable(table.name)

    def _roll_back(self) -> None:
        try:
            self._cursor.execute("ROLLBACK")
        except duckdb.Error:
            # A COMMIT that failed has ended the transaction; whatever else it is ends with the connection.
            self.recover()


class FencedLedger(SqlLedger):
    """The ledger with locks of our own: DuckDB has no SELECT that locks, only conflicts found on writing."""

    def __init__(self, client: DuckDbClient) -> None:
        super().__init__(client, INTERNAL_NAMESPACE, DUCKDB)
        self._client = client

    def hold(self, table: TableName) -> LedgerEntry | None:
        """Waits before it reads, so that it reads what the transaction waited for has written."""
        self._client.hold_row(table)
        return super().hold(table)

    def share(self, table: TableName) -> Owner | None:
        """Likewise: the lock is one that nobody shares."""
        self._client.hold_row(table)
        return super().share(table)
