"""The client of the memory destination: a dictionary of tables, with transactions. Keeps nothing beyond the process."""

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

from attrs import define, evolve, field, frozen

from connectors.contract import FlushRow, Recipe, Statistics, Writer
from connectors.contract.journal import REPLACING, TABLE, Transition, row_of, transition_of
from connectors.contract.ledger import LedgerEntry, Owner
from connectors.memory.sql import Row, Rows, dedupe, merge
from dataflow.errors import ConfigError
from dataflow.evolution import ColumnChangeset, ColumnType, TableSchema
from dataflow.retype import retype
from dataflow.stream_tables import OwnedTable
from dataflow.types import META, RAW_ID, Column, Kind, StreamName, TableName

INTERNAL_NAMESPACE = "airbyte_internal"
JOURNAL = TableName(INTERNAL_NAMESPACE, TABLE)


@frozen
class Table:
    """A table's columns and rows. A change makes a new one, so a transaction is undone by going back."""

    columns: dict[str, ColumnType]
    rows: Rows = ()


@frozen
class Content:
    """All that is committed."""

    tables: dict[TableName, Table] = field(factory=dict)
    ledger: dict[TableName, LedgerEntry] = field(factory=dict)
    # Those that are not yet folded into their entry.
    flushes: dict[TableName, tuple[FlushRow[str], ...]] = field(factory=dict)


@define
class Database:
    """What the connectors of one process share under one name."""

    busy: AbstractContextManager[Any] = field(repr=False)
    content: Content = field(factory=Content)
    owners: dict[TableName, str] = field(factory=dict)


class MemoryLedger:
    """The ledger of a memory database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def prepare(self) -> None:
        """A memory database is made with its ledger."""

    def hold(self, table: TableName) -> LedgerEntry | None:
        """The transaction holds the whole database, and so the entry."""
        content = self._database.content
        entry, flushes = content.ledger.get(table), dict(content.flushes)
        if (found := flushes.pop(table, None)) is None:
            return entry
        self._database.content = evolve(content, flushes=flushes)
        if entry is None:
            return None
        folded = entry.with_flushes(found)
        self.save(folded)
        return folded

    def share(self, table: TableName) -> Owner | None:
        """Transactions take turns, so that nothing is shared but the entry itself."""
        entry = self._database.content.ledger.get(table)
        if entry is None:
            return None
        return Owner(epoch=entry.epoch, run=entry.owner, last_flush=entry.last_flush)

    def flushed(self, table: TableName, row: FlushRow[str]) -> bool:
        """Keep the row beside the others of the table."""
        content = self._database.content
        others = content.flushes.get(table, ())
        if any((each.epoch, each.number) == (row.epoch, row.number) for each in others):
            return False
        self._database.content = evolve(content, flushes={**content.flushes, table: (*others, row)})
        return True

    def save(self, entry: LedgerEntry) -> None:
        """Replace the table's entry."""
        content = self._database.content
        self._database.content = evolve(content, ledger={**content.ledger, entry.table: entry})

    def like(self, table: TableName, stream: StreamName) -> Sequence[OwnedTable]:
        """All there are: the transaction holds the whole database."""
        return [OwnedTable(final=each.table, stream=each.stream) for each in self.entries() if each.epoch]

    def entries(self) -> Sequence[LedgerEntry]:
        """All there are, with their flushes."""
        content = self._database.content
        return [
            content.ledger[table].with_flushes(content.flushes.get(table, ()))
            for table in sorted(content.ledger, key=str)
        ]


class MemoryJournal:
    """The journal of a memory database: a table like any other, so that a reader of tables finds it."""

    def __init__(self, client: "MemoryClient") -> None:
        self._client = client

    def prepare(self) -> None:
        """Make the table if it is missing."""
        if not self._client.table_exists(JOURNAL):
            self._client.create_table(JOURNAL, (), ())

    def last(self, run: str, since: float) -> int:
        """The highest number of the run."""
        return max((row["number"] for row in self._since(since) if row["run"] == run), default=0)

    def append(self, transitions: Sequence[Transition]) -> None:
        """Keep these too."""
        self._client.replace(JOURNAL, self._client.rows(JOURNAL) + tuple(map(row_of, transitions)))

    def forget(self, before: float) -> None:
        """Keep what ended later."""
        self._client.replace(JOURNAL, tuple(self._since(before)))

    def read(self, since: float, run: str | None = None) -> Sequence[Transition]:
        """The rows, by their moment."""
        found = [transition_of(row) for row in self._since(since) if run in (None, row["run"])]
        return sorted(found, key=lambda each: (each.at, each.run, each.number))

    def lives(self) -> Sequence[Transition]:
        """The rows of that kind, by their moment."""
        return [
            each
            for each in self.read(0.0)
            if each.entry["machine"] == "stream"
            and (each.entry["from"] == "idle" or each.entry.get("operation") in REPLACING)
        ]

    def _since(self, moment: float) -> Iterator[Row]:
        # As the rows have it: to the microsecond.
        since = datetime.fromtimestamp(moment, UTC)
        return (row for row in self._client.rows(JOURNAL) if datetime.fromisoformat(row["at"]) >= since)


class MemoryClient:
    """Both halves of the contract. One transaction at a time holds the database."""

    def __init__(self, database: Database, *, deletes: bool) -> None:
        self._database = database
        self._deletes = deletes
        self._locked: dict[TableName, str] = {}
        self.ledger = MemoryLedger(database)
        self.journal = MemoryJournal(self)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._database.busy:
            before = self._database.content
            try:
                yield
            except BaseException:
                self._database.content = before
                raise

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
        return table in self._database.content.tables

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
        return [table for table in self._database.content.tables if mark in table.name]

    def create_table(self, table: TableName, columns: Sequence[Column], primary_key: Sequence[str]) -> None:
        self._put(table, Table({c.name: ColumnType(str(c.kind)) for c in columns}))

    def expect_meta(self, table: TableName, meta: str) -> None:
        """Nothing is sent anywhere."""

    def take_warnings(self) -> Sequence[str]:
        """This client has no optional steps."""
        return ()

    def drop_table(self, table: TableName) -> None:
        content = self._database.content
        tables = {name: kept for name, kept in content.tables.items() if name != table}
        self._database.content = evolve(content, tables=tables)

    def trim_table(self, table: TableName, after: str | None) -> int:
        rows = self.rows(table)
        kept = tuple(row for row in rows if after is not None and str(row[RAW_ID]) <= after)
        self.replace(table, kept)
        return len(rows) - len(kept)

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        self.replace(target, self.rows(target) + self.rows(source))
        return len(self.rows(source))

    def merge_table(self, source: TableName, target: TableName, recipe: Recipe) -> None:
        merged = merge(self.rows(source), self.rows(target), recipe, deletes=self._deletes)
        self.replace(target, merged)

    def dedupe_table(self, table: TableName, recipe: Recipe) -> None:
        self.replace(table, dedupe(self.rows(table), recipe, deletes=self._deletes))

    def overwrite_table(self, source: TableName, target: TableName) -> str:
        self._put(target, self._database.content.tables[source])
        self.drop_table(source)
        return ""

    def discover_schema(self, table: TableName) -> TableSchema:
        return TableSchema(self._database.content.tables[table].columns)

    def complete_metadata(self, table: TableName) -> Sequence[str]:
        """Every table was made here."""
        return ()

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        old = self._database.content.tables[table]
        columns = {n: t for n, t in old.columns.items() if n not in changeset.drop}
        columns |= {n: change.new for n, change in changeset.change.items()} | dict(changeset.add)
        kinds = {n: (Kind(c.original.type), Kind(c.new.type)) for n, c in changeset.change.items()}
        rows = tuple(
            {n: v for n, v in retype(row, kinds).items() if n not in changeset.drop}
            | dict.fromkeys(changeset.add)
            for row in old.rows
        )
        self._put(table, Table(columns, rows))

    # -- for the buffer, and for code that reads the tables

    def rows(self, table: TableName) -> Rows:
        """A table's rows; KeyError when there is no such table."""
        return self._database.content.tables[table].rows

    def replace(self, table: TableName, rows: Rows) -> None:
        """Give a table other rows."""
        self._put(table, evolve(self._database.content.tables[table], rows=rows))

    def _put(self, name: TableName, table: Table) -> None:
        content = self._database.content
        self._database.content = evolve(content, tables={**content.tables, name: table})
