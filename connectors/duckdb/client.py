"""One connection to a DuckDB database, and the operations on its tables. Decides nothing; sends what `sql` builds.

DuckDB lets one process at a time open a file, and within the process there is one instance of it, which all
connections share. So whoever could write to a stream besides us is in this process, and the locks are too.
"""

import threading
import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import duckdb
import pyarrow as pa
from attrs import evolve
from psycopg.sql import SQL, Composable, Composed

from connectors.contract import Recipe
from connectors.duckdb.columns import DuckDbColumns, typed
from connectors.duckdb.config import Config
from connectors.duckdb.sql import SqlGenerator, parameter
from connectors.journal_table import SqlJournal
from connectors.ledger import LedgerEntry, SqlLedger
from dataflow.errors import ConfigError, TransientError
from dataflow.evolution import ColumnChangeset, ColumnType, TableSchema
from dataflow.types import METADATA_COLUMNS, Column, TableName

INTERNAL_NAMESPACE = "airbyte_internal"

# Seconds. A process that was killed keeps its lock on the file until it is gone.
_FILE_PATIENCE = 5.0
_STREAM_PATIENCE = 2.0
# As long as a merge may take; who waits longer for a ledger row is in a deadlock.
_ROW_PATIENCE = 600.0


class Locks:
    """Who holds what in this process. A lock is taken by a holder, known by identity, and given back by it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holders: dict[Hashable, tuple[object, str]] = {}

    def take(self, key: Hashable, holder: object, name: str, patience: float) -> str | None:
        """Take the lock, waiting up to `patience` seconds; the name of who has it when that was too short."""
        with self._changed:
            self._changed.wait_for(lambda: self._free(key, holder), timeout=patience)
            if not self._free(key, holder):
                return self._holders[key][1]
            self._holders[key] = (holder, name)
            return None

    def give_back(self, holder: object) -> None:
        """Free all that the holder has."""
        with self._changed:
            self._holders = {key: kept for key, kept in self._holders.items() if kept[0] is not holder}
            self._changed.notify_all()

    def _free(self, key: Hashable, holder: object) -> bool:
        return key not in self._holders or self._holders[key][0] is holder


# Of the whole process, as DuckDB's instances are: two connectors on one file share it.
_STREAMS = Locks()
_ROWS = Locks()

# A flush is a commit, and at DuckDB's own threshold (16 MB of log) nearly each would write the file anew.
# Arrival is in the raw ids, so that rows need not keep their order in the table.
# Set once connected: two connections of one process to one file must be opened with the same settings.
_SETTINGS = ("SET checkpoint_threshold = '64MB'", "SET preserve_insertion_order = false")


class Database:
    """The instance that a connector's clients share. Opened when first used; safe to use from several threads."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._opening = threading.Lock()
        self._instance: duckdb.DuckDBPyConnection | None = None
        # Two in-memory databases have nothing in common; two ways to one file are the same.
        self.identity: Hashable = object() if config.in_memory else config.database
        self.sql = SqlGenerator("", config.hard_deletes)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own to the shared instance. Raises DuckDB's errors."""
        with self._opening:
            if self._instance is None:
                self._instance = self._open()
                for setting in _SETTINGS:
                    self._instance.execute(setting)
                catalog = self._instance.execute("SELECT current_database()").fetchall()[0][0]
                self.sql = evolve(self.sql, catalog=catalog)
            cursor = self._instance.cursor()
        # What a timestamp's date is, when a column becomes a date, must not depend on the machine.
        cursor.execute("SET TimeZone = 'UTC'")
        return cursor

    def close(self) -> None:
        """Let go of the file, once the clients have closed too. May be called twice."""
        with self._opening:
            if self._instance is not None:
                self._instance.close()
                self._instance = None

    def _open(self) -> duckdb.DuckDBPyConnection:
        token = self._config.motherduck_api_key
        # DuckDB knows this setting only once it has loaded what it needs for such a path.
        settings: dict[str, Any] = {"motherduck_token": token} if token and self._config.on_motherduck else {}
        give_up = time.monotonic() + _FILE_PATIENCE
        while True:
            try:
                return duckdb.connect(self._config.database, config=settings)
            except duckdb.IOException as error:
                if "Could not set lock" not in str(error) or time.monotonic() > give_up:
                    raise
                time.sleep(0.1)


class DuckDbClient:
    """TableOperationsClient, TableSchemaEvolutionClient and the ledger's Session, on one connection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: duckdb.DuckDBPyConnection | None = None

    @property
    def ledger(self) -> "FencedLedger":
        """The ledger, on this connection."""
        return FencedLedger(self, self.sql.catalog)

    @property
    def journal(self) -> SqlJournal:
        """The journal, on this connection."""
        return SqlJournal(self, [self.sql.catalog, INTERNAL_NAMESPACE])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. DuckDB isolates by snapshots: who changes a row that another changed is refused."""
        self._cursor.execute("BEGIN TRANSACTION")
        try:
            yield
            self._cursor.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        finally:
            # After the commit: who waited for a row must find in it what this transaction wrote.
            _ROWS.give_back(self)

    def lock(self, table: TableName, owner: str) -> None:
        """Other processes are kept out by the file's lock, which is taken by connecting; others here by ours."""
        _ = self._cursor
        holder = _STREAMS.take(self._key(table), self, owner, _STREAM_PATIENCE)
        if holder is not None:
            raise ConfigError(
                f"Table {table} is being written by {holder}.",
                doing="locking the stream",
                remedy="Wait for that sync to end, or stop it; one sync at a time can write to a table.",
            )

    def recover(self) -> None:
        """Drop the connection with what it left undone; the next call makes another. Stream locks stay."""
        if self._connection is not None:
            with suppress(duckdb.Error):
                self._connection.close()
            self._connection = None
        _ROWS.give_back(self)

    def close(self) -> None:
        self.recover()
        _STREAMS.give_back(self)

    def execute(
        self, statement: Composed, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        """What the statement returns; for INSERT, UPDATE and DELETE the number of rows, in one row."""
        self._cursor.execute(statement.as_string(None), dict(parameters or {}))
        return self._cursor.fetchall()

    def parameter(self, name: str) -> Composable:
        return parameter(name)

    def hold_row(self, table: TableName) -> None:
        """Wait until no other transaction holds the table's ledger row; then it is this transaction's."""
        holder = _ROWS.take(self._key(table), self, threading.current_thread().name, _ROW_PATIENCE)
        if holder is not None:
            raise TransientError(
                f"The ledger's row of {table} has been held by {holder} for {_ROW_PATIENCE:.0f} seconds.",
                doing="starting a transaction on the stream",
            )

    def create_namespace(self, namespace: str) -> None:
        """Looks first: to create a schema that is there conflicts with whoever else does so."""
        if not self.execute(self.sql.find_schema(), {"catalog": self.sql.catalog, "namespace": namespace}):
            self.execute(self.sql.create_schema(namespace))

    def table_exists(self, table: TableName) -> bool:
        """Whether there is such a table; a view is none."""
        return bool(self.execute(self.sql.find_table(), self._place(table)))

    def table_is_empty(self, table: TableName) -> bool:
        return not self.execute(self.sql.any_row(table))

    def count_rows(self, table: TableName) -> int:
        return self._number(self.sql.count_rows(table))

    def create_table(self, table: TableName, columns: Sequence[Column], primary_key: Sequence[str]) -> None:
        """No index for the key: merges hash, and DuckDB cannot rename a table that has one."""
        self.execute(self.sql.create_table(table, typed(columns)))

    def expect_meta(self, table: TableName, meta: str) -> None:
        """A column of one value costs DuckDB next to nothing."""

    def drop_table(self, table: TableName) -> None:
        self.execute(self.sql.drop_table(table))

    def trim_table(self, table: TableName, after: str | None) -> int:
        if after is None:
            return self._number(self.sql.delete_rows(table))
        return self._number(self.sql.delete_rows_after(table), {"after": after})

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        return self._number(self.sql.copy_rows(source, target, columns))

    def merge_table(self, source: TableName, target: TableName, recipe: Recipe) -> None:
        for statement in self.sql.merge(source, target, recipe):
            self.execute(statement)

    def dedupe_table(self, table: TableName, recipe: Recipe) -> None:
        self.execute(self.sql.dedupe(table, recipe))

    def overwrite_table(self, source: TableName, target: TableName) -> None:
        """Other connections see the old table until the commit. Views on the table's name stay."""
        self.execute(self.sql.drop_table(target))
        self.execute(self.sql.rename_table(source, target.name))

    def discover_schema(self, table: TableName) -> TableSchema:
        rows = self.execute(self.sql.find_columns(), self._place(table))
        found = {name: ColumnType(kind, nullable) for name, kind, nullable in rows}
        if any(name not in found for name in METADATA_COLUMNS):
            raise ConfigError(
                f"The target table ({table}) already exists in the destination, but does not contain Airbyte's "
                "internal columns. Airbyte can only sync to Airbyte-controlled tables. To fix this error, you must "
                "either delete the target table or add a prefix in the connection configuration in order to sync to "
                "a separate table in the destination."
            )
        return TableSchema({name: kind for name, kind in found.items() if name not in METADATA_COLUMNS})

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        for statement in self.sql.alter(table, changeset):
            self.execute(statement)

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

    def _number(self, statement: Composed, parameters: Mapping[str, Any] | None = None) -> int:
        return int(self.execute(statement, parameters)[0][0])

    def _roll_back(self) -> None:
        try:
            self._cursor.execute("ROLLBACK")
        except duckdb.Error:
            # A COMMIT that failed has ended the transaction; whatever else it is ends with the connection.
            self.recover()


class FencedLedger(SqlLedger):
    """The ledger with locks of our own: DuckDB has no SELECT that locks, only conflicts found on writing."""

    def __init__(self, client: DuckDbClient, catalog: str) -> None:
        super().__init__(client, [catalog, INTERNAL_NAMESPACE], SQL(""))
        self._client = client

    def hold(self, table: TableName) -> LedgerEntry | None:
        """Waits before it reads, so that it reads what the transaction waited for has written."""
        self._client.hold_row(table)
        return super().hold(table)
