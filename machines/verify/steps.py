"""What may happen next in a world: a run goes on, something befalls it, the platform starts another. Judges nothing.

Reading is no step of its own, since nobody sees it: a run flushes what it read up to some item, or ends. What a run
holds in memory is lost with it. A run that has fallen silent to the platform is a ghost: it goes on, until it is
fenced off.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from attrs import evolve, frozen

from machines.operations import StreamOperation
from machines.verify.database import Database
from machines.verify.decisions import Decisions, Knowledge
from machines.verify.flushing import flush_of, name_of, sent_again
from machines.verify.platform import Platform
from machines.verify.scenarios import Scenario
from machines.verify.transactions import FencedOff, Operations, Performed, Refused
from machines.verify.world import (
    GHOST,
    RUN,
    Run,
    World,
    claimed,
    counted,
    moved,
    with_database,
    with_less,
    with_progress,
    with_run,
)

FLUSH, EXIT = "flush", "exit"
FIRST_EPOCH = 1
SWAPS = (StreamOperation.SWAP, StreamOperation.DEDUPE_AND_SWAP)
LATE = tuple(operation for operation in StreamOperation if operation is not StreamOperation.CLAIM)


@frozen(eq=False)
class Step:
    """What happened, the world after it, and the epoch of the run that did it; None for the platform's.

    `befell` names the operation that a disturbance struck, empty when all went well.
    """

    label: str
    world: World
    epoch: int | None = None
    befell: str = ""


@frozen(eq=False)
class Attempt:
    """An operation or a flush of a run: what it commits to a database, and the world when its answer was heard.

    `until`: the item that a flush reaches.
    """

    name: str
    act: Callable[[Database], Performed]
    heard: Callable[[World, Performed], World]
    operation: str
    until: int | None = None


class Steps:
    """The histories of one scenario."""

    def __init__(self, scenario: Scenario, decisions: Decisions, operations: Operations) -> None:
        self.platform = Platform(scenario, decisions)
        self._decisions = decisions
        self._operations = operations
        # The worlds in which late transactions were tried already; what becomes of them depends on the database alone.
        self._fenced: set[Database] = set()

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
        elif world.rivals and world.ghost is None and _owns(world, world.run):
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
        operation = self._decisions.operation(run.state)
        if operation is not None:
            yield from self.attempted(world, slot, run, self._performance(world, slot, run, operation))
        elif run.state == "writing":
            yield from self._writes(world, slot, run)
        else:
            yield from self._exits(world, slot, run)

    def _writes(self, world: World, slot: str, run: Run) -> Iterator[Step]:
        end = run.knowledge.sync.until
        # How it is cut into flushes is of no account once nothing can come between them.
        first = run.at + 1 if world.crashes or world.rivals or slot == GHOST else end
        for until in range(first, end + 1) if run.at < end else ():
            yield from self.attempted(world, slot, run, self._flushing(slot, run, until))
        if run.at == end:
            yield Step("COMPLETE", self._sent(world, slot, run, "completed"))
        if slot == RUN and world.crashes:
            less = with_less(world)
            ended = self._sent(less, slot, evolve(run, disturbed=True), "ended")
            yield Step("the input ends without COMPLETE", ended, befell=FLUSH)

    def _exits(self, world: World, slot: str, run: Run) -> Iterator[Step]:
        gone = with_run(world, slot, None)
        if slot == GHOST or run.state != "done":
            yield Step("the run ends", gone)
            return
        yield Step("the run ends with success", self._marked(gone, run, complete=True))
        if world.crashes:
            yield Step("killed before it ends with success", with_less(gone), befell=EXIT)

    # -- an attempt, and what may befall it

    def attempted(self, world: World, slot: str, run: Run, attempt: Attempt) -> Iterator[Step]:
        """Every outcome of an attempt. A ghost is not disturbed any further."""
        try:
            performed = attempt.act(world.database)
        except Refused as refusal:
            errored = self._errored(world, slot, run, disturbed=isinstance(refusal, FencedOff))
            yield Step(f"{attempt.name}: {refusal}", errored, run.epoch)
            return
        done = self._committed(world, slot, run, attempt, performed.databases[-1])
        yield Step(attempt.name, attempt.heard(done, performed), run.epoch)
        if slot == RUN and world.crashes:
            for label, after in self._befallen(with_less(world), run, attempt, performed):
                yield Step(f"{attempt.name}: {label}", after, run.epoch, befell=attempt.operation)

    def _befallen(
        self, world: World, run: Run, attempt: Attempt, performed: Performed
    ) -> Iterator[tuple[str, World]]:
        """A crash or an error, before it and after each of its transactions."""
        yield "killed before it", with_run(world, RUN, None)
        yield "an error", self._errored(world, RUN, run)
        for database in performed.databases:
            if database == world.database:
                continue
            done = self._committed(world, RUN, run, attempt, database)
            yield "killed after it", with_run(done, RUN, None)
            yield "done, but its answer is lost for good", self._errored(done, RUN, run)
            yield "done, its answer lost, tried again", self._tried_again(done, run, attempt)

    def _ghostly(self, world: World, run: Run) -> Iterator[Step]:
        """A transaction of a run that claimed before this one, of whatever kind, comes through late."""
        if run.epoch <= FIRST_EPOCH or world.database in self._fenced:
            return
        self._fenced.add(world.database)
        older = evolve(run, epoch=run.epoch - 1, given=0)
        for name, database in self._late(world.database, older):
            yield Step(f"{name} of an older run", with_database(world, database), older.epoch)

    def _late(self, database: Database, older: Run) -> Iterator[tuple[str, Database]]:
        for operation in LATE:
            with suppress(Refused):
                performed = self._operations.perform(operation, database, older.epoch, older.knowledge)
                yield operation, performed.databases[-1]
        flush = flush_of(older, older.knowledge.sync.until)
        with suppress(Refused):
            yield FLUSH, self._operations.insert(database, older.epoch, older.knowledge, flush)

    def _tried_again(self, done: World, run: Run, attempt: Attempt) -> World:
        """What was done is attempted once more; a refusal now would be our own fault."""
        try:
            performed = attempt.act(done.database)
        except Refused:
            return self._errored(done, RUN, run, disturbed=False)
        return attempt.heard(with_database(done, performed.databases[-1]), performed)

    def _committed(self, world: World, slot: str, run: Run, attempt: Attempt, database: Database) -> World:
        """The world in which the attempt is durable and nobody knows it yet."""
        before, sync, world = world, run.knowledge.sync, with_database(world, database)
        if _is_published(before.database, database, run, attempt.operation):
            world = self._marked(world, run, published=True)
        if attempt.operation == StreamOperation.CLAIM:
            # Whatever the ghost still does is fenced off from now on: see `_ghostly`.
            return evolve(world, ghost=None)
        if attempt.until is None:
            return world
        again = sent_again(before, database, run, sync.records(run.at, attempt.until))
        world = self._marked(world, run, sent=max(attempt.until, world.syncs[run.number].sent))
        return world if again == world.again else evolve(world, again=again)

    def _errored(self, world: World, slot: str, run: Run, *, disturbed: bool = True) -> World:
        if disturbed and not run.disturbed:
            run = evolve(run, disturbed=True)
        return self._sent(world, slot, run, "errored")

    def _sent(self, world: World, slot: str, run: Run, event: str) -> World:
        """The machine has taken an event."""
        state = self._decisions.target(run.knowledge, run.state, event)
        if state == "failed" and (run.disturbed or slot == GHOST):
            return with_run(world, slot, None)
        return with_run(world, slot, moved(run, state))

    def _marked(self, world: World, run: Run, **changed: Any) -> World:
        """The sync of a run has come further, if it has."""
        progress = world.syncs[run.number]
        if all(getattr(progress, name) == value for name, value in changed.items()):
            return world
        return with_progress(world, run.number, evolve(progress, **changed))

    # -- what is attempted

    def _performance(self, world: World, slot: str, run: Run, operation: StreamOperation) -> Attempt:
        claims = operation is StreamOperation.CLAIM
        epoch = world.database.entry.epoch + 1 if claims else run.epoch

        def act(database: Database) -> Performed:
            return self._operations.perform(operation, database, run.epoch, run.knowledge)

        name = operation.value
        return Attempt(name, act, partial(self._performed, slot, run, operation, epoch), operation=name)

    def _performed(
        self,
        slot: str,
        run: Run,
        operation: StreamOperation,
        epoch: int,
        world: World,
        performed: Performed,
    ) -> World:
        if operation is StreamOperation.CLAIM:
            world = claimed(world, epoch)
            given = world.database.entry.highest_raw_id
            run = evolve(run, epoch=epoch, given=given, uncovered=world.database.uncovered)
        elif run.uncovered:
            present = {row.raw_id for row in world.database.rows}
            run = evolve(run, uncovered=run.uncovered & present)
        if operation in SWAPS and run.knowledge.replaces_each_time:
            world = self.acknowledged(world, slot, run, run.knowledge.sync.until)
        if performed.facts is not None or performed.left is not None:
            run = evolve(run, knowledge=self._learned(run.knowledge, performed))
        return self._sent(world, slot, run, "succeeded")

    def _learned(self, known: Knowledge, performed: Performed) -> Knowledge:
        return self._decisions.knowledge(
            known.sync, performed.facts or known.facts, performed.left or known.left
        )

    def _flushing(self, slot: str, run: Run, until: int) -> Attempt:
        flush = flush_of(run, until)

        def act(database: Database) -> Performed:
            return Performed((self._operations.insert(database, run.epoch, run.knowledge, flush),))

        def heard(world: World, _: Performed) -> World:
            after = evolve(run, at=until, given=flush.highest_raw_id)
            flushed = self._sent(counted(world), slot, after, "flushed")
            # The next sync drops what this one has in temp.
            return (
                flushed if run.knowledge.replaces_each_time else self.acknowledged(flushed, slot, run, until)
            )

        return Attempt(f"flush of {name_of(flush)}", act, heard, operation=FLUSH, until=until)

    def acknowledged(self, world: World, slot: str, run: Run, until: int) -> World:
        """The platform receives the last STATE up to an item; not from a ghost."""
        covered = run.knowledge.sync.covered(until)
        if slot == GHOST or covered <= world.syncs[run.number].acknowledged:
            return world
        return self._marked(world, run, acknowledged=covered)


def _is_published(before: Database, after: Database, run: Run, operation: str) -> bool:
    """Whether a transaction put the run's generation in the place of all before it."""
    if run.knowledge.replaces_each_time:
        return operation in SWAPS and before.entry.recipe is not None and after.entry.recipe is None
    finalised = after.entry.finalised
    return finalised is not None and finalised == run.knowledge.finalises


def _owns(world: World, run: Run) -> bool:
    return run.epoch == world.database.entry.epoch
