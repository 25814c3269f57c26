"""The platform: which sync it asks for next, and how a run of it starts. It hears STATE, success and nothing else."""

from collections.abc import Iterator

from machines.loads import Wish
from machines.parts import Atomic
from machines.verify.database import Database, Entry, Row, Table
from machines.verify.decisions import Decisions
from machines.verify.loads import given_up, planned
from machines.verify.rules import A, Kind, Rule
from machines.verify.scenarios import COLUMNS, OVER, Scenario, Sync
from machines.verify.shards import opened
from machines.verify.values import evolve
from machines.verify.world import Progress, Run, World, renumbered


class Platform:
    """What a platform may do in one scenario."""

    def __init__(self, scenario: Scenario, decisions: Decisions, kind: Kind = A) -> None:
        self._places = scenario.places
        self._over = scenario.over
        self._leftover = scenario.leftover
        self._kind = kind
        self._decisions = decisions
        self._runs: dict[tuple[int, Sync, int], Run] = {}

    def first(self, crashes: int, rivals: int) -> World:
        """Before anything was asked for but what is over."""
        if not self._over:
            return World(Database(), (), crashes, rivals)
        rows = tuple(Row(n + 1, record) for n, record in enumerate(OVER.records(0, OVER.until)))
        final = Table(tuple(column.name for column in OVER.tables.columns), rows)
        over = Progress(OVER, start=0, acknowledged=OVER.until, sent=OVER.until, complete=True)
        entry = Entry(highest_raw_id=len(rows))
        # If temp has one name, a table of that name is temp.
        is_temp = self._leftover and not self._kind.names_are_once
        database = Database(
            final,
            Table(COLUMNS) if is_temp else None,
            entry,
            leftovers=int(self._leftover and not is_temp),
        )
        return World(database, (over,), crashes, rivals)

    def asked_next(self, world: World) -> Iterator[tuple[int, Sync]]:
        """The last sync again, unless it is complete; and those that may come next."""
        number = len(world.syncs)
        last = world.syncs[-1] if world.syncs else None
        if last is not None and not last.complete:
            yield number - 1, last.sync
        for sync in self._places[number] if number < len(self._places) else ():
            if last is None or not (last.complete and _is_same_truncate(last.sync, sync)):
                yield number, sync

    def loads_open(self, world: World) -> Iterator[tuple[int, Sync]]:
        """A load that is open, whatever was asked for since: any process may finish it, or give it up."""
        at = opened(world.database)
        for number, progress in enumerate(world.syncs):
            of = progress.sync
            if of.load is not None and at is not None and planned(of, world.database).recipe.load == at:
                if number < len(world.syncs) - 1:
                    yield number, of
                yield number, given_up(planned(of, world.database))

    def has_nothing(self, world: World, sync: Sync) -> bool:
        """Whether all files of a load are known, so that it claims nothing.

        It claims all the same where a publication may be cut in two: what is left of one is done then.
        """
        if sync.load is None or sync.strategy.truncates or sync.load.wish is Wish.GIVE_UP:
            return False
        cut_in_two = self._kind.atomic is not Atomic.EVERYTHING and self._kind.keeps(Rule.CLAIM_FOR_NOTHING)
        return planned(sync, world.database).start == sync.until and not cut_in_two

    def with_nothing(self, world: World, number: int, sync: Sync) -> World:
        """A process has found that there is nothing to load, and has ended with success."""
        world = world if number < len(world.syncs) else _asked(world, sync, sync.until)
        complete = evolve(world.syncs[number], complete=True)
        return world._replace(syncs=(*world.syncs[:number], complete, *world.syncs[number + 1 :]))

    def started(self, world: World, number: int, sync: Sync) -> World:
        """A run of the sync has started, and its source continues from the last emitted STATE."""
        at = self.begins(world, sync)
        planning = sync.load is not None and sync.load.wish is Wish.LOAD
        if number == len(world.syncs):
            world = _asked(world, sync, at)
        elif planning:
            world = _planned_again(world, number, at)
        return renumbered(world, self._run(number, planned(sync, world.database) if planning else sync, at))

    def _run(self, number: int, sync: Sync, at: int) -> Run:
        run = self._runs.get((number, sync, at))
        if run is None:
            knowledge = self._decisions.knowledge(sync)
            state = self._decisions.target(knowledge, self._decisions.first, "start")
            run = self._runs[number, sync, at] = Run(number, knowledge, state, at)
        return run

    def begins(self, world: World, sync: Sync) -> int:
        """The item that its source goes on from. A stream that each sync replaces is read whole, whatever was
        emitted.
        """
        if sync.stream.replaces_each_time:
            return 0
        if sync.load is not None:
            return planned(sync, world.database).start
        return max((progress.acknowledged for progress in _of_lineage(world, sync)), default=0)


def _planned_again(world: World, number: int, at: int) -> World:
    """The world when a load that was not decided begins at another item: other loads were published meanwhile."""
    of = world.syncs[number]
    if of.acknowledged > of.start or of.start == at:
        return world
    again = Progress(of.sync, start=at, acknowledged=at, sent=at)
    return world._replace(syncs=(*world.syncs[:number], again, *world.syncs[number + 1 :]))


def _asked(world: World, sync: Sync, at: int) -> World:
    """The world when a sync was asked for that begins at an item."""
    return world._replace(syncs=(*world.syncs, Progress(sync, start=at, acknowledged=at, sent=at)))


def _of_lineage(world: World, sync: Sync) -> Iterator[Progress]:
    return (progress for progress in world.syncs if progress.sync.lineage == sync.lineage)


def _is_same_truncate(one: Sync, other: Sync) -> bool:
    """No platform asks again for a truncate that has succeeded, but where it counts no generations."""
    if one.stream.replaces_each_time or other.stream.replaces_each_time:
        return False
    return one.strategy.truncates and other.strategy.truncates and one.generation == other.generation
