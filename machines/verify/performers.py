"""What each part of an operation does to the abstract database, on values. Decides nothing.

The parts, their order and their grouping are those that run (`machines.parts`). A part looks, and acts if there is
something to do. A test performs the same operations with the real ones on the memory connector, and compares.
"""

from collections.abc import Callable

from attrs import frozen

from machines.flushes import FlushRow, Folded, fold
from machines.operations import Publishing, Recipe, StreamOperation
from machines.parts import Atomic, Part
from machines.verify.database import Database, Entry, Rows, Table, deduped, in_order, merged
from machines.verify.decisions import Knowledge
from machines.verify.rules import Kind, Replaces, Rule
from machines.verify.values import Interned, evolve

ADDING = (StreamOperation.SETTLE, StreamOperation.MERGE)
REPLACING = (StreamOperation.SWAP, StreamOperation.DEDUPE_AND_SWAP)
DROPPING = (*ADDING, *REPLACING, StreamOperation.DISCARD, StreamOperation.COMPLETE)


class Refused(Exception):
    """The database could not do it, and nothing of it was done."""


class FencedOff(Refused):
    """Another run has taken the table over."""


@frozen(eq=False)
class Flush(metaclass=Interned):
    """Rows to insert, with the checkpoint they reach; as `dataflow/flush.py` has it.

    `reserves`: the highest raw id that its run can come to.
    """

    number: int
    rows: Rows
    checkpoint: int | None
    highest_raw_id: int
    reserves: int = 0


@frozen(eq=False)
class Request(metaclass=Interned):
    """What a run asks for: the operation, or the flush, with the epoch that it claimed and what its life says."""

    operation: str
    epoch: int
    wishes: Knowledge
    flush: Flush | None = None


class Performers:
    """The performer of every part, on a kind of database."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._performers: dict[Part, Callable[[Database, Request], Database]] = {
            part: getattr(self, part.value) for part in Part
        }

    def perform(self, part: Part, database: Database, request: Request) -> Database:
        """What the part leaves. Raises Refused."""
        return self._performers[part](database, request)

    def held(self, database: Database, epoch: int) -> Database:
        """The database with its flush rows folded, if the run still owns the table: the fence."""
        if database.entry.epoch != epoch:
            raise FencedOff("fenced off")
        return self.folded(database)

    def folded(self, database: Database) -> Database:
        """The database with its flush rows folded into the ledger's entry."""
        if not database.flushes:
            return database
        entry, found = database.entry, self.fold(database)
        entry = evolve(
            entry,
            last_flush=found.last_flush,
            checkpoint=entry.checkpoint if found.checkpoint is None else found.checkpoint,
            highest_raw_id=max(entry.highest_raw_id, found.highest_raw_id or 0),
        )
        return evolve(database, entry=entry, flushes=())

    def fold(self, database: Database) -> Folded[int]:
        """What the flush rows amount to."""
        rows, entry = database.flushes, database.entry
        found = fold(entry.last_flush, entry.epoch, rows)
        if self.kind.keeps(Rule.STOP_AT_THE_GAP):
            return found
        return evolve_folded(found, max((row.checkpoint for row in rows if row.checkpoint), default=None))

    # -- a claim

    def take_epoch(self, database: Database, request: Request) -> Database:
        """Take the next epoch."""
        folded = self.folded(database)
        return evolve(folded, entry=evolve(folded.entry, epoch=request.epoch, last_flush=0))

    def end_others(self, database: Database, request: Request) -> Database:
        """Nothing that was sent before is at work: see `Statements`."""
        return database

    def renew_temp(self, database: Database, request: Request) -> Database:
        """Temp has a name that nothing sent before knows: see `Statements`."""
        return database

    def sweep(self, database: Database, request: Request) -> Database:
        """Drop the temp tables that the ledger does not name."""
        if not self.kind.keeps(Rule.SWEEP_WHAT_IS_UNNAMED):
            return database
        drops = not self.kind.keeps(Rule.FORGET_BEFORE_DROPPING) and request.operation in DROPPING
        if drops and database.entry.recipe is not None:
            return evolve(database, temp=None, leftovers=0, stray=False)
        return evolve(database, leftovers=0, stray=False)

    # -- a temp table's life

    def look(self, database: Database, request: Request) -> Database:
        """Read the facts: see `Operations.facts`."""
        return database

    def create_temp(self, database: Database, request: Request) -> Database:
        """Create a temp table that the ledger does not name yet."""
        if database.temp is not None:
            if database.entry.recipe is not None:
                return database
            raise Refused("the temp table is there already")
        if not self.kind.keeps(Rule.CREATE_BEFORE_NAMING):
            return evolve(database, temp=Table(request.wishes.columns))
        return evolve(database, leftovers=database.leftovers + 1)

    def name_temp(self, database: Database, request: Request) -> Database:
        """Write temp into the ledger."""
        if database.entry.recipe is not None and database.temp is not None:
            return database
        entry = evolve(database.entry, recipe=request.wishes.recipe, checkpoint=None)
        if not self.kind.keeps(Rule.CREATE_BEFORE_NAMING):
            return evolve(database, entry=entry)
        if not database.leftovers:
            raise Refused("there is no such table")
        temp, others = Table(request.wishes.columns), database.leftovers - 1
        return evolve(database, temp=temp, entry=entry, leftovers=others)

    def cut_temp(self, database: Database, request: Request) -> Database:
        """Delete temp's rows beyond the checkpoint."""
        entry = database.entry
        if entry.recipe is None or entry.publishing is not None:
            return database
        return trimmed(database, entry.checkpoint)

    def evolve_temp(self, database: Database, request: Request) -> Database:
        """Bring temp to the catalog's columns."""
        return evolve(database, temp=Table(request.wishes.columns, there(database.temp).rows))

    def write_recipe(self, database: Database, request: Request) -> Database:
        """Write the recipe that temp follows now."""
        return evolve(database, entry=evolve(database.entry, recipe=request.wishes.recipe))

    def forget_temp(self, database: Database, request: Request) -> Database:
        """Forget temp, unless it is being published."""
        if database.entry.publishing is not None and self.kind.keeps(Rule.KEEP_WHAT_IS_PUBLISHED):
            return database
        return _forgotten(database)

    def open_final(self, database: Database, request: Request) -> Database:
        """Create or evolve the final table."""
        return evolve(database, final=ensured(database.final, request.wishes.columns))

    def note_final(self, database: Database, request: Request) -> Database:
        """Write that rows go to the final table."""
        return evolve(database, entry=database.entry.without_temp())

    # -- a flush

    def reserve_ids(self, database: Database, request: Request) -> Database:
        """Write a highest raw id that no row of the run goes beyond."""
        flush, entry = _flush(request), database.entry
        if entry.highest_raw_id >= flush.highest_raw_id or not self.kind.keeps(Rule.RESERVE_IDS):
            return database
        return evolve(database, entry=evolve(entry, highest_raw_id=flush.reserves))

    def insert(self, database: Database, request: Request) -> Database:
        """Insert a flush's rows, if they are not there."""
        if self.is_written(database, request) or self.are_there(database, request):
            return database
        return inserted(database, request)

    def note_flush(self, database: Database, request: Request) -> Database:
        """Write the flush's own row."""
        if self.is_written(database, request):
            return database
        flush = _flush(request)
        row = FlushRow(
            epoch=request.epoch,
            number=flush.number,
            rows=len(flush.rows),
            checkpoint=None if request.wishes.replaces_each_time else flush.checkpoint,
            highest_raw_id=flush.highest_raw_id,
        )
        rows = sorted((*database.flushes, row), key=lambda row: row.number)
        return evolve(database, flushes=tuple(rows))

    def is_written(self, database: Database, request: Request) -> bool:
        """Whether the flush's own row says so."""
        number = _flush(request).number
        return database.entry.last_flush >= number or any(row.number == number for row in database.flushes)

    def are_there(self, database: Database, request: Request) -> bool:
        """Whether the flush's rows are there, where no commit holds them and its own row."""
        if self.kind.atomic is not Atomic.STATEMENT or not self.kind.keeps(Rule.LOOK_FOR_ROWS):
            return False
        present = {row.raw_id for row in there(target(database, request)).rows}
        return all(row.raw_id in present for row in _flush(request).rows)

    # -- a publication

    def decide_add(self, database: Database, request: Request) -> Database:
        """Decide that temp's rows are added."""
        if not self.kind.keeps(Rule.DECIDE_TO_ADD):
            return database
        return self._decided(database, Publishing.ADD)

    def decide_replace(self, database: Database, request: Request) -> Database:
        """Decide that temp replaces the final table."""
        if not self.kind.keeps(Rule.DECIDE_TO_REPLACE):
            return database
        decided = self._decided(database, Publishing.REPLACE)
        return decided if decided is database else _finalised(decided, request)

    def _decided(self, database: Database, publishing: Publishing) -> Database:
        if database.entry.recipe is None or database.entry.publishing is not None:
            return database
        return evolve(database, entry=evolve(database.entry, publishing=publishing), marked=False)

    def publishing(self, database: Database, request: Request) -> Publishing | None:
        """How temp is being published: as the ledger says, or, with that rule left out, as the operation wants."""
        entry = database.entry
        if entry.publishing is not None or entry.recipe is None:
            return entry.publishing
        if request.operation in ADDING and not self.kind.keeps(Rule.DECIDE_TO_ADD):
            return Publishing.ADD
        if request.operation in REPLACING and not self.kind.keeps(Rule.DECIDE_TO_REPLACE):
            return Publishing.REPLACE
        return None

    def fit_temp(self, database: Database, request: Request) -> Database:
        """Bring temp to its recipe's columns."""
        by = self._added(database, request)
        if by is None or not self.kind.keeps(Rule.FIT_TEMP):
            return database
        return evolve(database, temp=Table(columns_of(by), there(database.temp).rows))

    def fit_final(self, database: Database, request: Request) -> Database:
        """Create or evolve the final table, to add to it."""
        by = self._added(database, request)
        if by is None or database.temp is None:
            return database
        return evolve(database, final=ensured(database.final, columns_of(by)))

    def add(self, database: Database, request: Request) -> Database:
        """Merge or copy temp's rows into the final table."""
        by = self._added(database, request)
        if by is None or database.temp is None:
            return database
        marks = self.kind.atomic is Atomic.TABLE
        if marks and database.marked and self.kind.keeps(Rule.MARK_WHAT_IS_PUBLISHED):
            return database
        if not database.temp.columns == there(database.final).columns == columns_of(by):
            raise Refused("a table has other columns than the recipe")
        return evolve(database, final=self.added(database, by), marked=marks)

    def added(self, database: Database, by: Recipe) -> Table:
        """The final table with temp's rows in it."""
        temp, final = there(database.temp), there(database.final)
        if by.strategy.dedupes:
            return Table(final.columns, merged(temp.rows, final.rows, by))
        looks = self.kind.atomic is Atomic.STATEMENT and self.kind.keeps(Rule.COPY_WHAT_IS_MISSING)
        present = {row.raw_id for row in final.rows} if looks else ()
        missing = (row for row in temp.rows if row.raw_id not in present)
        return Table(final.columns, in_order((*final.rows, *missing)))

    def _added(self, database: Database, request: Request) -> Recipe | None:
        """The recipe of a temp table that is being added."""
        adds = self.publishing(database, request) is Publishing.ADD
        return database.entry.recipe if adds else None

    def dedupe(self, database: Database, request: Request) -> Database:
        """Keep temp's latest row of each key, if it replaces the final table and its recipe says so."""
        by, temp = database.entry.recipe, database.temp
        early = not self.kind.keeps(Rule.DECIDE_BEFORE_DEDUPE) and request.operation in REPLACING
        if (
            by is None
            or temp is None
            or not by.strategy.dedupes
            or not (early or self._replaces(database, request))
        ):
            return database
        return evolve(database, temp=Table(temp.columns, deduped(temp.rows, by)))

    def replace(self, database: Database, request: Request) -> Database:
        """Put temp in the final table's place, once."""
        return self.replaced(database) if self._replaces(database, request) else database

    def _replaces(self, database: Database, request: Request) -> bool:
        """Whether temp is still to take the final table's place."""
        if self.publishing(database, request) is not Publishing.REPLACE or database.temp is None:
            return False
        is_marked = database.marked and self.kind.keeps(Rule.MARK_WHAT_IS_PUBLISHED)
        return self.kind.replaces is Replaces.RENAME or not is_marked

    def replaced(self, database: Database) -> Database:
        """What the statement leaves that puts temp in the final table's place."""
        old, new = database.final, there(database.temp)
        match self.kind.replaces:
            case Replaces.RENAME:
                others = database.leftovers + (old is not None)
                return evolve(database, final=new, temp=None, leftovers=others)
            case Replaces.EXCHANGE if old is not None:
                return evolve(database, final=new, temp=old, marked=not database.marked)
            case Replaces.EXCHANGE:
                return evolve(database, final=new, temp=None, marked=True)
            case Replaces.COPY:
                return evolve(database, final=new, marked=True)

    def end_publication(self, database: Database, request: Request) -> Database:
        """Forget temp and the decision to publish it."""
        publishing = self.publishing(database, request)
        if publishing is None:
            return database
        if publishing is Publishing.REPLACE and database.entry.publishing is None:
            database = _finalised(database, request)
        return _forgotten(database)

    # -- the end

    def note_needs(self, database: Database, request: Request) -> Database:
        """Columns have no kinds here."""
        return database

    def look_back(self, database: Database, request: Request) -> Database:
        """Look at what is left: see `Operations.facts`."""
        return database


def evolve_folded(found: Folded[int], checkpoint: int | None) -> Folded[int]:
    """The same with another checkpoint."""
    return Folded(last_flush=found.last_flush, checkpoint=checkpoint, highest_raw_id=found.highest_raw_id)


def target(database: Database, request: Request) -> Table | None:
    """The table that the stream's rows go to."""
    return database.temp if request.wishes.writes_to_temp else database.final


def inserted(database: Database, request: Request) -> Database:
    """The database with a flush's rows in it."""
    found = there(target(database, request))
    table = Table(found.columns, in_order((*found.rows, *_flush(request).rows)))
    if request.wishes.writes_to_temp:
        return evolve(database, temp=table)
    return evolve(database, final=table)


def trimmed(database: Database, checkpoint: int | None) -> Database:
    """The database without temp's rows beyond a checkpoint."""
    temp = there(database.temp)
    rows = tuple(row for row in temp.rows if row.raw_id <= (checkpoint or 0))
    return evolve(database, temp=Table(temp.columns, rows))


def columns_of(by: Recipe) -> tuple[str, ...]:
    """The names of a recipe's columns."""
    return tuple(column.name for column in by.columns)


def there(table: Table | None) -> Table:
    """A table that must be there."""
    if table is None:
        raise Refused("there is no such table")
    return table


def ensured(table: Table | None, columns: tuple[str, ...]) -> Table:
    """The table with these columns, made if it is not there."""
    return Table(columns, table.rows if table is not None else ())


def _forgotten(database: Database) -> Database:
    """The ledger names no temp table: the one that is there is left over."""
    entry, others = database.entry.without_temp(), database.leftovers + (database.temp is not None)
    return evolve(database, temp=None, entry=entry, leftovers=others, marked=False)


def _finalised(database: Database, request: Request) -> Database:
    """A generation of our own means nothing to a catalog, should one of its come to be equal."""
    own = request.wishes.replaces_each_time
    finalised = None if own else request.wishes.recipe.generation_id
    return evolve(database, entry=Entry.evolved(database.entry, {"finalised": finalised}))


def _flush(request: Request) -> Flush:
    if request.flush is None:
        raise TypeError(f"{request.operation} has no rows")
    return request.flush
