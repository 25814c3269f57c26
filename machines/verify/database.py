"""The abstract database: two tables and a ledger entry, as values, and how rows are ordered and merged in them.

Columns have names and no values of their own.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from machines.flushes import FlushRow
from machines.operations import Publishing, Recipe
from machines.verify.values import Interned


@frozen(eq=False)
class Record:
    """A record of a source. `item` is its place in its lineage, counted from 1; the rest are its fields."""

    lineage: int
    item: int
    id: int
    other: int
    updated: int

    def __repr__(self) -> str:
        return f"{'PLFMN'[self.lineage]}{self.item}"


@frozen(eq=False, repr=False)
class Row(metaclass=Interned):
    """A record as it lies in a table."""

    raw_id: int
    record: Record

    def __repr__(self) -> str:
        return f"{self.record}#{self.raw_id}"


Rows = tuple[Row, ...]


@frozen(eq=False)
class Table(metaclass=Interned):
    """A table's columns, and its rows by raw id."""

    columns: tuple[str, ...]
    rows: Rows = ()


# A file that the ledger knows, by its item, and the load that brought it.
Known = tuple[int, str]


@frozen(eq=False)
class Shard(metaclass=Interned):
    """A shard's row in the ledger: the item that it reads, the raw id of its row, and whether that is there."""

    load: str
    item: int
    raw_id: int
    done: bool = False


@frozen(eq=False)
class Entry(metaclass=Interned):
    """A ledger entry, as `connectors.contract` has it. Owner and names are left out: the epoch alone differs here."""

    epoch: int = 0
    recipe: Recipe | None = None
    last_flush: int = 0
    checkpoint: int | None = None
    highest_raw_id: int = 0
    finalised: int | None = None
    publishing: Publishing | None = None

    def without_temp(self) -> "Entry":
        """The entry of a table that has no temp table."""
        return Entry(self.epoch, None, self.last_flush, None, self.highest_raw_id, self.finalised)


@frozen(eq=False)
class Database(metaclass=Interned):
    """All that is committed. A table that is not there is None.

    `flushes` are the flush rows that were not folded into the entry yet. `leftovers` counts temp tables that the ledger
    does not name, and `stray` is one that a statement of an earlier claim made. `marked`: the final table bears the
    mark of the temp table that is being published. `at_work`: statements whose runs hear no answer, and each of which
    may take effect at any later moment, once. `shards` are those of the load that is open, and `files` those that the
    ledger knows.
    """

    final: Table | None = None
    temp: Table | None = None
    entry: Entry = Entry()
    flushes: tuple[FlushRow[int], ...] = ()
    leftovers: int = 0
    stray: bool = False
    marked: bool = False
    # `Statement`s, which know databases themselves.
    at_work: tuple[Any, ...] = ()
    shards: tuple[Shard, ...] = ()
    files: tuple[Known, ...] = ()

    @property
    def rows(self) -> Rows:
        """What both tables hold."""
        return tuple(row for table in (self.final, self.temp) if table is not None for row in table.rows)

    @property
    def uncovered(self) -> frozenset[int]:
        """The raw ids in temp beyond the checkpoint, and not in the final table too."""
        rows, checkpoint = self.temp.rows if self.temp is not None else (), self.entry.checkpoint or 0
        beyond = [row.raw_id for row in rows if row.raw_id > checkpoint]
        published = [row.raw_id for row in self.final.rows] if beyond and self.final is not None else ()
        return frozenset(beyond).difference(published)


def latest(rows: Iterable[Row], recipe: Recipe) -> Mapping[tuple[int, ...], Row]:
    """The latest row of each primary key."""
    found: dict[tuple[int, ...], Row] = {}
    for row in rows:
        key = key_of(row.record, recipe)
        if key not in found or rank(row, recipe) > rank(found[key], recipe):
            found[key] = row
    return found


def key_of(record: Record, recipe: Recipe) -> tuple[int, ...]:
    """The record's primary key."""
    return tuple(getattr(record, name) for name in recipe.primary_key)


def rank(row: Row, recipe: Recipe) -> tuple[int, int]:
    """What "later" compares: the cursor, then the raw id."""
    return (getattr(row.record, recipe.cursor) if recipe.cursor is not None else 0, row.raw_id)


def merged(source: Rows, target: Rows, recipe: Recipe) -> Rows:
    """The target with the source's latest rows in it, unless the target's own row of a key is later."""
    winners = dict(latest(source, recipe))
    for row in target:
        key = key_of(row.record, recipe)
        if key in winners and rank(row, recipe) > rank(winners[key], recipe):
            del winners[key]
    kept = (row for row in target if key_of(row.record, recipe) not in winners)
    return in_order((*kept, *winners.values()))


def deduped(rows: Rows, recipe: Recipe) -> Rows:
    """One row per primary key."""
    return in_order(latest(rows, recipe).values())


def in_order(rows: Iterable[Row]) -> Rows:
    """By raw id; a table has no other order, so equal tables are equal values."""
    return tuple(sorted(rows, key=lambda row: (row.raw_id, row.record.lineage, row.record.item)))
