"""What each part of an operation does to the abstract database, on values. Decides nothing.

The parts, their order and their grouping are those that run (`machines.parts`). A part looks, and acts if there is
something to do. A test performs the same operations with the real ones on the memory connector, and compares.
"""

from collections.abc import Callable

from machines.loads import keeps_out
from machines.operations import StreamOperation
from machines.parts import Part
from machines.verify.database import Database, Table
from machines.verify.inserting import Inserting
from machines.verify.publishing import ADDING, REPLACING, Publications
from machines.verify.requests import KeptOut, Refused, Request
from machines.verify.rules import Kind, Rule
from machines.verify.shards import opened
from machines.verify.tables import ensured, forgotten, there, trimmed
from machines.verify.values import evolve

DROPPING = (*ADDING, *REPLACING, StreamOperation.DISCARD, StreamOperation.COMPLETE)


class Performers(Inserting, Publications):
    """The performer of every part, on a kind of database."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._performers: dict[Part, Callable[[Database, Request], Database]] = {
            part: getattr(self, part.value) for part in Part
        }

    def perform(self, part: Part, database: Database, request: Request) -> Database:
        """What the part leaves. Raises Refused."""
        return self._performers[part](database, request)

    # -- a claim

    def take_epoch(self, database: Database, request: Request) -> Database:
        """Take the next epoch, unless a load of another life is open."""
        own = request.wishes.load.id if request.wishes.load is not None else None
        if keeps_out(opened(database), own) and self.kind.keeps(Rule.KEEP_OTHERS_OUT):
            raise KeptOut("a load is open")
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
        """Write temp into the ledger, and the shards of a load."""
        if database.entry.recipe is not None and database.temp is not None:
            return database if self.kind.keeps(Rule.OPEN_SHARDS_ONCE) else self.with_shards(database, request)
        database = self.with_shards(database, request)
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
        if entry.recipe.load is not None and self.kind.keeps(Rule.KEEP_A_LOADS_ROWS):
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
        return self.without_shards(forgotten(database))

    def open_final(self, database: Database, request: Request) -> Database:
        """Create or evolve the final table."""
        return evolve(database, final=ensured(database.final, request.wishes.columns))

    def note_final(self, database: Database, request: Request) -> Database:
        """Write that rows go to the final table."""
        if not self.kind.keeps(Rule.NOTE_WHERE_ROWS_GO):
            return database
        return evolve(database, entry=database.entry.without_temp())

    # -- the end

    def note_needs(self, database: Database, request: Request) -> Database:
        """Columns have no kinds here."""
        return database

    def look_back(self, database: Database, request: Request) -> Database:
        """Look at what is left: see `Operations.facts`."""
        return database
