"""The abstract database: tables and ledger entries by name, whose rows and values say whose they are. Values only."""

from collections.abc import Iterable

from attrs import evolve, field, frozen

from dataflow.stream_tables import OwnedColumn, OwnedTable
from dataflow.types import StreamName, TableName
from machines.operations import Recipe


@frozen(cache_hash=True, order=True)
class Record:
    """A record of a source: the stream's, counted from 1 in each generation."""

    stream: StreamName
    generation: int
    item: int

    def __str__(self) -> str:
        return f"record {self.item} of stream {self.stream}"


@frozen(cache_hash=True, order=True)
class Row:
    """A record as it lies in a table: by column, the field whose value it holds there.

    `copy` is 0 but for a record that was sent again: `already` rows of it were there before.
    """

    record: Record
    copy: int
    values: tuple[tuple[str, str], ...]

    def field_in(self, column: str) -> str | None:
        """Whose value the column holds; None where it is null."""
        return dict(self.values).get(column)


@frozen(cache_hash=True)
class Table:
    """A table's columns, and its rows in the order of their records."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...] = ()

    def with_rows(self, rows: Iterable[Row]) -> "Table":
        """The table with these rows alone."""
        return Table(self.columns, tuple(sorted(rows)))

    def altered(self, add: Iterable[str], drop: Iterable[str]) -> "Table":
        """The table with other columns. Values of a column that is dropped are gone."""
        gone = set(drop)
        columns = tuple(sorted({*self.columns, *add} - gone))
        rows = (
            Row(r.record, r.copy, tuple(each for each in r.values if each[0] not in gone)) for r in self.rows
        )
        return Table(columns, tuple(sorted(rows)))


@frozen(cache_hash=True)
class Entry:
    """A ledger entry, as `connectors.contract` has it, of a table that was claimed. Its owner alone is the fence."""

    stream: StreamName | None = None
    columns: tuple[OwnedColumn, ...] = ()
    owner: int = 0
    temp: TableName | None = None
    # Slow to hash, and hardly ever all that differs.
    recipe: Recipe | None = field(default=None, hash=False)
    finalised: int | None = None

    def without_temp(self) -> "Entry":
        """The entry of a table that has no temp table."""
        return evolve(self, temp=None, recipe=None)


@frozen(cache_hash=True)
class Database:
    """All that is committed, by name. Tables have their names as the destination compares them, entries as given."""

    tables: tuple[tuple[TableName, Table], ...] = ()
    entries: tuple[tuple[TableName, Entry], ...] = ()

    def table(self, name: TableName) -> Table | None:
        """The table of that name, if there is one."""
        return next((table for each, table in self.tables if each == name), None)

    def entry(self, name: TableName) -> Entry | None:
        """The entry of the final table of that name, if there is one."""
        return next((entry for each, entry in self.entries if each == name), None)

    def with_table(self, name: TableName, table: Table | None) -> "Database":
        """The database with another table of that name; None: with none."""
        others = tuple(each for each in self.tables if each[0] != name)
        return Database(tuple(sorted((*others, (name, table)), key=_name)) if table else others, self.entries)

    def with_entry(self, name: TableName, entry: Entry) -> "Database":
        """The database with another entry of that final table."""
        others = (each for each in self.entries if each[0] != name)
        return Database(self.tables, tuple(sorted((*others, (name, entry)), key=_name)))

    def released(self, owner: int) -> "Database":
        """The same database when a run is over: that it was the last to claim is of no account any more."""
        if all(entry.owner != owner for _, entry in self.entries):
            return self
        entries = ((n, evolve(e, owner=0) if e.owner == owner else e) for n, e in self.entries)
        return Database(self.tables, tuple(entries))

    def copies(self, record: Record) -> int:
        """How many rows of a record there are."""
        return sum(row.record == record for _, table in self.tables for row in table.rows)

    @property
    def owned(self) -> tuple[OwnedTable, ...]:
        """What the ledger remembers, as a run reads it before it names its tables."""
        return tuple(OwnedTable(final=n, stream=e.stream, columns=e.columns) for n, e in self.entries)


def _name(pair: tuple[TableName, object]) -> TableName:
    return pair[0]
