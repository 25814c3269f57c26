"""What the laws say of loads, as questions about a step. Judges; makes nothing happen.

1. A shard that is there stays until its load is published or given up. 2. Readers see nothing of a load that is not
published. 3. A shard's row is there once, and a file is known exactly if its load is decided. 4. No shard is left when
its load is over. Each returns what is wrong, or an empty text.
"""

from machines.loads import Wish
from machines.verify.database import Database, Rows, Table
from machines.verify.loads import record_of
from machines.verify.scenarios import LOADED
from machines.verify.shards import opened
from machines.verify.steps import Step
from machines.verify.world import Progress, Run, World

Syncs = tuple[Progress, ...]


class LoadLaws:
    """The laws of a scenario of loads."""

    def __init__(self) -> None:
        # Moments at which nothing was wrong: most steps change nothing of it.
        self._kept: set[tuple[Database, Syncs]] = set()

    def broken(self, before: World, step: Step) -> str:
        """The first law that the step breaks, and how; empty when it breaks none."""
        for name, law in LAWS_OF_STEPS:
            if complaint := law(before, step):
                return f"{name}: {complaint}"
        asked = (step.world.database, step.world.syncs)
        if asked in self._kept:
            return ""
        for name, of_moment in LAWS:
            if complaint := of_moment(*asked):
                return f"{name}: {complaint}"
        self._kept.add(asked)
        return ""


def _dropped(before: World, step: Step) -> str:
    """An open load ends by its publication, or by a process that gives it up."""
    was, now = opened(before.database), opened(step.world.database)
    if was is None or now == was or step.world.database.entry.publishing is not None:
        return ""
    if before.database.temp is None:
        # Somebody else has dropped it.
        return ""
    known = {by for _, by in step.world.database.files}
    if was in known or any(_gives_up(run, was) for run in (before.run, before.ghost)):
        return ""
    return "an open load was dropped"


def _gives_up(run: Run | None, load: str) -> bool:
    of = run.knowledge.load if run is not None else None
    return of is not None and of.id == load and of.wish is Wish.GIVE_UP


def _shards_stay(database: Database, _: Syncs) -> str:
    if opened(database) is None or database.temp is None:
        return ""
    there = set(_rows(database.temp))
    gone = [shard for shard in database.shards if shard.done and record_of(shard) not in there]
    return f"the shard of file {gone[0].item + 1} is there, and its row is gone" if gone else ""


def _readers_see_whole_loads(database: Database, syncs: Syncs) -> str:
    decided = _decided(syncs)
    shown = [row.record for row in _rows(database.final) if row.record.lineage == LOADED]
    early = [record for record in shown if record.item > decided]
    return f"readers see {early[0]} of a load that is not published" if early else ""


def _rows_are_there_once(database: Database, _: Syncs) -> str:
    if opened(database) is None:
        return ""
    rows = _rows(database.temp)
    for shard in database.shards:
        if rows.count(record_of(shard)) > int(shard.done):
            return f"the row of file {shard.item + 1} is there more often than the ledger says"
    return ""


def _files_are_known_if_decided(database: Database, syncs: Syncs) -> str:
    known = {item for item, _ in database.files}
    if known == set(range(_decided(syncs))):
        return ""
    return "the files that the ledger knows are not those of the loads that were decided"


def _no_shards_are_left(database: Database, _: Syncs) -> str:
    recipe = database.entry.recipe
    of = recipe.load if recipe is not None else None
    return "shards of a load are left" if any(shard.load != of for shard in database.shards) else ""


def _decided(syncs: Syncs) -> int:
    """The item up to which loads were decided."""
    return max((each.acknowledged for each in syncs if each.sync.load is not None), default=0)


def _rows(table: Table | None) -> Rows:
    return table.rows if table is not None else ()


def _gives_up_what_it_should(_: World, step: Step) -> str:
    """A process gives a load up if it was asked to, and then the load is over."""
    run = step.world.run
    if run is None:
        return ""
    load = run.knowledge.load
    gives_up = load is not None and load.wish is Wish.GIVE_UP
    if run.state == "given_up" and not gives_up:
        return "a run gave up what it was to bring"
    if gives_up and run.state == "writing":
        return "a load that was given up is opened"
    still = load is not None and run.state == "given_up" and opened(step.world.database) == load.id
    return "a load that was given up is still open" if still and run.epoch == _epoch(step.world) else ""


def _epoch(world: World) -> int:
    return world.database.entry.epoch


LAWS_OF_STEPS = (
    ("law 1, acknowledged means durable", _dropped),
    ("law 4, nothing is left behind", _gives_up_what_it_should),
)
LAWS = (
    ("law 1, acknowledged means durable", _shards_stay),
    ("law 2, readers see old or new", _readers_see_whole_loads),
    ("law 3, the result does not depend on the crashes", _rows_are_there_once),
    ("law 3, the result does not depend on the crashes", _files_are_known_if_decided),
    ("law 4, nothing is left behind", _no_shards_are_left),
)
