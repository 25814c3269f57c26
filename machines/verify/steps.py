"""What may happen next in a world: a run makes a move, the platform starts another, or a statement that nobody waits
for takes effect. Judges nothing.

A run that has fallen silent to the platform is a ghost: it goes on, until another run claims the table. What it sent
just then may still be at work.
"""

from collections.abc import Iterator
from contextlib import suppress

from attrs import evolve as evolve_recipe
from attrs import frozen

from machines.operations import Recipe, StreamOperation
from machines.parts import Atomic, Part, Place
from machines.verify.coverage import Fault
from machines.verify.database import Database
from machines.verify.flushing import Sent
from machines.verify.loads import Workers
from machines.verify.moves import Moves
from machines.verify.outcomes import NOTHING, Move, News, published_by
from machines.verify.platform import Platform
from machines.verify.requests import Refused, Request
from machines.verify.scenarios import Scenario
from machines.verify.shards import opened
from machines.verify.statements import Statement, without
from machines.verify.transactions import FLUSHING
from machines.verify.values import evolve
from machines.verify.world import GHOST, QUIET, RUN, Progress, Run, World, struck

Syncs = tuple[Progress, ...]
FIRST_EPOCH = 1
# What befell a run that is gone: its statement takes effect.
COMES_LATE = "late"
LATE = tuple(operation for operation in StreamOperation if operation is not StreamOperation.CLAIM)
# The ledger's row is locked until the commit there, and what an older run sends is refused.
FLUSHED = frozenset({Place.TEMP, Place.FINAL, Place.LEDGER})
LOCKING = (Atomic.EVERYTHING, Atomic.ROWS)


@frozen(eq=False)
class Step:
    """What happened, the world after it, and the epoch of the run that did it; None for the platform's.

    `befell` names the operation that a disturbance struck, empty when all went well.
    """

    label: str
    world: World
    epoch: int | None = None
    befell: str = ""


class Steps:
    """The histories of one scenario."""

    def __init__(self, scenario: Scenario, moves: Moves) -> None:
        self.platform = Platform(scenario, moves.decisions, moves.operations.kind)
        self.moves = moves
        self._decisions = moves.decisions
        self._operations = moves.operations
        self._sent = Sent()
        self._has_loads, self._may_be_dropped = scenario.loads, scenario.dropped
        self._workers = Workers(moves.operations.kind)
        self._folded: dict[Database, Database] = {}
        # The worlds in which late transactions were tried already; what becomes of them depends on the database alone.
        self._fenced: set[Database] = set()
        self._progress: dict[tuple[Syncs, int, News], Syncs] = {}

    def after(self, world: World) -> Iterator[Step]:
        """Everything that may happen next."""
        for late in dict.fromkeys(world.database.at_work):
            yield from self._comes_late(world, late)
        if world.ghost is not None:
            yield from self._goes_on(world, GHOST, world.ghost)
        if world.run is not None:
            yield from self._goes_on(world, RUN, world.run)
            yield from self._ghostly(world, world.run)
        if self._has_loads:
            yield from self._lands(world)
        yield from self._starts(world)

    def _lands(self, world: World) -> Iterator[Step]:
        """Workers belong to no run, and nobody waits for them."""
        asked_for = tuple(each.sync for each in world.syncs)
        for label, database in self._workers.land(world.database, asked_for):
            yield Step(label, world._replace(database=database))
        if self._may_be_dropped and world.run is None and world.ghost is None:
            dropped = evolve(world.database, temp=None)
            if opened(dropped) is not None and dropped is not world.database:
                yield Step("-- somebody drops the temp table", world._replace(database=dropped))

    # -- the platform

    def _starts(self, world: World) -> Iterator[Step]:
        if world.run is None:
            for number, sync in (*self.platform.asked_next(world), *self.platform.loads_open(world)):
                if self.platform.has_nothing(world, sync):
                    yield Step(f"-- {sync}: nothing to load", self.platform.with_nothing(world, number, sync))
                else:
                    yield Step(f"-- a run of {sync} starts", self.platform.started(world, number, sync))
        elif world.rivals and world.ghost is None and world.run.epoch == world.database.entry.epoch:
            unheard = World(
                world.database, world.syncs, world.crashes, world.rivals - 1, None, world.run, world.again
            )
            self.moves.met.add(Fault.SILENT)
            for number, sync in (*self.platform.asked_next(unheard), *self.platform.loads_open(unheard)):
                if self.platform.has_nothing(unheard, sync):
                    continue
                yield Step(
                    f"-- that run falls silent; one of {sync} starts",
                    self.platform.started(unheard, number, sync),
                    befell=self._decisions.operation(world.run.state) or FLUSHING,
                )

    # -- a run

    def _goes_on(self, world: World, slot: str, run: Run) -> Iterator[Step]:
        apart = self._comes_between(world, slot)
        heard = QUIET if slot == RUN and not world.crashes else slot
        for move in self.moves.of(world.database, heard, run):
            if (world.crashes or not move.befell) and (apart or not move.piece):
                epoch = move.run.epoch if move.fences and move.run is not None else run.epoch
                yield Step(move.label, self._moved(world, slot, run, move), epoch, move.befell)
                if move.fences and world.ghost is not None:
                    yield from self._left_at_work(world, slot, run, move, world.ghost)

    def _comes_between(self, world: World, slot: str) -> bool:
        """Whether something may still come between two flushes of a run.

        If not, its items are cut into flushes in one way, and those at work commit in one order. Nobody reads the
        tables before the last of them, flushes bring rows of their own, and folding asks for no order: so each way and
        order leaves the same rows, and a STATE is emitted no later. A late statement comes between only if it acts
        where flushes do. One that acts elsewhere has the same effect before them all.
        """
        if world.crashes or world.rivals or slot == GHOST:
            return True
        return any(not late.places.isdisjoint(FLUSHED) for late in world.database.at_work)

    def _left_at_work(self, world: World, slot: str, run: Run, move: Move, ghost: Run) -> Iterator[Step]:
        """The claim found a statement of the ghost at work."""
        claims = Request(StreamOperation.CLAIM, run.epoch, run.knowledge)
        for sent in self.moves.sent(world.database, ghost):
            if self.moves.statements.void(sent, (Part.TAKE_EPOCH,), claims):
                continue
            going = self.moves.statements.left(move.database, sent)
            if going is None:
                continue
            self.moves.met.add(Fault.LEFT_AT_WORK)
            after = self._moved(world, slot, run, move)
            after = after._replace(database=going, run=move.claiming or after.run)
            yield Step(f"{move.label} ({Fault.LEFT_AT_WORK})", after, run.epoch, move.befell)

    def _moved(self, world: World, slot: str, run: Run, move: Move) -> World:
        """The world after a move of one of its runs."""
        news, syncs, again = move.news, world.syncs, world.again
        if news is not NOTHING:
            syncs = self._with(syncs, run.number, news)
            if news.brought:
                again = self._sent.again(again, world.database, move.database, run.uncovered, news.brought)
        crashes = world.crashes - 1 if move.befell else world.crashes
        heard, ghost = (world.run, move.run) if slot == GHOST else (move.run, world.ghost)
        if slot == RUN and move.fences:
            ghost = None
        database = self._settled(move.database, heard, ghost)
        return World(database, syncs, crashes, world.rivals, heard, ghost, again)

    def _settled(self, database: Database, run: Run | None, ghost: Run | None) -> Database:
        """The database when no flush is on its way any more: whatever reads it next folds, and counts from there."""
        if not (database.flushes or database.entry.last_flush) or _flies(run) or _flies(ghost):
            return database
        if any(late.flush is not None for late in database.at_work):
            return database
        settled = self._folded.get(database)
        if settled is None:
            folded = self._operations.parts.folded(database)
            settled = evolve(folded, entry=evolve(folded.entry, last_flush=0))
            self._folded[database] = settled
        return settled

    def _with(self, syncs: Syncs, number: int, news: News) -> Syncs:
        """The progress of all syncs, when there is news of one."""
        asked = (syncs, number, news)
        known = self._progress.get(asked)
        if known is None:
            one = syncs[number]
            further = Progress(
                one.sync,
                one.start,
                max(one.acknowledged, news.acknowledged),
                max(one.sent, news.sent),
                one.published,
                one.complete or news.complete,
            )
            known = (*syncs[:number], further, *syncs[number + 1 :])
            if news.published is not None:
                known = _published(known, number, *news.published)
            self._progress[asked] = known
        return known

    # -- what comes late

    def _comes_late(self, world: World, late: Statement) -> Iterator[Step]:
        """The statement at work takes effect now, or finds nothing to act on."""
        try:
            database = self.moves.statements.landed(late, without(world.database, late))
        except Refused:
            return
        epoch, flush = late.epoch, late.flush
        brought = flush.rows if flush is not None and Part.INSERT in late.parts else ()
        published = published_by(world.database) if Part.REPLACE in late.parts else None
        news = News(late.until, brought=brought, published=published)
        syncs = self._with(world.syncs, late.number, news) if news is not NOTHING else world.syncs
        again = world.again
        if brought:
            again = self._sent.again(again, world.database, database, frozenset(), brought)
        run, ghost = world.run, world.ghost
        if epoch != database.entry.epoch:
            # A run may fail once of what it did not do.
            run, ghost = run and struck(run), ghost and struck(ghost)
        database = self._settled(database, run, ghost)
        after = World(database, syncs, world.crashes, world.rivals, run, ghost, again)
        self.moves.met.add(Fault.COMES_LATE)
        yield Step(f"{Fault.COMES_LATE}: {' + '.join(late.parts)}", after, epoch, befell=COMES_LATE)

    def _ghostly(self, world: World, run: Run) -> Iterator[Step]:
        """A transaction of a run that claimed before this one, of whatever kind, comes through late."""
        if self._operations.kind.atomic not in LOCKING or run.epoch <= FIRST_EPOCH:
            return
        if world.database in self._fenced:
            return
        self._fenced.add(world.database)
        self.moves.met.add(Fault.OLDER_RUN)
        older = run.epoch - 1
        for operation in LATE:
            with suppress(Refused):
                request = Request(operation.value, older, run.knowledge)
                database = self._operations.perform(request, world.database)
                yield Step(f"{operation} of an older run", world._replace(database=database), older)
        for flush in self.moves.works.flushes_of(world.database, run):
            with suppress(Refused):
                request = Request(FLUSHING, older, run.knowledge, flush)
                database = self._operations.perform(request, world.database)
                yield Step(f"{FLUSHING} of an older run", world._replace(database=database), older)


def _flies(run: Run | None) -> bool:
    """Whether flushes of the run are on their way."""
    return run is not None and bool(run.flights)


def _published(syncs: Syncs, number: int, recipe: Recipe, lineage: int) -> Syncs:
    """The progress of all syncs when a temp table has replaced the final table: the last that may have filled it, of
    those up to the run's own.
    """
    for at in range(number, -1, -1):
        own = syncs[at].sync.recipe
        # A stream that each sync replaces has other generations than its catalog says.
        alike = evolve_recipe(own, generation_id=recipe.generation_id) == recipe
        if alike and lineage in (syncs[at].sync.lineage, -1):
            return (*syncs[:at], evolve(syncs[at], published=True), *syncs[at + 1 :])
    return syncs
