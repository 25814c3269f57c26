"""Statements whose run hears no answer any more, and that may take effect at any later moment, once: when that is, what
makes sure that they never do, and what they do when they come.

One of them is at work at a time. It is sent as it was when its run looked, and nobody looks again when it comes.
"""

from collections.abc import Iterable

from attrs import frozen

from machines.parts import Atomic, Part, Place
from machines.parts import Kind as Changes
from machines.verify.database import Database, Table, deduped
from machines.verify.performers import (
    Performers,
    Request,
    columns_of,
    ensured,
    inserted,
    there,
    trimmed,
)
from machines.verify.rules import Kind, Rule
from machines.verify.values import Interned, evolve

# These read temp besides.
FROM_TEMP = (Part.ADD, Part.REPLACE)
FORGETS = (Part.FORGET_TEMP, Part.END_PUBLICATION)
FENCES = (Part.END_OTHERS, Part.RENEW_TEMP)
MADE = frozenset({Place.TEMP, Place.FINAL, Place.LEDGER})


@frozen(eq=False)
class Statement(metaclass=Interned):
    """The parts of one commit as they were sent.

    `cut`: the checkpoint that a deletion keeps; `columns` are those that a table is brought to. `number` and `until`:
    the run's sync, and the item that its flush reaches.
    """

    parts: tuple[Part, ...]
    request: Request
    number: int
    until: int = 0
    cut: int = 0
    columns: tuple[str, ...] = ()

    @property
    def places(self) -> frozenset[Place]:
        """What it changes or reads by name."""
        return frozenset(place for part in self.parts for place in places(part, self.request))


def places(part: Part, request: Request) -> Iterable[Place]:
    """The tables that a part changes, or reads by name."""
    if part in FROM_TEMP:
        return (Place.TEMP, Place.FINAL)
    if part is Part.CREATE_TEMP:
        return (Place.LEFTOVERS,)
    if part.kind is Changes.LEDGER:
        return (Place.LEDGER,)
    if part.place is Place.TARGET:
        return (Place.TEMP if request.wishes.writes_to_temp else Place.FINAL,)
    return (part.place,)


class Statements:
    """What statements at work can do, and cannot, on a kind of database."""

    def __init__(self, kind: Kind, performers: Performers) -> None:
        self._kind = kind
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
        return Statement(parts, request, number, until, cut, columns if shaped else ())

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
        conditional = kind.atomic is Atomic.TABLE and kind.keeps(Rule.FENCE)
        if conditional and late & touched & MADE:
            return True
        if Part.END_OTHERS in parts and (kind.ends_others or (conditional and late & MADE)):
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
            database = landed or self._performers.perform(part, database, statement.request)
        return database

    def _on_rows(self, part: Part, database: Database, statement: Statement) -> Database | None:
        """What a change of rows leaves, None when the part is none."""
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
