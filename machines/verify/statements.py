"""Statements whose run hears no answer any more, and that may take effect at any later moment, once: when that is, what
makes sure that they never do, and what they do when they come.

Up to two are at work at a time: one of a run that a crash struck and one of a rival that another run followed, or two
of a run that twice heard no answer. Each is sent as it was when its run looked, and nobody looks again when it comes.
When one comes, it is a commit: it makes others void as a commit of a run does.

A run with several flushes at work may leave several by one crash, and one of them is enough. A claim makes sure that
none of them comes later: the ledger's row refuses it, or temp has another name, or another version. So they come
before, and until then nobody looks at rows but the run itself, which asks whether there are any. The others had come
then, or had not, when the run was struck, and that is a history of one.
"""

from collections.abc import Iterable
from functools import cache

from attrs import frozen

from machines.parts import Atomic, Part, Place
from machines.parts import Kind as Changes
from machines.verify.database import Database, Table, deduped
from machines.verify.performers import Performers
from machines.verify.requests import Flush, Request
from machines.verify.rules import Kind, Rule
from machines.verify.tables import columns_of, ensured, inserted, there, trimmed
from machines.verify.values import Interned, evolve

# These read temp besides.
FROM_TEMP = (Part.ADD, Part.REPLACE)
FORGETS = (Part.FORGET_TEMP, Part.END_PUBLICATION)
FENCES = (Part.END_OTHERS, Part.RENEW_TEMP)
# A crash leaves one, and so does a rival that another run follows.
AT_ONCE = 2
# Their parts and the columns are all that they say.
SAYING_ALL = frozenset(
    {Part.CREATE_TEMP, Part.SWEEP, Part.FIT_TEMP, Part.FIT_FINAL, Part.EVOLVE_TEMP, Part.OPEN_FINAL}
)
MADE = frozenset({Place.TEMP, Place.FINAL, Place.LEDGER})


@frozen(eq=False)
class Statement(metaclass=Interned):
    """The parts of one commit as they were sent, by the run that claimed this epoch.

    `cut`: the checkpoint that a deletion keeps; `columns` are those that a table is brought to. `request`, and the
    run's sync (`number`) and the item that its flush reaches (`until`), stand only where the statement says more than
    these. Statements that do the same are equal, whichever run sent them: what takes effect, and what makes sure that
    it does not, depends on nothing else.
    """

    parts: tuple[Part, ...]
    epoch: int
    request: Request | None = None
    number: int = 0
    until: int = 0
    cut: int = 0
    columns: tuple[str, ...] = ()

    @property
    def places(self) -> frozenset[Place]:
        """What it changes or reads by name."""
        return _places(self)

    @property
    def flush(self) -> Flush | None:
        """The flush that it belongs to."""
        return self.request.flush if self.request is not None else None


@cache
def _places(of: Statement) -> frozenset[Place]:
    return frozenset(place for part in of.parts for place in places(part, of.request))


def places(part: Part, request: Request | None) -> Iterable[Place]:
    """The tables that a part changes, or reads by name."""
    if part in FROM_TEMP:
        return (Place.TEMP, Place.FINAL)
    if part is Part.CREATE_TEMP:
        return (Place.LEFTOVERS,)
    if part.kind is Changes.LEDGER:
        return (Place.LEDGER,)
    if part.place is Place.TARGET:
        return (Place.FINAL if request is not None and not request.wishes.writes_to_temp else Place.TEMP,)
    return (part.place,)


class Statements:
    """What statements at work can do, and cannot, on a kind of database."""

    def __init__(self, kind: Kind, performers: Performers, at_once: int = AT_ONCE) -> None:
        self._kind = kind
        self._at_once = at_once
        self._performers = performers

    def sent(
        self, parts: tuple[Part, ...], request: Request, database: Database, number: int, until: int
    ) -> Statement | None:
        """The statement that such a commit may leave at work; None when the next run waits for it, or finds it
        undone.
        """
        if Part.TAKE_EPOCH in parts or set(parts) & set(FENCES) or self._holds_entry(parts):
            return None
        recipe = database.entry.recipe
        fits = recipe is not None and parts[0] in (Part.FIT_TEMP, Part.FIT_FINAL)
        columns = columns_of(recipe) if fits and recipe is not None else request.wishes.columns
        shaped = set(parts) & {Part.FIT_TEMP, Part.FIT_FINAL, Part.EVOLVE_TEMP, Part.OPEN_FINAL}
        cut = (database.entry.checkpoint or 0) if Part.CUT_TEMP in parts else 0
        if set(parts) <= SAYING_ALL:
            return Statement(parts, request.epoch, columns=columns if shaped else ())
        return Statement(parts, request.epoch, request, number, until, cut, columns if shaped else ())

    def left(self, database: Database, sent: Statement | None) -> Database | None:
        """The database when one more statement is at work on it; None when there is none, or too many are."""
        if sent is None or len(database.at_work) >= self._at_once:
            return None
        return evolve(database, at_work=tuple(sorted((*database.at_work, sent), key=_order)))

    def _holds_entry(self, parts: tuple[Part, ...]) -> bool:
        """Whether the ledger's row is locked until the commit."""
        if not self._kind.keeps(Rule.FENCE):
            return self._kind.atomic is Atomic.EVERYTHING
        match self._kind.atomic:
            case Atomic.EVERYTHING:
                return True
            case Atomic.ROWS:
                return any(part.kind is not Changes.TABLES for part in parts)
            case _:
                return False

    def void(self, statement: Statement, parts: tuple[Part, ...], request: Request) -> bool:
        """Whether these parts make sure that the statement does nothing any more."""
        kind, late, touched = self._kind, statement.places, set[Place]()
        for part in parts:
            touched.update(places(part, request))
        if Place.LEDGER in late & touched:
            return True
        if self._conditional and late & touched & MADE:
            return True
        if Part.END_OTHERS in parts and (kind.ends_others or (self._conditional and late & MADE)):
            return True
        if Part.RENEW_TEMP in parts and kind.renews and Place.TEMP in late:
            return True
        if kind.names_are_once and Place.TEMP in late and set(FORGETS) & set(parts):
            return True
        return Part.SWEEP in parts and statement.parts == (Part.SWEEP,)

    def void_by_retry(self, statement: Statement) -> bool:
        """Whether a retry begins by making sure of that."""
        return self._kind.ends_others or (self._kind.renews and Place.TEMP in statement.places)

    def landed(self, statement: Statement, database: Database) -> Database:
        """The database once the statement has taken effect. Raises Refused when it cannot."""
        for part in statement.parts:
            landed = self._on_rows(part, database, statement) or self._on_tables(part, database, statement)
            if landed is None and statement.request is not None:
                landed = self._performers.perform(part, database, statement.request)
            database = landed or database
        return self._without_void(database, statement)

    def _without_void(self, database: Database, landed: Statement) -> Database:
        """The database without those at work that this one has made void: it is a commit like any other."""
        at_work = tuple(late for late in database.at_work if not self._void_by(late, landed))
        return database if at_work == database.at_work else evolve(database, at_work=at_work)

    def _void_by(self, late: Statement, landed: Statement) -> bool:
        if self._conditional and late.places & landed.places & MADE:
            return True
        if self._kind.names_are_once and Place.TEMP in late.places and set(FORGETS) & set(landed.parts):
            return True
        # Both name tables that were there when they were sent, and none has such a name again.
        return self._kind.names_are_once and late.parts == landed.parts == (Part.SWEEP,)

    @property
    def _conditional(self) -> bool:
        """Whether a commit is refused if the version of its table is not the one that was read."""
        return self._kind.atomic is Atomic.TABLE and self._kind.keeps(Rule.FENCE)

    def _on_rows(self, part: Part, database: Database, statement: Statement) -> Database | None:
        """What a change of rows leaves, None when the part is none."""
        if statement.request is None:
            return None
        by = database.entry.recipe or statement.request.wishes.recipe
        match part:
            case Part.ADD:
                there(database.final)
                marked = self._kind.atomic is Atomic.TABLE or database.marked
                return evolve(database, final=self._performers.added(database, by), marked=marked)
            case Part.INSERT:
                return inserted(database, statement.request)
            case Part.DEDUPE:
                temp = there(database.temp)
                return evolve(database, temp=Table(temp.columns, deduped(temp.rows, by)))
            case Part.CUT_TEMP:
                return trimmed(database, statement.cut)
        return None

    def _on_tables(self, part: Part, database: Database, statement: Statement) -> Database | None:
        """What a change of tables leaves, None when the part is none."""
        match part:
            case Part.REPLACE:
                return self._performers.replaced(database)
            case Part.CREATE_TEMP:
                return evolve(database, stray=True)
            case Part.SWEEP:
                left = max(0, database.leftovers - (not database.stray))
                return evolve(database, stray=False, leftovers=left)
            case Part.FIT_TEMP | Part.EVOLVE_TEMP:
                return evolve(database, temp=Table(statement.columns, there(database.temp).rows))
            case Part.FIT_FINAL | Part.OPEN_FINAL:
                return evolve(database, final=ensured(database.final, statement.columns))
        return None


def without(database: Database, late: Statement) -> Database:
    """The database when that statement is not at work any more."""
    at = database.at_work.index(late)
    return evolve(database, at_work=(*database.at_work[:at], *database.at_work[at + 1 :]))


def _order(late: Statement) -> tuple[object, ...]:
    """No order of theirs means anything, so that equal sets of them are equal values."""
    return late.parts, late.epoch, late.number, late.until, late.cut, late.columns
