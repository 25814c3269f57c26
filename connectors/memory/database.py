"""The memory destination's database: dictionaries, and what of an operation one commit of them holds in each class.

A content is never changed but replaced, so that a transaction is undone by going back to an earlier one. A `Session` is
how one client reads and changes it: the four differ in what they commit together, and in nothing else.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from attrs import define, evolve, field, frozen

from connectors.contract import Atomic, FlushRow, LoadedFile, ShardRow
from connectors.contract.ledger import LedgerEntry
from connectors.memory.sql import Rows
from dataflow.errors import TransientError
from dataflow.evolution import ColumnType
from dataflow.runtime.requests import COMMIT, Requests, request
from dataflow.types import TableName


@frozen
class Table:
    """A table's columns and rows. `published` names the opening whose rows the last publication brought here."""

    columns: dict[str, ColumnType]
    rows: Rows = ()
    published: str = ""


@frozen
class Content:
    """All that is committed. `flushes` are those that are not yet folded into their entry."""

    tables: dict[TableName, Table] = field(factory=dict)
    ledger: dict[TableName, LedgerEntry] = field(factory=dict)
    flushes: dict[TableName, tuple[FlushRow[str], ...]] = field(factory=dict)
    # Shards belong to the load that is open on a table, files to the loads of a name, by their URIs.
    shards: dict[TableName, tuple[ShardRow, ...]] = field(factory=dict)
    files: dict[tuple[TableName, str], dict[str, LoadedFile]] = field(factory=dict)


@define
class Database:
    """What the connectors of one process share under one name."""

    busy: AbstractContextManager[Any] = field(repr=False)
    content: Content = field(factory=Content)
    owners: dict[TableName, str] = field(factory=dict)


Change = Callable[[Content], Content]
# What a client says of a request that is no commit.
CHANGE = "a change"


class Session(Protocol):
    """One client's reads and changes, in transactions."""

    @property
    def content(self) -> Content:
        """What the client sees now."""
        ...

    @property
    def committed(self) -> Content:
        """What is durable now."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Commits on leaving; goes back on an exception, as far as its class can."""
        ...

    def change(self, change: Change, tables: tuple[TableName, ...] = (), *, shape: bool = False) -> None:
        """Replace the content. `tables` are those it changes; `shape`: it makes, alters, renames or drops them."""
        ...


class OneForEverything:
    """Class A: a transaction has the database for itself, and is undone as a whole."""

    def __init__(self, database: Database, requests: Requests) -> None:
        self._database = database
        self._requests = requests
        self._kept = database.content

    @property
    def content(self) -> Content:
        return self._database.content

    @property
    def committed(self) -> Content:
        return self._kept

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._database.busy:
            self._kept = self._database.content
            try:
                yield
                with request(self._requests, COMMIT):
                    self._kept = self._database.content
            except BaseException:
                self._database.content = self._kept
                raise

    def change(self, change: Change, tables: tuple[TableName, ...] = (), *, shape: bool = False) -> None:
        with request(self._requests, CHANGE):
            self._database.content = change(self._database.content)
            if shape:
                self._reshaped()

    def _reshaped(self) -> None:
        """The statement that changes tables is part of the transaction, like any other."""


class OneForRows(OneForEverything):
    """Class B: a change of tables commits itself, and all that its transaction did before it. Overrides `_reshaped`."""

    def _reshaped(self) -> None:
        self._kept = self._database.content


class OneForAStatement:
    """Class C: each change is durable at once, and others come between any two of them."""

    def __init__(self, database: Database, requests: Requests) -> None:
        self._database = database
        self._requests = requests

    @property
    def content(self) -> Content:
        return self._database.content

    @property
    def committed(self) -> Content:
        return self._database.content

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield

    def change(self, change: Change, tables: tuple[TableName, ...] = (), *, shape: bool = False) -> None:
        with request(self._requests, CHANGE), self._database.busy:
            self._database.content = change(self._database.content)


class OneForATable:
    """Class D: a transaction sees the content as it was when it began, and commits one table after the other.

    Each only if the table is still the one that it saw. The ledger goes with the first, or by itself if its entry is
    still the same.
    """

    def __init__(self, database: Database, requests: Requests) -> None:
        self._database = database
        self._requests = requests
        self._seen = self._view = database.content
        self._touched: list[TableName] = []

    @property
    def content(self) -> Content:
        return self._view

    @property
    def committed(self) -> Content:
        return self._database.content

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._seen = self._view = self._database.content
        self._touched = []
        yield
        self._commit()

    def change(self, change: Change, tables: tuple[TableName, ...] = (), *, shape: bool = False) -> None:
        self._view = change(self._view)
        self._touched += [each for each in tables if each not in self._touched]

    def _commit(self) -> None:
        seen, view = self._seen, self._view
        for table in self._touched or (None,):
            with request(self._requests, COMMIT), self._database.busy:
                now = self._database.content
                if table is not None:
                    _expect_unchanged(table, seen.tables, now.tables)
                    now = evolve(now, tables=_with(now.tables, view.tables, table))
                else:
                    for entry in _changed(seen.ledger, view.ledger):
                        _expect_unchanged(entry, seen.ledger, now.ledger)
                self._database.content = _with_ledger(now, seen, view)
            seen = view


def _expect_unchanged(table: TableName, seen: Mapping[TableName, Any], now: Mapping[TableName, Any]) -> None:
    """Refuse a commit on what another has changed since it was seen."""
    if seen.get(table) is not now.get(table):
        raise TransientError(
            f"Another run has changed {table} since this one read it.",
            remedy="Nothing was changed. It is tried again automatically.",
        )


def _changed(seen: Mapping[TableName, Any], view: Mapping[TableName, Any]) -> list[TableName]:
    return [each for each in {**seen, **view} if seen.get(each) is not view.get(each)]


def _with(
    now: dict[TableName, Table], view: dict[TableName, Table], table: TableName
) -> dict[TableName, Table]:
    kept = {name: each for name, each in now.items() if name != table}
    return kept | {table: view[table]} if table in view else kept


def _with_ledger(now: Content, seen: Content, view: Content) -> Content:
    """The content with the entries and flushes that the transaction changed."""
    ledger, flushes = dict(now.ledger), dict(now.flushes)
    for each in _changed(seen.ledger, view.ledger):
        ledger[each] = view.ledger[each]
    for each in _changed(seen.flushes, view.flushes):
        before, after = seen.flushes.get(each, ()), view.flushes.get(each, ())
        others = (row for row in flushes.get(each, ()) if row not in before)
        flushes[each] = (*others, *after)
    return evolve(now, ledger=ledger, flushes=flushes)


SESSIONS: Mapping[Atomic, Callable[[Database, Requests], Session]] = {
    Atomic.EVERYTHING: OneForEverything,
    Atomic.ROWS: OneForRows,
    Atomic.STATEMENT: OneForAStatement,
    Atomic.TABLE: OneForATable,
}
