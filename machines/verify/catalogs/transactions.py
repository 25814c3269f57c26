"""What each operation of a sync commits to the abstract database, on values. Decides nothing.

Whatever `names` decides, and whatever the stream's life says, is the real thing.
"""

from attrs import evolve, frozen

from dataflow.errors import DataflowError
from dataflow.names import NamingRules, comparable
from dataflow.stream_tables import StreamTables
from dataflow.types import TableName
from machines.operations import Facts, Recipe, StreamOperation, TempFacts
from machines.verify.catalogs.database import Database, Entry, Record, Row, Table
from machines.verify.catalogs.names import Names, difference
from machines.verify.decisions import Knowledge
from machines.verify.requests import Refused


@frozen
class Caller:
    """A run at work on a stream: its number, the names that it has chosen, and what the stream's life says."""

    number: int
    tables: StreamTables
    knowledge: Knowledge


class Operations:
    """What a stream's lifecycle may ask of the database. Every operation but CLAIM is fenced."""

    def __init__(self, names: Names, rules: NamingRules) -> None:
        self._names = names
        self._rules = rules

    def perform(
        self, operation: StreamOperation, database: Database, by: Caller
    ) -> tuple[Database, Facts | None]:
        """What was committed and found. Raises Refused."""
        if operation is StreamOperation.CLAIM:
            return self.claim(database, by), None
        entry = self._held(database, by)
        if operation is StreamOperation.INSPECT:
            return database, self.inspect(database, entry, by)
        # The operation's name is its method's.
        return getattr(self, operation)(database, entry, by), None

    def insert(self, database: Database, by: Caller, record: Record) -> Database:
        """Write a record."""
        entry = self._held(database, by)
        target = self._temp(entry, by) if by.knowledge.writes_to_temp else by.tables.final
        table = self._there(database, target)
        values = tuple(sorted((each.name, each.field) for each in by.tables.columns))
        row = Row(record, database.copies(record), values)
        if not {column for column, _ in row.values} <= set(table.columns):
            raise Refused("the table lacks a column")
        return self._with(database, target, table.with_rows((*table.rows, row)))

    # -- the start

    def claim(self, database: Database, by: Caller) -> Database:
        """Become the entry's owner, and remember whose the table and its columns are."""
        final = by.tables.final
        entry = database.entry(final) or Entry()
        try:
            owned = self._names.claimed(database, by.tables, self._rules)
        except DataflowError as error:
            raise Refused("refused, since another run gave the name away") from error
        return database.with_entry(
            final, evolve(entry, stream=owned.stream, columns=owned.columns, owner=by.number)
        )

    def inspect(self, database: Database, entry: Entry, by: Caller) -> Facts:
        """What the start is decided by."""
        wanted = by.knowledge.finalises
        return Facts(
            temp=self._found(entry, self._table(database, self._temp(entry, by))),
            finalised=wanted is not None and entry.finalised == wanted,
            temp_name=entry.temp if entry.temp != by.tables.temp else None,
        )

    def _found(self, entry: Entry, temp: Table | None) -> TempFacts | None:
        """Every row that is flushed is acknowledged, and so covered."""
        if temp is None:
            return None
        return TempFacts(empty=not temp.rows, recipe=entry.recipe, covered=bool(temp.rows))

    def settle(self, database: Database, entry: Entry, by: Caller) -> Database:
        """Bring temp into the final table by the recipe it was opened with."""
        if entry.recipe is None:
            return database
        return self._published(database, entry, by, entry.recipe)

    def discard(self, database: Database, entry: Entry, by: Caller) -> Database:
        """Drop temp."""
        return self._forgotten(database, entry, by)

    def open_temp(self, database: Database, entry: Entry, by: Caller) -> Database:
        """Create temp, which may be there if it is empty."""
        name = by.knowledge.temp
        temp = self._table(database, name)
        if temp is not None and temp.rows:
            raise Refused("the temp table already holds rows")
        opened = self._with(database, name, Table(self._columns(by.knowledge.recipe)))
        return opened.with_entry(by.tables.final, evolve(entry, temp=name, recipe=by.knowledge.recipe))

    def resume_temp(self, database: Database, entry: Entry, by: Caller) -> Database:
        """Give temp the columns of today, and go on with it."""
        name = self._temp(entry, by)
        temp = self._there(database, name)
        change = difference(temp.columns, self._columns(by.knowledge.recipe))
        resumed = self._with(database, name, temp.altered(change.add, change.drop))
        return resumed.with_entry(by.tables.final, evolve(entry, recipe=by.knowledge.recipe))

    def open_final(self, database: Database, entry: Entry, by: Caller) -> Database:
        """Create or evolve the final table."""
        ensured, entry = self._ensured(database, entry, by, self._columns(by.knowledge.recipe))
        return ensured.with_entry(by.tables.final, entry.without_temp())

    # -- the end

    def merge(self, database: Database, entry: Entry, by: Caller) -> Database:
        """Merge temp into the final table."""
        return database if entry.recipe is None else self._published(database, entry, by, by.knowledge.recipe)

    def swap(self, database: Database, entry: Entry, by: Caller) -> Database:
        """Put temp in the final table's place."""
        if entry.recipe is None:
            return database
        name = self._temp(entry, by)
        swapped = self._with(self._with(database, by.tables.final, self._there(database, name)), name, None)
        everything = [each.name for each in entry.columns]
        columns = self._names.without(entry.columns, everything, by.tables.columns)
        finalised = by.knowledge.recipe.generation_id
        return swapped.with_entry(
            by.tables.final, evolve(entry.without_temp(), columns=columns, finalised=finalised)
        )

    def dedupe_and_swap(self, database: Database, entry: Entry, by: Caller) -> Database:
        """Put temp's latest row of each key in the final table's place."""
        if entry.recipe is None:
            return database
        name = self._temp(entry, by)
        temp = self._there(database, name)
        kept = temp.with_rows(self._latest(temp.rows, by.knowledge.recipe))
        return self.swap(self._with(database, name, kept), entry, by)

    def abandon(self, database: Database, entry: Entry, by: Caller) -> Database:
        """Drop temp if it is empty."""
        temp = self._table(database, self._temp(entry, by))
        return database if temp is None or temp.rows else self._forgotten(database, entry, by)

    # -- what they share

    def _held(self, database: Database, by: Caller) -> Entry:
        entry = database.entry(by.tables.final)
        if entry is None or entry.owner != by.number:
            raise Refused("fenced off")
        return entry

    def _published(self, database: Database, entry: Entry, by: Caller, recipe: Recipe) -> Database:
        """Temp's rows in the final table as a recipe says, and no temp table."""
        ensured, entry = self._ensured(database, entry, by, self._columns(recipe))
        temp, final = self._there(ensured, self._temp(entry, by)), self._there(ensured, by.tables.final)
        rows = (*final.rows, *temp.rows)
        merged = self._latest(rows, recipe) if recipe.strategy.dedupes else rows
        return self._forgotten(self._with(ensured, by.tables.final, final.with_rows(merged)), entry, by)

    def _ensured(
        self, database: Database, entry: Entry, by: Caller, columns: tuple[str, ...]
    ) -> tuple[Database, Entry]:
        """The database whose final table has these columns, and the entry that knows which went for it."""
        final = self._table(database, by.tables.final)
        if final is None:
            return self._with(database, by.tables.final, Table(columns)), entry
        change = self._names.change(final.columns, columns, entry.columns)
        kept = self._names.without(entry.columns, change.drop, by.tables.columns)
        altered = final.altered(change.add, change.drop)
        return self._with(database, by.tables.final, altered), evolve(entry, columns=kept)

    def _forgotten(self, database: Database, entry: Entry, by: Caller) -> Database:
        dropped = self._with(database, self._temp(entry, by), None)
        return dropped.with_entry(by.tables.final, entry.without_temp())

    def _latest(self, rows: tuple[Row, ...], recipe: Recipe) -> list[Row]:
        """The last row of each primary key."""
        return list({self._key(row, recipe): row for row in rows}.values())

    def _key(self, row: Row, recipe: Recipe) -> tuple[tuple[str | None, int], ...]:
        return tuple((row.field_in(name), row.record.item) for name in recipe.primary_key)

    def _temp(self, entry: Entry, by: Caller) -> TableName:
        return entry.temp or by.knowledge.temp

    def _columns(self, recipe: Recipe) -> tuple[str, ...]:
        return tuple(sorted(each.name for each in recipe.columns))

    def _table(self, database: Database, name: TableName) -> Table | None:
        return database.table(comparable(name, self._rules))

    def _there(self, database: Database, name: TableName) -> Table:
        table = self._table(database, name)
        if table is None:
            raise Refused("there is no such table")
        return table

    def _with(self, database: Database, name: TableName, table: Table | None) -> Database:
        columns = table.columns if table is not None else ()
        if len(set(map(self._rules.comparable, columns))) < len(columns):
            raise Refused("two columns of a table would have one name")
        return database.with_table(comparable(name, self._rules), table)
