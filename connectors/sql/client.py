"""The client of a database that speaks SQL: both halves of the contract, over one connection. Opens no connection.

A database derives one class from `SqlClient`, gives what is abstract, and overrides what it does better. The first
lines of that class name the overrides.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from connectors.contract import Recipe, Statistics, Writer
from connectors.sql.journal import SqlJournal
from connectors.sql.ledger import SqlLedger
from connectors.sql.merging import dedupe, merge
from connectors.sql.refusals import name_taken, not_ours
from connectors.sql.statements import Statements
from connectors.sql.text import Name, Sql
from dataflow.evolution import ColumnChangeset, ColumnType, TableSchema
from dataflow.types import ADDED_LATER, METADATA_COLUMNS, REQUIRED_COLUMNS, Column, TableName


class SqlClient(ABC):
    """One connection, the operations on its tables, its ledger and its journal. Used by one thread at a time."""

    def __init__(self, statements: Statements, internal_namespace: str) -> None:
        self._statements = statements
        self.ledger = SqlLedger(self, internal_namespace, statements.dialect)
        self.journal = SqlJournal(self, internal_namespace, statements.dialect)

    @property
    def statements(self) -> Statements:
        """The statements of this client's database."""
        return self._statements

    # -- what a database gives

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """As the contract has it: all that happens inside is durable, or none of it."""

    @abstractmethod
    def lock(self, table: TableName, owner: str) -> None:
        """As the contract has it: keep other runs from writing to the table until `close`."""

    @abstractmethod
    def writer(self, table: TableName) -> Writer | None:
        """As the contract has it: the run that keeps others from the table."""

    @abstractmethod
    def recover(self) -> None:
        """As the contract has it: give up the connection."""

    @abstractmethod
    def close(self) -> None:
        """As the contract has it: release the connection and the locks."""

    @abstractmethod
    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        """The rows that the statement returns, none if it returns nothing."""

    @abstractmethod
    def changed(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> int:
        """The number of rows that an INSERT, UPDATE or DELETE finds."""

    @abstractmethod
    def execute_many(self, statement: Sql, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute the statement once for each of these parameters."""

    @abstractmethod
    def append(self, statement: Sql, rows: Iterable[Sequence[Any]]) -> int:
        """Execute an INSERT once for each of these rows, whose values are in the order of its places; how many."""

    # -- the session of ledger and journal

    def table(self, table: TableName) -> Name:
        return self.statements.table(table)

    def new_name(self, table: TableName) -> Name:
        return self.statements.new_name(table)

    def column_names(self, table: TableName) -> Sequence[str]:
        return [name for name, *_ in self._columns(table)]

    # -- tables

    def create_namespace(self, namespace: str) -> None:
        # IF NOT EXISTS would demand the right to create it even where it exists.
        if not self.execute(self.statements.find_namespace(), {"namespace": namespace}):
            self.execute(self.statements.create_namespace(namespace))

    def table_exists(self, table: TableName) -> bool:
        place = self.statements.place(table)
        if self.execute(self.statements.find_table(), place):
            return True
        if taken := self.execute(self.statements.find_holder(), place):
            raise name_taken(table, taken[0][0])
        return False

    def table_is_empty(self, table: TableName) -> bool:
        return not self.execute(self.statements.any_row(table))

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

    def insert(self, table: TableName, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> int:
        """Append rows of stored values, for the insert buffer; how many."""
        return self.append(self.statements.insert_row(table, columns), rows)

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        return self.changed(self.statements.copy_rows(source, target, columns))

    def merge_table(self, source: TableName, target: TableName, recipe: Recipe) -> None:
        for statement in merge(self.statements, source, target, recipe):
            self.execute(statement)

    def dedupe_table(self, table: TableName, recipe: Recipe) -> None:
        self.execute(dedupe(self.statements, table, recipe))

    def overwrite_table(self, source: TableName, target: TableName) -> str:
        """Both statements are part of the transaction, so another session sees the old table or the new one."""
        self.execute(self.statements.drop_table(target))
        self.execute(self.statements.rename_table(source, target))
        return ""

    # -- evolution

    def discover_schema(self, table: TableName) -> TableSchema:
        found = {name: ColumnType(kind, bool(nullable)) for name, kind, nullable in self._columns(table)}
        if missing := [name for name in REQUIRED_COLUMNS if name not in found]:
            raise not_ours(table, missing)
        return TableSchema({name: kind for name, kind in found.items() if name not in METADATA_COLUMNS})

    def complete_metadata(self, table: TableName) -> Sequence[str]:
        found = self.column_names(table)
        missing = [name for name in ADDED_LATER if name not in found]
        for name in missing:
            for statement in self.statements.add_metadata(table, name):
                self.execute(statement)
        return missing

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        # First the drops: a new name may differ from a dropped one by the case of its letters alone.
        for name in changeset.drop:
            self.execute(self.statements.drop_column(table, name))
        for name, kind in changeset.add.items():
            self.execute(self.statements.add_column(table, name, kind))
        for name, change in changeset.change.items():
            given = {"original": change.original.type, "new": change.new.type, "column": name}
            for statement in self.statements.change_column(table, name, change):
                self.execute(statement, given if statement.has_parameters else None)

    def _columns(self, table: TableName) -> Sequence[tuple[Any, ...]]:
        return self.execute(self.statements.find_columns(), self.statements.place(table))
