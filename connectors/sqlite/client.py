"""One connection to a SQLite file, and the operations on its tables. Decides nothing; sends what `sql` builds.

A transaction has the whole file to itself: it begins by taking SQLite's one lock for writing, and so holds every row
of the ledger. Readers go on meanwhile, in the file as it was.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.contract import Recipe, Statistics, Writer
from connectors.sql.file_locks import StreamLocks
from connectors.sql.journal import SqlJournal
from connectors.sql.ledger import SqlLedger
from connectors.sql.refusals import name_taken, not_ours
from connectors.sql.text import Name, Sql
from connectors.sqlite.columns import SQLITE, SqliteColumns, compare_numbers, converted, noted_if_lost
from connectors.sqlite.sql import (
    CONVERT,
    NOTE,
    NUMBERS,
    Built,
    SqlGenerator,
    full_name,
    holders,
    table_name,
)
from dataflow.errors import ConfigError
from dataflow.evolution import ColumnChangeset, ColumnType, TableSchema
from dataflow.runtime import Runtime
from dataflow.types import ADDED_LATER, METADATA_COLUMNS, REQUIRED_COLUMNS, Column, TableName

INTERNAL_NAMESPACE = "airbyte_internal"

# Seconds. As long as a merge of another stream may take.
_FILE_PATIENCE = 600.0
_SETTINGS = (
    "PRAGMA journal_mode = WAL",
    # Acknowledged means durable: a COMMIT is answered when it is on the disk.
    "PRAGMA synchronous = FULL",
    # A view goes by the name of its table, whichever table that is after a swap.
    "PRAGMA legacy_alter_table = ON",
)


class SqliteClient:
    """TableOperationsClient, TableSchemaEvolutionClient and the ledger's Session, on one connection."""

    def __init__(self, database: Path, sql: SqlGenerator, runtime: Runtime) -> None:
        self._database = database
        self._sql = sql
        self._locks = StreamLocks(database, SqliteColumns.naming, runtime)
        self._connection: sqlite3.Connection | None = None
        self.ledger = SqlLedger(self, INTERNAL_NAMESPACE, SQLITE)
        self.journal = SqlJournal(self, INTERNAL_NAMESPACE, SQLITE)

    # -- the connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        connection = self._open
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            # SQLite ends the transaction itself on some errors.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def lock(self, table: TableName, owner: str) -> None:
        if holder := self._locks.take(table, owner):
            raise refusal(table, holder)

    def writer(self, table: TableName) -> Writer | None:
        run = self._locks.taken(table)
        return Writer(run=run) if run is not None else None

    def recover(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def close(self) -> None:
        self.recover()
        self._locks.give_back()

    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        return self._run(statement, parameters or {}).fetchall()

    def changed(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> int:
        return self._run(statement, parameters).rowcount

    def execute_many(self, statement: Sql, rows: Sequence[Mapping[str, Any]]) -> None:
        self._open.executemany(SQLITE.render(statement), map(_bound, rows))

    def table(self, table: TableName) -> Name:
        return self._sql.table(table)

    def new_name(self, table: TableName) -> Name:
        return self._sql.table(table)

    def column_names(self, table: TableName) -> Sequence[str]:
        return [name for name, *_ in self.execute(self._sql.find_columns(), {"name": full_name(table)})]

    # -- tables

    def create_namespace(self, namespace: str) -> None:
        """A namespace is part of a table's name and needs no making."""

    def table_exists(self, table: TableName) -> bool:
        if self.execute(self._sql.find_table(), {"name": full_name(table)}):
            return True
        if taken := self.execute(self._sql.find_holder(), {"name": full_name(table)}):
            raise name_taken(table, taken[0][0])
        return False

    def table_is_empty(self, table: TableName) -> bool:
        return not self.execute(self._sql.any_row(table))

    def count_rows(self, table: TableName) -> int:
        return int(self.execute(self._sql.count_rows(table))[0][0])

    def has_lost_value(self, table: TableName, column: Column) -> bool:
        names = {"field": column.field, "column": column.name}
        return bool(self.execute(self._sql.has_lost_value(table, column), names)[0][0])

    def statistics(self, table: TableName) -> Statistics:
        """SQLite counts nothing in advance, and has no users. Views hang on a table's name and not on the table."""
        return Statistics(dependents=tuple(map(str, self._built_on(table))))

    def tables_named(self, mark: str) -> Sequence[TableName]:
        tables = [table_name(name) for (name,) in self.execute(self._sql.find_tables())]
        return [table for table in tables if mark in table.name]

    def create_table(self, table: TableName, columns: Sequence[Column], primary_key: Sequence[str]) -> None:
        """No index for the key: a merge makes the one it needs for as long as it takes."""
        self.execute(self._sql.create_table(table, columns))

    def expect_meta(self, table: TableName, meta: str) -> None:
        """Nothing is sent anywhere."""

    def take_warnings(self) -> Sequence[str]:
        """This client has no optional steps."""
        return ()

    def drop_table(self, table: TableName) -> None:
        self.execute(self._sql.drop_table(table))

    def trim_table(self, table: TableName, after: str | None) -> int:
        if after is None:
            return self.changed(self._sql.delete_rows(table))
        return self.changed(self._sql.delete_rows_after(table), {"after": after})

    def insert(self, table: TableName, columns: Sequence[Column], rows: Iterator[tuple[Any, ...]]) -> int:
        """Append rows of stored values, for the insert buffer; how many."""
        return self._open.executemany(SQLITE.render(self._sql.insert_rows(table, columns)), rows).rowcount

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        return self.changed(self._sql.copy_rows(source, target, columns))

    def merge_table(self, source: TableName, target: TableName, recipe: Recipe) -> None:
        for statement in self._sql.merge(source, target, recipe):
            self.execute(statement)

    def dedupe_table(self, table: TableName, recipe: Recipe) -> None:
        self.execute(self._sql.dedupe(table, recipe))

    def overwrite_table(self, source: TableName, target: TableName) -> str:
        """What is built on a table goes with it, and is built again on the new one."""
        comparable = SqliteColumns.naming.comparable
        kept = {comparable(name) for name in self.column_names(source)}
        gone = [name for name in self.column_names(target) if comparable(name) not in kept]
        self._refuse_to_break(target, gone)
        built = self._built_on(target)
        self.execute(self._sql.drop_table(target))
        self.execute(self._sql.rename_table(source, target))
        for each in built:
            self._open.execute(each.statement)
        return ""

    # -- evolution

    def discover_schema(self, table: TableName) -> TableSchema:
        rows = self.execute(self._sql.find_columns(), {"name": full_name(table)})
        found = {name: ColumnType(kind, bool(nullable)) for name, kind, nullable in rows}
        if missing := [name for name in REQUIRED_COLUMNS if name not in found]:
            raise not_ours(table, missing)
        return TableSchema({name: kind for name, kind in found.items() if name not in METADATA_COLUMNS})

    def complete_metadata(self, table: TableName) -> Sequence[str]:
        found = self.column_names(table)
        missing = [name for name in ADDED_LATER if name not in found]
        for name in missing:
            self.execute(self._sql.add_metadata(table, name))
        return missing

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        self._refuse_to_break(table, [*changeset.drop, *changeset.change])
        # First, since a name that comes may be one that goes, but for the case of its letters.
        for name in changeset.drop:
            self.execute(self._sql.drop_column(table, name))
        for name, kind in changeset.add.items():
            self.execute(self._sql.add_column(table, name, kind))
        for name, change in changeset.change.items():
            types = {"original": change.original.type, "new": change.new.type, "column": name}
            for statement in self._sql.change_column(table, name, change.new):
                self.execute(statement, types)

    # -- what they share

    def built(self) -> Sequence[Built]:
        """Every index, trigger and view that a person built."""
        return [Built(*each) for each in self.execute(self._sql.find_built())]

    def _built_on(self, table: TableName) -> Sequence[Built]:
        comparable = SqliteColumns.naming.comparable
        return [each for each in self.built() if comparable(each.on) == comparable(full_name(table))]

    def _refuse_to_break(self, table: TableName, columns: Sequence[str]) -> None:
        """SQLite itself forbids some of it, naming nobody, and lets views be broken by the rest."""
        if held := holders(self.built(), table, columns):
            raise ConfigError(
                f"Objects that depend on the table {table} use columns that are dropped or changed "
                f"({', '.join(columns)}): "
                f"{', '.join(map(str, held))}.",
                doing="changing the table's columns",
                remedy="Drop these objects, run the sync again, and create them again afterwards.",
            )

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            # One thread at a time uses a client, though not always the one that made it.
            connection = sqlite3.connect(
                self._database, timeout=_FILE_PATIENCE, isolation_level=None, check_same_thread=False
            )
            self._connection = connection
            for setting in _SETTINGS:
                connection.execute(setting)
            connection.create_function(CONVERT, 3, converted, deterministic=True)
            connection.create_function(NOTE, 5, noted_if_lost, deterministic=True)
            connection.create_collation(NUMBERS, compare_numbers)
        return self._connection

    def _run(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> sqlite3.Cursor:
        return self._open.execute(SQLITE.render(statement), _bound(parameters or {}))


def refusal(table: TableName, holder: str) -> ConfigError:
    """Why a table cannot be locked that somebody holds."""
    return ConfigError(
        f"{holder} is writing to table {table}.",
        doing="locking the stream",
        remedy="Wait for that sync to end, or stop it; one sync at a time can write to a table.",
    )


def _bound(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters as they are stored."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in parameters.items()
    }
