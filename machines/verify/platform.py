"""The platform: which sync it asks for next, and how a run of it starts. It hears STATE, success and nothing else."""

from collections.abc import Iterator

from machines.verify.database import Database, Entry, Row, Table
from machines.verify.decisions import Decisions
from machines.verify.rules import A, Kind
from machines.verify.scenarios import COLUMNS, OVER, Scenario, Sync
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

    def started(self, world: World, number: int, sync: Sync) -> World:
        """A run of the sync has started, and its source continues from the last emitted STATE."""
        at = self.begins(world, sync)
        if number == len(world.syncs):
            world = world._replace(syncs=(*world.syncs, Progress(sync, start=at, acknowledged=at, sent=at)))
        return renumbered(world, self._run(number, sync, at))

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
        return max((progress.acknowledged for progress in _of_lineage(world, sync)), default=0)


def _of_lineage(world: World, sync: Sync) -> Iterator[Progress]:
    return (progress for progress in world.syncs if progress.sync.lineage == sync.lineage)


def _is_same_truncate(one: Sync, other: Sync) -> bool:
    """No platform asks again for a truncate that has succeeded, but where it counts no generations."""
    if one.stream.replaces_each_time or other.stream.replaces_each_time:
        return False
    return one.strategy.truncates and other.strategy.truncates and one.generation == other.generation
