"""What the parts of a publication do to the abstract database. Decides nothing."""

from machines.operations import Publishing, Recipe, StreamOperation
from machines.parts import Atomic
from machines.verify.database import Database, Entry, Table, deduped, in_order, merged
from machines.verify.requests import Refused, Request
from machines.verify.rules import Kind, Replaces, Rule
from machines.verify.shards import Shards
from machines.verify.tables import columns_of, ensured, forgotten, there
from machines.verify.values import evolve

ADDING = (StreamOperation.SETTLE, StreamOperation.MERGE)
REPLACING = (StreamOperation.SWAP, StreamOperation.DEDUPE_AND_SWAP)


class Publications(Shards):
    """The performer of a publication's parts, on a kind of database."""

    kind: Kind

    def decide_add(self, database: Database, request: Request) -> Database:
        """Decide that temp's rows are added."""
        if not self.kind.keeps(Rule.DECIDE_TO_ADD):
            return database
        decided = self._decided(database, Publishing.ADD)
        return decided if decided is database else self.with_files(decided, request)

    def decide_replace(self, database: Database, request: Request) -> Database:
        """Decide that temp replaces the final table."""
        if not self.kind.keeps(Rule.DECIDE_TO_REPLACE):
            return database
        decided = self._decided(database, Publishing.REPLACE)
        return decided if decided is database else self.with_files(_finalised(decided, request), request)

    def _decided(self, database: Database, publishing: Publishing) -> Database:
        if database.entry.recipe is None or database.entry.publishing is not None:
            return database
        self.counted(database)
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
        return self.without_shards(forgotten(self.with_files(database, request, at_end=True)))


def _finalised(database: Database, request: Request) -> Database:
    """A generation of our own means nothing to a catalog, should one of its come to be equal."""
    own = request.wishes.replaces_each_time
    finalised = None if own else request.wishes.recipe.generation_id
    return evolve(database, entry=Entry.evolved(database.entry, {"finalised": finalised}))
