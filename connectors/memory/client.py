"""The client of the memory destination: a dictionary of tables, with transactions of one of four classes. Keeps nothing
beyond the process.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from attrs import evolve

from connectors.contract import Atomic, Recipe, Statistics, Writer
from connectors.memory.database import SESSIONS, Content, Database, Table
from connectors.memory.ledger import MemoryJournal, MemoryLedger, VersionedLedger
from connectors.memory.sql import Row, Rows, dedupe, merge
from dataflow.errors import ConfigError, TransientError
from dataflow.evolution import ColumnChangeset, ColumnType, TableSchema
from dataflow.names import opening_of
from dataflow.retype import retype
from dataflow.runtime.requests import Requests
from dataflow.types import META, RAW_ID, Column, Kind, TableName


class MemoryClient:
    """Both halves of the contract, and what it asks of a database that commits an operation in parts."""

    def __init__(self, database: Database, atomic: Atomic, requests: Requests, *, deletes: bool) -> None:
        self._database = database
        self._atomic = atomic
        self._session = SESSIONS[atomic](database, requests)
        self._deletes = deletes
        self._locked: dict[TableName, str] = {}
        ledger = VersionedLedger if atomic is Atomic.STATEMENT else MemoryLedger
        self.ledger = ledger(self._session)
        self.journal = MemoryJournal(self)

    def transaction(self) -> AbstractContextManager[None]:
        return self._session.transaction()

    def lock(self, table: TableName, owner: str) -> None:
        with self._database.busy:
            holder = self._database.owners.setdefault(table, owner)
            if holder != owner:
                raise ConfigError(
                    f"Run {holder} is writing to {table}.",
                    remedy="Wait for it to end, or stop it, then run the sync again.",
                )
            self._locked[table] = owner

    def writer(self, table: TableName) -> Writer | None:
        owner = self._database.owners.get(table)
        return Writer(run=owner) if owner is not None and table not in self._locked else None

    def recover(self) -> None:
        """A dictionary does not lose its connection."""

    def close(self) -> None:
        for table in self._locked:
            self._database.owners.pop(table, None)
        self._locked = {}

    def create_namespace(self, namespace: str) -> None:
        """A namespace is part of a table's name and needs no making."""

    def table_exists(self, table: TableName) -> bool:
        return table in self._tables

    def table_is_empty(self, table: TableName) -> bool:
        return not self.rows(table)

    def count_rows(self, table: TableName) -> int:
        return len(self.rows(table))

    def has_lost_value(self, table: TableName, column: Column) -> bool:
        names = (column.field, column.name)
        return any(
            row[column.name] is None
            and any(change["field"] in names for change in json.loads(row[META]).get("changes", ()))
            for row in self.rows(table)
        )

    def statistics(self, table: TableName) -> Statistics:
        return Statistics(rows=self.count_rows(table))

    def tables_named(self, mark: str) -> Sequence[TableName]:
        return [table for table in self._tables if mark in table.name]

    def create_table(self, table: TableName, columns: Sequence[Column], primary_key: Sequence[str]) -> None:
        made = Table({c.name: ColumnType(str(c.kind)) for c in columns})
        self._session.change(lambda content: _created(content, table, made), (table,), shape=True)

    def expect_meta(self, table: TableName, meta: str) -> None:
        """Nothing is sent anywhere."""

    def take_warnings(self) -> Sequence[str]:
        """This client has no optional steps."""
        return ()

    def drop_table(self, table: TableName) -> None:
        self._session.change(lambda content: _without(content, table), (table,), shape=True)

    def rename_table(self, table: TableName, name: TableName) -> None:
        """One statement: afterwards the table has this name."""
        self._session.change(lambda content: _renamed(content, table, name), (table, name), shape=True)

    def expect_publication(self, table: TableName, recipe: Recipe) -> None:
        """Nothing hangs on a dictionary."""

    def prepare_merge(self, table: TableName, primary_key: Sequence[str]) -> None:
        """A merge needs nothing of a dictionary."""

    def end_others(self, table: TableName, claim: str) -> bool:
        """A change is made by the thread that asks for it: none outlives the run that asked."""
        return True

    def holds_rows(self, table: TableName, first: str, last: str) -> bool:
        """Whether there is a row with a raw id in this range."""
        return any(first <= str(row[RAW_ID]) <= last for row in self.rows(table))

    def trim_table(self, table: TableName, after: str | None) -> int:
        before = len(self.rows(table))
        self._fill(table, lambda rows: tuple(each for each in rows if _is_covered(each, after)))
        return before - len(self.rows(table))

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        before = len(self.rows(target))
        self._publish(source, target, self._copied)
        return len(self.rows(target)) - before

    def merge_table(self, source: TableName, target: TableName, recipe: Recipe) -> None:
        self._publish(source, target, lambda new, old: merge(new, old, recipe, deletes=self._deletes))

    def dedupe_table(self, table: TableName, recipe: Recipe) -> None:
        self._fill(table, lambda rows: dedupe(rows, recipe, deletes=self._deletes))

    def overwrite_table(self, source: TableName, target: TableName) -> str:
        match self._atomic:
            case Atomic.STATEMENT:
                # An exchange is the one of their replacements that may not be repeated without a look.
                self._session.change(lambda content: _exchanged(content, source, target), shape=True)
            case Atomic.TABLE:
                self._session.change(lambda content: _cloned(content, source, target), (target,), shape=True)
            case _:
                self.rename_table(source, target)
        return ""

    def discover_schema(self, table: TableName) -> TableSchema:
        return TableSchema(self._tables[table].columns)

    def complete_metadata(self, table: TableName) -> Sequence[str]:
        """Every table was made here."""
        return ()

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        def reshape(content: Content) -> Content:
            return _with(content, table, _evolved(content.tables[table], changeset))

        self._session.change(reshape, (table,), shape=True)

    # -- for the buffer, and for code that reads the tables

    @property
    def committed(self) -> Content:
        """What is durable, within a transaction of this client's."""
        return self._session.committed

    @property
    def undoes_all(self) -> bool:
        """Whether nothing is durable before its transaction ends."""
        return self._atomic is Atomic.EVERYTHING

    @property
    def _tables(self) -> Mapping[TableName, Table]:
        return self._session.content.tables

    def rows(self, table: TableName) -> Rows:
        """A table's rows; KeyError when there is no such table."""
        return self._tables[table].rows

    def append(self, table: TableName, rows: Rows) -> None:
        """Add rows to a table."""
        self._fill(table, lambda old: old + rows)

    def replace(self, table: TableName, rows: Rows) -> None:
        """Give a table other rows."""
        self._fill(table, lambda _: rows)

    def _fill(self, table: TableName, rows: Callable[[Rows], Rows]) -> None:
        def fill(content: Content) -> Content:
            old = content.tables[table]
            return _with(content, table, evolve(old, rows=rows(old.rows)))

        self._session.change(fill, (table,))

    def _copied(self, new: Rows, old: Rows) -> Rows:
        if self._atomic is not Atomic.STATEMENT:
            return old + new
        # It may have been copied before by a run that does not know it.
        there = {row[RAW_ID] for row in old}
        return old + tuple(row for row in new if row[RAW_ID] not in there)

    def _publish(self, source: TableName, target: TableName, rows: Callable[[Rows, Rows], Rows]) -> None:
        """Bring the source's rows into the target; in class D once, by the name that the commit bears."""

        def publish(content: Content) -> Content:
            old, new = content.tables[target], content.tables[source]
            published = opening_of(source.name) if self._atomic is Atomic.TABLE else ""
            if published and old.published == published:
                return content
            return _with(content, target, evolve(old, rows=rows(new.rows, old.rows), published=published))

        self._session.change(publish, (target,))


def _is_covered(row: Row, after: str | None) -> bool:
    return after is not None and str(row[RAW_ID]) <= after


def _with(content: Content, name: TableName, table: Table) -> Content:
    return evolve(content, tables={**content.tables, name: table})


def _created(content: Content, name: TableName, table: Table) -> Content:
    if name in content.tables:
        raise TransientError(
            f"{name} cannot be created: it exists already.",
            remedy="Nothing was changed. It is tried again automatically.",
        )
    return _with(content, name, table)


def _without(content: Content, name: TableName) -> Content:
    return evolve(content, tables={each: kept for each, kept in content.tables.items() if each != name})


def _renamed(content: Content, table: TableName, name: TableName) -> Content:
    return _with(_without(content, table), name, content.tables[table])


def _exchanged(content: Content, source: TableName, target: TableName) -> Content:
    """Each has the other's name, unless the target bears the source's opening already."""
    opening, old, new = opening_of(source.name), content.tables.get(target), content.tables[source]
    if old is not None and opening and old.published == opening:
        return content
    put = _with(_without(content, source), target, evolve(new, published=opening))
    return put if old is None else _with(put, source, old)


def _cloned(content: Content, source: TableName, target: TableName) -> Content:
    """The target is what the source is, and bears its opening; the source stays."""
    opening, old = opening_of(source.name), content.tables.get(target)
    if old is not None and opening and old.published == opening:
        return content
    return _with(content, target, evolve(content.tables[source], published=opening))


def _evolved(old: Table, changeset: ColumnChangeset) -> Table:
    columns = {n: t for n, t in old.columns.items() if n not in changeset.drop}
    columns |= {n: change.new for n, change in changeset.change.items()} | dict(changeset.add)
    kinds = {n: (Kind(c.original.type), Kind(c.new.type)) for n, c in changeset.change.items()}
    rows = tuple(
        {n: v for n, v in retype(row, kinds).items() if n not in changeset.drop}
        | dict.fromkeys(changeset.add)
        for row in old.rows
    )
    return evolve(old, columns=columns, rows=rows)
