"""The client of a database that speaks SQL: both halves of the contract, over one connection. Opens no connection.

A database derives one class from `SqlClient`, gives what is abstract, and overrides what it does better. The first
lines of that class name the overrides.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from connectors.contract import Recipe, Statistics, Writer
from connectors.sql.connection import Connection, Locks
from connectors.sql.inspection import Inspection
from connectors.sql.journal import SqlJournal
from connectors.sql.ledger import SqlLedger
from connectors.sql.merging import dedupe, merge
from connectors.sql.refusals import in_use, not_ours
from connectors.sql.statements import Statements
from connectors.sql.text import Name, Sql
from dataflow.evolution import ColumnChangeset, ColumnType, TableSchema
from dataflow.types import ADDED_LATER, METADATA_COLUMNS, REQUIRED_COLUMNS, Column, TableName


class SqlClient(ABC):
    """The operations on tables, the ledger and the journal, over one connection. Used by one thread at a time."""

    def __init__(self, connection: Connection, locks: Locks, internal_namespace: str) -> None:
        self.connection = connection
        self.inspection = Inspection(connection)
        self._locks = locks
        self.ledger = SqlLedger(self, internal_namespace, connection.dialect)
        self.journal = SqlJournal(self, internal_namespace, connection.dialect)

    @property
    def statements(self) -> Statements:
        """The statements of this client's database."""
        return self.connection.statements

    # -- what a database gives

    @abstractmethod
    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        """As the contract has it; `connectors.sql.evolution` has a way to do it."""

    # -- the connection and the locks

    def transaction(self) -> AbstractContextManager[None]:
        return self.connection.transaction()

    def lock(self, table: TableName, owner: str) -> None:
        if holder := self._locks.take(table, owner):
            raise in_use(table, holder)

    def writer(self, table: TableName) -> Writer | None:
        run = self._locks.taken(table)
        return Writer(run=run) if run is not None else None

    def recover(self) -> None:
        self.connection.recover()

    def close(self) -> None:
        self.recover()
        self._locks.give_back()

    # -- the session of ledger and journal

    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        return self.connection.execute(statement, parameters)

    def changed(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> int:
        return self.connection.changed(statement, parameters)

    def execute_many(self, statement: Sql, rows: Sequence[Mapping[str, Any]]) -> None:
        self.connection.execute_many(statement, rows)

    def table(self, table: TableName) -> Name:
        return self.statements.table(table)

    def new_name(self, table: TableName) -> Name:
        return self.statements.new_name(table)

    def column_names(self, table: TableName) -> Sequence[str]:
        return list(self.inspection.columns(table))

    # -- tables

    def create_namespace(self, namespace: str) -> None:
        # IF NOT EXISTS would demand the right to create it even where it exists.
        if not self.inspection.namespace_exists(namespace):
            self.execute(self.statements.create_namespace(namespace))

    def table_exists(self, table: TableName) -> bool:
        return self.inspection.table_exists(table)

    def table_is_empty(self, table: TableName) -> bool:
        return self.inspection.table_is_empty(table)

    def holds_rows_up_to(self, table: TableName, raw_id: str) -> bool:
        return self.inspection.holds_rows_up_to(table, raw_id)

    def count_rows(self, table: TableName) -> int:
        return int(self.execute(self.statements.count_rows(table))[0][0])

    def has_lost_value(self, table: TableName, column: Column) -> bool:
        parameters = {"field": column.field, "column": column.name}
        return bool(self.execute(self.statements.has_lost_value(table, column), parameters)[0][0])

    def statistics(self, table: TableName) -> Statistics:
        """Nothing is known without reading."""
        return Statistics()

    def tables_named(self, mark: str) -> Sequence[TableName]:
        tables = (TableName(*each) for each in self.execute(self.statements.find_tables()))
        return [table for table in tables if mark in table.name]

    def create_table(self, table: TableName, columns: Sequence[Column], primary_key: Sequence[str]) -> None:
        for statement in self.statements.create_table(table, columns, primary_key):
            self.execute(statement)

    def expect_meta(self, table: TableName, meta: str) -> None:  # noqa: B027 - preparing is optional
        """Nothing is prepared."""

    def take_warnings(self) -> Sequence[str]:
        """There are no optional steps."""
        return ()

    def drop_table(self, table: TableName) -> None:
        self.execute(self.statements.drop_table(table))

    # -- rows

    def trim_table(self, table: TableName, after: str | None) -> int:
        if after is None:
            return self.changed(self.statements.delete_rows(table))
        return self.changed(self.statements.delete_rows_after(table), {"after": after})

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        return self.changed(self.statements.copy_rows(source, target, columns))

    def merge_table(self, source: TableName, target: TableName, recipe: Recipe) -> None:
        for statement in merge(self.statements, source, target, recipe):
            self.execute(statement)

    def expect_publication(self, table: TableName, recipe: Recipe) -> None:  # noqa: B027 - as above
        """No table that is there refuses a publication. Asked for only where its commits are not the flushes' own."""

    def prepare_merge(self, table: TableName, primary_key: Sequence[str]) -> None:  # noqa: B027 - as above
        """A merge needs nothing of the table itself. Asked for only where it could not be done within the merge."""

    def dedupe_table(self, table: TableName, recipe: Recipe) -> None:
        self.execute(dedupe(self.statements, table, recipe))

    def overwrite_table(self, source: TableName, target: TableName) -> str:
        """Both statements are part of the transaction, so another session sees the old table or the new one."""
        self.execute(self.statements.drop_table(target))
        self.execute(self.statements.rename_table(source, target))
        return ""

    # -- columns

    def discover_schema(self, table: TableName) -> TableSchema:
        found = self.inspection.columns(table)
        self.require_metadata(table, found)
        return TableSchema({name: kind for name, kind in found.items() if name not in METADATA_COLUMNS})

    def require_metadata(self, table: TableName, found: Mapping[str, ColumnType]) -> None:
        """ConfigError if a table with these columns is not one that a destination filled."""
        if missing := [name for name in REQUIRED_COLUMNS if name not in found]:
            raise not_ours(table, missing)

    def complete_metadata(self, table: TableName) -> Sequence[str]:
        found = self.inspection.columns(table)
        missing = [name for name in ADDED_LATER if name not in found]
        for name in missing:
            for statement in self.statements.add_metadata(table, name):
                self.execute(statement)
        return missing
