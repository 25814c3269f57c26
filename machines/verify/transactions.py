"""What each operation of a sync commits to the abstract database, on values. Decides nothing.

A test performs the same operations with the real ones on the memory connector, and compares.
"""

from typing import Protocol

from attrs import frozen

from machines.operations import Facts, Recipe, StreamOperation, TempFacts
from machines.verify.database import Database, Entry, Rows, Table, deduped, in_order, merged
from machines.verify.values import Interned, evolve


class Refused(Exception):
    """The database could not do it, and nothing of it was done."""


class FencedOff(Refused):
    """Another run has taken the table over."""


@frozen(eq=False)
class Flush(metaclass=Interned):
    """Rows to insert, with the checkpoint they reach; as `dataflow/flush.py` has it."""

    number: int
    rows: Rows
    checkpoint: int | None
    highest_raw_id: int


class Wishes(Protocol):
    """What an operation reads of a stream's life."""

    @property
    def recipe(self) -> Recipe:
        """How the sync reaches the final table."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the catalog wants."""
        ...

    @property
    def finalises(self) -> int | None:
        """The generation that the catalog wants in the place of all before it, if it wants that."""
        ...

    @property
    def replaces_each_time(self) -> bool:
        """Whether each sync replaces the table, and so promises nothing of it."""
        ...

    @property
    def writes_to_temp(self) -> bool:
        """Whether rows go to the temp table."""
        ...


@frozen(eq=False)
class Performed:
    """What was committed, a database for each transaction; and what was found."""

    databases: tuple[Database, ...]
    facts: Facts | None = None
    left: TempFacts | None = None


class Operations:
    """What a stream's lifecycle may ask of the database. Every operation but CLAIM is fenced by the run's epoch."""

    def perform(
        self, operation: StreamOperation, database: Database, epoch: int, wishes: Wishes
    ) -> Performed:
        """Perform an operation of a run that claimed the table with `epoch`. Raises Refused."""
        if operation is StreamOperation.CLAIM:
            return Performed((self.claim(database),))
        held = self.held(database, epoch)
        if operation is StreamOperation.INSPECT:
            return Performed((database,), self.inspect(held, wishes))
        if operation is StreamOperation.ABANDON:
            return Performed((database,), left=self.found(held))
        # The operation's name is its method's.
        return Performed((getattr(self, operation)(held, wishes),))

    def held(self, database: Database, epoch: int) -> Database:
        """The database, if the run still owns the table: the fence."""
        if database.entry.epoch != epoch:
            raise FencedOff("fenced off")
        return database

    def insert(self, database: Database, epoch: int, wishes: Wishes, flush: Flush) -> Database:
        """Make a flush durable, once."""
        entry = self.held(database, epoch).entry
        if entry.last_flush >= flush.number:
            return database
        if entry.last_flush != flush.number - 1:
            raise Refused("rows between two flushes are missing")
        entry = evolve(
            entry,
            last_flush=flush.number,
            checkpoint=(None if wishes.replaces_each_time else flush.checkpoint) or entry.checkpoint,
            highest_raw_id=flush.highest_raw_id,
        )
        if wishes.writes_to_temp:
            return Database(database.final, _appended(database.temp, flush.rows), entry)
        return Database(_appended(database.final, flush.rows), database.temp, entry)

    # -- the start

    def claim(self, database: Database) -> Database:
        """Take the next epoch."""
        entry = evolve(database.entry, epoch=database.entry.epoch + 1, last_flush=0)
        return Database(database.final, database.temp, entry)

    def complete(self, database: Database, wishes: Wishes) -> Database:
        """Nothing: one commit holds a publication's decision and its end, so none is ever begun."""
        return database

    def inspect(self, database: Database, wishes: Wishes) -> Facts:
        """What the start is decided by."""
        entry = database.entry
        return Facts(
            temp=self.found(database),
            finalised=wishes.finalises is not None and entry.finalised == wishes.finalises,
            generation=own_generation(entry) if wishes.replaces_each_time else None,
        )

    def found(self, database: Database) -> TempFacts | None:
        """The temp table, if there is one."""
        temp, entry = database.temp, database.entry
        if temp is None:
            return None
        covered = entry.recipe is not None and entry.checkpoint is not None
        return TempFacts(empty=not temp.rows, recipe=entry.recipe, covered=covered)

    def settle(self, database: Database, wishes: Wishes) -> Database:
        """Bring temp into the final table by the recipe it was opened with."""
        recipe = database.entry.recipe
        if recipe is None:
            return database
        trimmed = self.trim(database)
        return self.forget_temp(self.publish(trimmed, recipe))

    def discard(self, database: Database, wishes: Wishes) -> Database:
        """Drop temp."""
        return self.forget_temp(database)

    def open_temp(self, database: Database, wishes: Wishes) -> Database:
        """Create temp."""
        if database.temp is not None:
            if database.entry.recipe == wishes.recipe:
                return database
            raise Refused("the temp table is there already")
        entry = evolve(database.entry, recipe=wishes.recipe, checkpoint=None)
        return Database(database.final, Table(wishes.columns), entry)

    def resume_temp(self, database: Database, wishes: Wishes) -> Database:
        """Cut temp at the checkpoint, and go on with it."""
        trimmed = self.trim(database)
        temp = Table(wishes.columns, _there(trimmed.temp).rows)
        return Database(trimmed.final, temp, evolve(trimmed.entry, recipe=wishes.recipe))

    def open_final(self, database: Database, wishes: Wishes) -> Database:
        """Create or evolve the final table."""
        final = _ensured(database.final, wishes.columns)
        return Database(final, database.temp, database.entry.without_temp())

    # -- the end

    def merge(self, database: Database, wishes: Wishes) -> Database:
        """Merge temp into the final table."""
        if database.entry.recipe is None:
            return database
        return self.forget_temp(self.publish(database, wishes.recipe))

    def swap(self, database: Database, wishes: Wishes) -> Database:
        """Put temp in the final table's place."""
        if database.entry.recipe is None:
            return database
        finalised = None if wishes.replaces_each_time else wishes.recipe.generation_id
        entry = evolve(database.entry.without_temp(), finalised=finalised)
        return Database(_there(database.temp), None, entry)

    def dedupe_and_swap(self, database: Database, wishes: Wishes) -> Database:
        """Put temp's latest row of each key in the final table's place."""
        if database.entry.recipe is None:
            return database
        temp = _there(database.temp)
        kept = Table(temp.columns, deduped(temp.rows, wishes.recipe))
        return self.swap(Database(database.final, kept, database.entry), wishes)

    # -- what they share

    def trim(self, database: Database) -> Database:
        """Delete temp's rows beyond the checkpoint."""
        temp, checkpoint = _there(database.temp), database.entry.checkpoint or 0
        rows = tuple(row for row in temp.rows if row.raw_id <= checkpoint)
        return Database(database.final, Table(temp.columns, rows), database.entry)

    def publish(self, database: Database, by: Recipe) -> Database:
        """Bring temp's rows into the final table as a recipe says."""
        columns = tuple(column.name for column in by.columns)
        temp, final = _there(database.temp), _ensured(database.final, columns)
        if temp.columns != columns:
            raise Refused("temp has other columns than its recipe")
        added = merged(temp.rows, final.rows, by) if by.strategy.dedupes else (*final.rows, *temp.rows)
        return Database(Table(columns, in_order(added)), database.temp, database.entry)

    def forget_temp(self, database: Database) -> Database:
        """Drop temp, and let the ledger say so."""
        return Database(database.final, None, database.entry.without_temp())


def own_generation(entry: Entry) -> int:
    """A generation above that of any temp table."""
    return max(entry.epoch, entry.recipe.generation_id + 1 if entry.recipe else 0)


def _there(table: Table | None) -> Table:
    if table is None:
        raise Refused("there is no such table")
    return table


def _ensured(table: Table | None, columns: tuple[str, ...]) -> Table:
    return Table(columns, table.rows if table is not None else ())


def _appended(table: Table | None, rows: Rows) -> Table:
    found = _there(table)
    return Table(found.columns, in_order((*found.rows, *rows)))
