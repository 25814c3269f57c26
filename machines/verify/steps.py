"""What may happen next in a world: a run makes a move, or the platform starts another. Judges nothing.

A run that has fallen silent to the platform is a ghost: it goes on, until it is fenced off.
"""

from collections.abc import Iterator

from attrs import frozen

from machines.verify.database import Database
from machines.verify.decisions import Decisions
from machines.verify.flushing import Sent
from machines.verify.moves import FIRST_EPOCH, FLUSH, NOTHING, Move, Moves, News
from machines.verify.platform import Platform
from machines.verify.scenarios import Scenario
from machines.verify.transactions import Operations
from machines.verify.world import GHOST, RUN, Progress, Run, World

Syncs = tuple[Progress, ...]


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

    def __init__(self, scenario: Scenario, decisions: Decisions, operations: Operations) -> None:
        self.platform = Platform(scenario, decisions)
        self._decisions = decisions
        self.moves = Moves(decisions, operations)
        self._sent = Sent()
        # The worlds in which late transactions were tried already; what becomes of them depends on the database alone.
        self._fenced: set[Database] = set()
        self._progress: dict[tuple[Syncs, int, News], Syncs] = {}

    def after(self, world: World) -> Iterator[Step]:
        """Everything that may happen next."""
        if world.ghost is not None:
            yield from self._goes_on(world, GHOST, world.ghost)
        if world.run is not None:
            yield from self._goes_on(world, RUN, world.run)
            yield from self._ghostly(world, world.run)
        yield from self._starts(world)

    # -- the platform

    def _starts(self, world: World) -> Iterator[Step]:
        if world.run is None:
            for number, sync in self.platform.asked_next(world):
                yield Step(f"-- a run of {sync} starts", self.platform.started(world, number, sync))
        elif world.rivals and world.ghost is None and world.run.epoch == world.database.entry.epoch:
            unheard = World(
                world.database, world.syncs, world.crashes, world.rivals - 1, None, world.run, world.again
            )
            for number, sync in self.platform.asked_next(unheard):
                yield Step(
                    f"-- that run falls silent; one of {sync} starts",
                    self.platform.started(unheard, number, sync),
                    befell=self._decisions.operation(world.run.state) or FLUSH,
                )

    # -- a run

    def _goes_on(self, world: World, slot: str, run: Run) -> Iterator[Step]:
        # How it is cut into flushes is of no account once nothing can come between them.
        apart = bool(world.crashes or world.rivals or slot == GHOST)
        for move in self.moves.of(world.database, slot, run):
            if (world.crashes or not move.befell) and (apart or not move.piece):
                yield Step(move.label, self._moved(world, slot, run, move), run.epoch, move.befell)

    def _moved(self, world: World, slot: str, run: Run, move: Move) -> World:
        """The world after a move of one of its runs."""
        news, syncs, again = move.news, world.syncs, world.again
        if news is not NOTHING:
            syncs = self._with(syncs, run.number, news)
            if news.brought:
                again = self._sent.again(again, world.database, move.database, run.uncovered, news.brought)
        crashes = world.crashes - 1 if move.befell else world.crashes
        if slot == GHOST:
            return World(move.database, syncs, crashes, world.rivals, world.run, move.run, again)
        ghost = None if move.fences else world.ghost
        return World(move.database, syncs, crashes, world.rivals, move.run, ghost, again)

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
                one.published or news.published,
                one.complete or news.complete,
            )
            known = self._progress[asked] = (*syncs[:number], further, *syncs[number + 1 :])
        return known

    def _ghostly(self, world: World, run: Run) -> Iterator[Step]:
        """A transaction of a run that claimed before this one comes through late."""
        if run.epoch <= FIRST_EPOCH or world.database in self._fenced:
            return
        self._fenced.add(world.database)
        for name, database in self.moves.late(world.database, run):
            yield Step(f"{name} of an older run", world._replace(database=database), run.epoch - 1)
