"""Operations and flushes as sequences of commits on the abstract database. Decides nothing.

Which parts an operation has, and which of them are one commit, is what `machines.parts` says to the code that runs.
"""

from attrs import frozen

from machines.loads import Load
from machines.operations import Facts, StreamOperation, TempFacts
from machines.parts import FLUSH, Part, commits, parts_of
from machines.verify.database import Database, Entry
from machines.verify.decisions import Knowledge
from machines.verify.performers import Performers
from machines.verify.requests import FencedOff, Refused, Request
from machines.verify.rules import A, Kind, Rule
from machines.verify.shards import files_of, opened
from machines.verify.statements import FENCES, Statements
from machines.verify.values import evolve

# Neighbours that change places when a rule is left out.
ORDER = {
    Rule.DECIDE_BEFORE_DEDUPE: ((Part.DECIDE_REPLACE, Part.DEDUPE),),
    Rule.CREATE_BEFORE_NAMING: ((Part.CREATE_TEMP, Part.NAME_TEMP),),
    Rule.FORGET_BEFORE_DROPPING: ((Part.FORGET_TEMP, Part.SWEEP), (Part.END_PUBLICATION, Part.SWEEP)),
}
# A flush's name among the operations.
FLUSHING = "flush"


@frozen(eq=False)
class Commit:
    """The next commit of a request: the parts of it that change something, what it leaves, and how many groups of parts
    are done then. Without parts there is nothing left to do.
    """

    parts: tuple[Part, ...]
    database: Database
    done: int


class Operations:
    """What a stream's lifecycle may ask of a kind of database."""

    performers: type[Performers] = Performers

    def __init__(self, kind: Kind = A) -> None:
        self.kind = kind
        self.parts = self.performers(kind)
        self.statements = Statements(kind, self.parts)
        self._commits: dict[tuple[str, object], tuple[tuple[Part, ...], ...]] = {}
        # What was asked before. A run's next commit is looked up at the end of the one before it, too.
        self._next: dict[tuple[Request, Database, int], Commit | Refused] = {}

    def next(self, request: Request, database: Database, done: int = 0) -> Commit:
        """The next commit of a request of which `done` groups are done. Raises Refused."""
        asked = (request, database, done)
        known = self._next.get(asked)
        if known is None:
            try:
                known = self._sought(request, database, done)
            except Refused as refusal:
                known = refusal
            self._next[asked] = known
        if isinstance(known, Refused):
            raise known.with_traceback(None)
        return known

    def _sought(self, request: Request, database: Database, done: int) -> Commit:
        groups = self.groups(request)
        while done < len(groups):
            group, done = groups[done], done + 1
            held = self._held(request, group, database)
            parts, after = self._performed(request, group, held)
            if parts:
                return Commit(parts, self._unless_void(after, parts, request), done)
            database = held
        return Commit((), database, done)

    def groups(self, request: Request) -> tuple[tuple[Part, ...], ...]:
        """The parts of a request, grouped into commits."""
        asked = (request.operation, request.wishes.publishing)
        known = self._commits.get(asked)
        if known is None:
            flushes = request.operation == FLUSHING
            parts = FLUSH if flushes else parts_of(StreamOperation(request.operation), asked[1])
            known = self._commits[asked] = commits(self._reordered(parts), self.kind.atomic)
        return known

    def _reordered(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        """The parts in the order that they have without a rule of order."""
        for rule, pair in ORDER.items():
            if not self.kind.keeps(rule):
                for first, second in pair:
                    if first in parts and second in parts:
                        swapped = {first: second, second: first}
                        parts = tuple(swapped.get(part, part) for part in parts)
        return parts

    def perform(self, request: Request, database: Database) -> Database:
        """Perform a request to its end. Raises Refused."""
        done = 0
        while (commit := self.next(request, database, done)).parts:
            database, done = commit.database, commit.done
        return commit.database

    def _held(self, request: Request, group: tuple[Part, ...], database: Database) -> Database:
        """The database as the commit begins: fenced, and folded but for a flush, which holds nothing."""
        if Part.TAKE_EPOCH in group:
            return database
        if self.kind.keeps(Rule.FENCE) and database.entry.epoch != request.epoch:
            raise FencedOff("fenced off")
        return database if request.operation == FLUSHING else self.parts.folded(database)

    def _performed(
        self, request: Request, group: tuple[Part, ...], database: Database
    ) -> tuple[tuple[Part, ...], Database]:
        """The parts of a group that act, and what they leave."""
        acting, at_work = [], database.at_work
        for part in group:
            after = self.parts.perform(part, database, request)
            fences = part in FENCES and any(self.statements.void(late, (part,), request) for late in at_work)
            if after is not database or fences or part is Part.TAKE_EPOCH:
                acting.append(part)
            database = after
        return tuple(acting), database

    def _unless_void(self, database: Database, parts: tuple[Part, ...], request: Request) -> Database:
        if not database.at_work:
            return database
        late = tuple(each for each in database.at_work if not self.statements.void(each, parts, request))
        return database if late == database.at_work else evolve(database, at_work=late)

    # -- facts

    def facts(self, database: Database, wishes: Knowledge) -> Facts:
        """What the start is decided by."""
        entry, load = database.entry, wishes.load
        looks = load is not None and self.kind.keeps(Rule.FILES_AFTER_THE_CLAIM)
        return Facts(
            temp=self.found(database),
            finalised=wishes.finalises is not None and entry.finalised == wishes.finalises,
            generation=own_generation(entry, load) if wishes.replaces_each_time else None,
            opened=opened(database) if load is not None else None,
            files=load.found(files_of(database.files)) if load is not None and looks else None,
        )

    def left(self, database: Database) -> TempFacts | None:
        """The temp table that a stream leaves, if there is one."""
        return self.found(database)

    def found(self, database: Database) -> TempFacts | None:
        """The temp table, if there is one."""
        temp, entry = database.temp, database.entry
        if temp is None:
            return None
        covered = entry.recipe is not None and entry.checkpoint is not None
        return TempFacts(empty=not temp.rows, recipe=entry.recipe, covered=covered)


def own_generation(entry: Entry, load: Load | None) -> int:
    """A generation above that of any temp table; that of its own where a load goes on."""
    if load is not None and entry.recipe is not None and entry.recipe.load == load.id:
        return entry.recipe.generation_id
    return max(entry.epoch, entry.recipe.generation_id + 1 if entry.recipe else 0)
