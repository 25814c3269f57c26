"""A moment of a history: the database, the runs, what the platform knows. Values; nothing happens here."""

from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

from machines.verify.database import Database, Entry, Record, Row, Table
from machines.verify.decisions import Knowledge
from machines.verify.scenarios import Sync

# For a run that has not claimed yet: no entry has this epoch.
UNCLAIMED = -1
# A world's two places for runs: the one that the platform hears, and one that has fallen silent.
RUN, GHOST = "run", "ghost"


@frozen(cache_hash=True)
class Run:
    """One process: where its machine is, and how far it came.

    `at`: the item that it has flushed up to; `given`: the highest raw id it gave. `disturbed`: something befell it
    that may make it fail. `uncovered`: raw ids in temp that no checkpoint covered when it claimed; the source sends
    these records again, and the rows must go.
    """

    number: int
    knowledge: Knowledge
    state: str
    at: int
    epoch: int = UNCLAIMED
    given: int = 0
    disturbed: bool = False
    uncovered: frozenset[int] = frozenset()


@frozen(cache_hash=True)
class Progress:
    """How far a sync came, over all its runs: in items of its lineage.

    `start`: acknowledged when it was first asked for; `acknowledged`: covered by the last emitted STATE; `sent`: to
    where some run flushed. `published`: its generation replaced the table. `complete`: a run of it ended with success.
    """

    sync: Sync
    start: int
    acknowledged: int
    sent: int
    published: bool = False
    complete: bool = False


@frozen(cache_hash=True)
class World:
    """All of it. `syncs`: the progress of those asked for so far, `run` is of the last of them.

    `ghost` is a run that the platform no longer hears. `again`: records that more than one run flushed. `left`: how
    many disturbances may still come.
    """

    database: Database
    syncs: tuple[Progress, ...]
    crashes: int
    rivals: int
    run: Run | None = None
    ghost: Run | None = None
    again: frozenset[Record] = frozenset()

    @property
    def succeeded(self) -> bool:
        """The last sync has ended with success."""
        return self.run is None and bool(self.syncs) and self.syncs[-1].complete


# Worlds are made by the million: these say all their members, which is faster than `evolve`.


def with_progress(world: World, number: int, progress: Progress) -> World:
    """The world in which one sync has come so far."""
    syncs = (*world.syncs[:number], progress, *world.syncs[number + 1 :])
    return World(world.database, syncs, world.crashes, world.rivals, world.run, world.ghost, world.again)


def with_run(world: World, slot: str, run: Run | None) -> World:
    """The world with another run in one of its two places."""
    mine, ghost = (run, world.ghost) if slot == RUN else (world.run, run)
    return World(world.database, world.syncs, world.crashes, world.rivals, mine, ghost, world.again)


def moved(run: Run, state: str) -> Run:
    """The run when its machine has gone on. After writing it is of no account how far it came."""
    if run.state == "writing" and state != "writing":
        return Run(run.number, run.knowledge, state, 0, run.epoch, 0, run.disturbed)
    return Run(run.number, run.knowledge, state, run.at, run.epoch, run.given, run.disturbed, run.uncovered)


def with_database(world: World, database: Database) -> World:
    """The world in which this is committed."""
    return World(database, world.syncs, world.crashes, world.rivals, world.run, world.ghost, world.again)


def with_less(world: World) -> World:
    """The world in which one disturbance less may come."""
    return World(
        world.database, world.syncs, world.crashes - 1, world.rivals, world.run, world.ghost, world.again
    )


def claimed(world: World, epoch: int) -> World:
    """The same world once a claim was seen: whether it took more than one epoch is of no account."""
    return world if world.database.entry.epoch == epoch else _with_entry(world, epoch=epoch)


def counted(world: World) -> World:
    """The same world once a flush was seen: flushes are numbered from there."""
    return _with_entry(world, last_flush=0)


def _with_entry(world: World, **changed: Any) -> World:
    database = world.database
    return with_database(world, Database(database.final, database.temp, evolve(database.entry, **changed)))


def renumbered(world: World) -> World:
    """The same world with the smallest raw ids and epochs: only their order matters, and so more worlds are equal."""
    database, ghost = world.database, world.ghost
    ids = _ids(database) | ({ghost.given} if ghost is not None else set())
    new = {old: number for number, old in enumerate(sorted(ids | {0}))}
    epoch = min(database.entry.epoch, 1)
    return evolve(
        world,
        database=Database(
            final=_table(database.final, new),
            temp=_table(database.temp, new),
            entry=_entry(database.entry, new, epoch),
        ),
        ghost=None
        if ghost is None
        else evolve(ghost, given=new[ghost.given], epoch=epoch, uncovered=frozenset()),
    )


def _ids(database: Database) -> set[int]:
    tables = (table for table in (database.final, database.temp) if table is not None)
    rows = {row.raw_id for table in tables for row in table.rows}
    entry = database.entry
    return rows | {entry.highest_raw_id} | ({entry.checkpoint} if entry.checkpoint is not None else set())


def _table(table: Table | None, new: Mapping[int, int]) -> Table | None:
    if table is None:
        return None
    return Table(table.columns, tuple(Row(new[row.raw_id], row.record) for row in table.rows))


def _entry(entry: Entry, new: Mapping[int, int], epoch: int) -> Entry:
    return evolve(
        entry,
        epoch=epoch,
        checkpoint=None if entry.checkpoint is None else new[entry.checkpoint],
        highest_raw_id=new[entry.highest_raw_id],
    )
