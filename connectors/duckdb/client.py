"""One connection to a DuckDB database, and the operations on its tables. Decides nothing; sends what `sql` builds."""

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import duckdb
import pyarrow as pa

from connectors.contract import Recipe, Statistics, Writer
from connectors.contract.ledger import LedgerEntry
from connectors.duckdb.columns import DUCKDB, DuckDbColumns, typed
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
from connectors.duckdb.sql import SqlGenerator
from connectors.sql.journal import SqlJournal
from connectors.sql.ledger import SqlLedger
from connectors.sql.refusals import name_taken, not_ours
from connectors.sql.text import Name, Sql
from dataflow.batch import encode_changes
from dataflow.errors import ConfigError, TransientError
from dataflow.evolution import ColumnChangeset, ColumnType, TableSchema, not_held
from dataflow.types import ADDED_LATER, METADATA_COLUMNS, REQUIRED_COLUMNS, Column, TableName

INTERNAL_NAMESPACE = "airbyte_internal"

# Seconds.
_STREAM_PATIENCE = 2.0
# Longer than any merge takes: a transaction that waits longer for a ledger row is deadlocked.
_ROW_PATIENCE = 600.0


class DuckDbClient:
    """TableOperationsClient, TableSchemaEvolutionClient and the ledger's Session, on one connection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._ledger = FencedLedger(self)

    @property
    def ledger(self) -> "FencedLedger":
        """The ledger, on this connection."""
        return self._ledger

    @property
    def journal(self) -> SqlJournal:
        """The journal, on this connection."""
        return SqlJournal(self, INTERNAL_NAMESPACE, DUCKDB)

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
            raise ConfigError(
                f"Table {table} is in use: run {holder} is writing to it.",
                doing="locking the stream",
                remedy="Wait for that sync to end, or stop it; one sync at a time can write to a table.",
            )

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

    def execute_many(self, statement: Sql, rows: Sequence[Mapping[str, Any]]) -> None:
        self._cursor.executemany(DUCKDB.render(statement), list(rows))

    def table(self, table: TableName) -> Name:
        return self.sql.table(table)

    def new_name(self, table: TableName) -> Name:
        return Name(table.name)

    def column_names(self, table: TableName) -> list[str]:
        return [name for name, *_ in self.execute(self.sql.find_columns(), self._place(table))]

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

    def create_namespace(self, namespace: str) -> None:
        """Looks first: to create a schema that is there conflicts with any other transaction that does so."""
        if not self.execute(self.sql.find_schema(), {"catalog": self.sql.catalog, "namespace": namespace}):
            self.execute(self.sql.create_schema(namespace))

    def table_exists(self, table: TableName) -> bool:
        if self.execute(self.sql.find_table(), self._place(table)):
            return True
        if self.execute(self.sql.find_view(), self._place(table)):
            raise name_taken(table, "view")
        return False

    def table_is_empty(self, table: TableName) -> bool:
        return not self.execute(self.sql.any_row(table))

    def count_rows(self, table: TableName) -> int:
        return int(self.execute(self.sql.count_rows(table))[0][0])

    def has_lost_value(self, table: TableName, column: Column) -> bool:
        names = {"field": column.field, "column": column.name}
        return bool(self.execute(self.sql.has_lost_value(table, column), names)[0][0])

    def statistics(self, table: TableName) -> Statistics:
        """Views hang on a table's name and not on the table, and there are no users: nothing depends on it."""
        ((rows,),) = self.execute(self.sql.estimate_rows(), self._place(table))
        return Statistics(rows=rows)

    def tables_named(self, mark: str) -> Sequence[TableName]:
        found = self.execute(self.sql.find_tables(), {"catalog": self.sql.catalog, "mark": mark})
        return [TableName(*each) for each in found]

    def create_table(self, table: TableName, columns: Sequence[Column], primary_key: Sequence[str]) -> None:
        """No index for the key: merges hash, and DuckDB cannot rename a table that has one."""
        self.execute(self.sql.create_table(table, typed(columns)))

    def expect_meta(self, table: TableName, meta: str) -> None:
        """A column of one value costs DuckDB next to nothing."""

    def take_warnings(self) -> Sequence[str]:
        """This client has no optional steps."""
        return ()

    def drop_table(self, table: TableName) -> None:
        self.execute(self.sql.drop_table(table))

    def trim_table(self, table: TableName, after: str | None) -> int:
        if after is None:
            return self.changed(self.sql.delete_rows(table))
        return self.changed(self.sql.delete_rows_after(table), {"after": after})

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        with self._database.whole_tables():
            return self.changed(self.sql.copy_rows(source, target, columns))

    def merge_table(self, source: TableName, target: TableName, recipe: Recipe) -> None:
        with self._database.whole_tables():
            for statement in self.sql.merge(source, target, recipe):
                self.execute(statement)

    def dedupe_table(self, table: TableName, recipe: Recipe) -> None:
        with self._database.whole_tables():
            self.execute(self.sql.dedupe(table, recipe))

    def overwrite_table(self, source: TableName, target: TableName) -> str:
        """Other connections see the old table until the commit. Views on the table's name stay."""
        self.execute(self.sql.drop_table(target))
        self.execute(self.sql.rename_table(source, target.name))
        return ""

    def discover_schema(self, table: TableName) -> TableSchema:
        rows = self.execute(self.sql.find_columns(), self._place(table))
        found = {name: ColumnType(kind, nullable) for name, kind, nullable in rows}
        if missing := [name for name in REQUIRED_COLUMNS if name not in found]:
            raise not_ours(table, missing)
        return TableSchema({name: kind for name, kind in found.items() if name not in METADATA_COLUMNS})

    def complete_metadata(self, table: TableName) -> Sequence[str]:
        found = self.column_names(table)
        missing = [name for name in ADDED_LATER if name not in found]
        for name in missing:
            for statement in self.sql.add_metadata(table, name):
                self.execute(statement)
        return missing

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        relation = self.sql.table(table)
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
    def sql(self) -> SqlGenerator:
        """The statements of this client's database. Connects, since only then the database has a name."""
        _ = self._cursor
        return self._database.sql

    def _place(self, table: TableName) -> Mapping[str, Any]:
        return {"catalog": self.sql.catalog, "namespace": table.namespace, "name": table.name}

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
