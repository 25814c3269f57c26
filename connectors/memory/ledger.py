"""The ledger and the journal of a memory database: what other destinations keep in tables of their own."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

from attrs import evolve

from connectors.contract import FlushRow
from connectors.contract.journal import LISTED, TABLE, Transition, row_of, transition_of
from connectors.contract.ledger import LedgerEntry, Owner
from connectors.memory.database import Content
from connectors.memory.loads import MemoryLoads
from connectors.memory.sql import Row, Rows
from dataflow.stream_tables import OwnedTable
from dataflow.types import Column, StreamName, TableName

INTERNAL_NAMESPACE = "airbyte_internal"
JOURNAL = TableName(INTERNAL_NAMESPACE, TABLE)


class MemoryLedger(MemoryLoads):
    """The ledger, in the transactions of one client."""

    def prepare(self) -> None:
        """A memory database is made with its ledger."""

    def hold(self, table: TableName) -> LedgerEntry | None:
        """The entry, with its flushes folded in by one change. What locks it is the transaction's class."""
        if table in self._session.content.flushes:
            self._session.change(lambda content: _folded(content, table))
        return self._session.content.ledger.get(table)

    def share(self, table: TableName) -> Owner | None:
        """The owner of the entry."""
        entry = self._session.content.ledger.get(table)
        return entry.shared if entry is not None else None

    def flushed(self, table: TableName, row: FlushRow[str]) -> bool:
        """Keep the row beside the others of the table."""
        others = self._session.content.flushes.get(table, ())
        if any((each.epoch, each.number) == (row.epoch, row.number) for each in others):
            return False
        self._session.change(lambda content: _with_flush(content, table, row))
        return True

    def save(self, entry: LedgerEntry) -> None:
        """Replace the table's entry."""
        self._session.change(lambda content: _with_entry(content, entry))

    def like(self, table: TableName, stream: StreamName) -> Sequence[OwnedTable]:
        """All there are."""
        return [OwnedTable(final=each.table, stream=each.stream) for each in self.entries() if each.epoch]

    def entries(self) -> Sequence[LedgerEntry]:
        """All there are, with their flushes."""
        content = self._session.content
        return [
            content.ledger[table].with_flushes(content.flushes.get(table, ()))
            for table in sorted(content.ledger, key=str)
        ]


class VersionedLedger(MemoryLedger):
    """The ledger where no transaction locks an entry: the highest version counts. Overrides `hold` and `save`."""

    def hold(self, table: TableName) -> LedgerEntry | None:
        """The entry, with its flushes folded in. Nobody is locked out, so it may be another's: nothing is changed."""
        content = self._session.content
        entry = content.ledger.get(table)
        return entry.with_flushes(content.flushes.get(table, ())) if entry is not None else None

    def save(self, entry: LedgerEntry) -> None:
        """Add a version, and delete the flushes that it has in it.

        One of an earlier claim that comes late is not the highest, and is never read. The first of two claims of one
        epoch counts. A claim changes whose the entry is, and keeps the rest as it is by then: the run before may have
        written more since this one read it.
        """

        def add(content: Content) -> Content:
            found, rows = content.ledger.get(entry.table), content.flushes.get(entry.table, ())
            if found is None:
                # Flushes without an entry are those of one that somebody deleted.
                return _with_flushes(_with_entry(content, entry), entry.table, ())
            if (found.epoch, found.owner) == (entry.epoch, entry.owner):
                kept = tuple(row for row in rows if not _has(entry, row))
                return _with_flushes(_with_entry(content, entry), entry.table, kept)
            if found.epoch >= entry.epoch:
                return content
            taken = _taken(found.with_flushes(rows), entry)
            return _with_flushes(_with_entry(content, taken), entry.table, ())

        self._session.change(add)


def _has(entry: LedgerEntry, row: FlushRow[str]) -> bool:
    """Whether the entry says all that the row does. One beyond a gap may count later, when the gap is closed."""
    counted = row.epoch < entry.epoch or row.number <= entry.last_flush
    return counted and (row.highest_raw_id or "") <= (entry.highest_raw_id or "")


def _taken(found: LedgerEntry, claim: LedgerEntry) -> LedgerEntry:
    return evolve(
        found,
        stream=claim.stream,
        columns=claim.columns,
        epoch=claim.epoch,
        owner=claim.owner,
        last_flush=claim.last_flush,
    )


def _folded(content: Content, table: TableName) -> Content:
    flushes = dict(content.flushes)
    found, entry = flushes.pop(table, ()), content.ledger.get(table)
    ledger = content.ledger if entry is None else {**content.ledger, table: entry.with_flushes(found)}
    return evolve(content, ledger=ledger, flushes=flushes)


def _with_flush(content: Content, table: TableName, row: FlushRow[str]) -> Content:
    return _with_flushes(content, table, (*content.flushes.get(table, ()), row))


def _with_flushes(content: Content, table: TableName, rows: tuple[FlushRow[str], ...]) -> Content:
    others = {each: kept for each, kept in content.flushes.items() if each != table}
    return evolve(content, flushes=others | {table: rows} if rows else others)


def _with_entry(content: Content, entry: LedgerEntry) -> Content:
    return evolve(content, ledger={**content.ledger, entry.table: entry})


class Tables(Protocol):
    """What the journal needs of a client."""

    def table_exists(self, table: TableName) -> bool: ...
    def create_table(
        self, table: TableName, columns: Sequence[Column], primary_key: Sequence[str]
    ) -> None: ...
    def rows(self, table: TableName) -> Rows: ...
    def replace(self, table: TableName, rows: Rows) -> None: ...


class MemoryJournal:
    """The journal of a memory database: a table like any other, so that a reader of tables finds it."""

    def __init__(self, client: Tables) -> None:
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
            and (each.entry["from"] == "idle" or each.entry.get("operation") in LISTED)
        ]

    def _since(self, moment: float) -> Iterator[Row]:
        # As the rows have it: to the microsecond.
        since = datetime.fromtimestamp(moment, UTC)
        return (row for row in self._client.rows(JOURNAL) if datetime.fromisoformat(row["at"]) >= since)
