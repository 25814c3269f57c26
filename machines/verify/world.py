"""A moment of a history: the database, the runs, what the platform knows. Values; nothing happens here."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from attrs import frozen

from machines.verify.database import Database, Entry, Record, Row, Table
from machines.verify.decisions import Knowledge
from machines.verify.scenarios import Sync
from machines.verify.values import Interned, evolve

# For a run that has not claimed yet: no entry has this epoch.
UNCLAIMED = -1
# A world's two places for runs: the one that the platform hears, and one that has fallen silent.
RUN, GHOST = "run", "ghost"
# The number of answers that are remembered at once.
REMEMBERED = 1 << 16


@frozen(eq=False)
class Run(metaclass=Interned):
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


@frozen(eq=False)
class Progress(metaclass=Interned):
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


class World(NamedTuple):
    """All of it; a tuple of values that are made once, which is quick to hash.

    `syncs`: the progress of those asked for so far, `run` is of the last of them.

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


# Runs are made by the thousand: these say all their members, which is faster than `evolve`.


def moved(run: Run, state: str) -> Run:
    """The run when its machine has gone on. After writing it is of no account how far it came."""
    if run.state == "writing" and state != "writing":
        return Run(run.number, run.knowledge, state, 0, run.epoch, 0, run.disturbed, frozenset())
    return Run(run.number, run.knowledge, state, run.at, run.epoch, run.given, run.disturbed, run.uncovered)


def struck(run: Run) -> Run:
    """The run when something befell it that may make it fail."""
    return Run(
        run.number,
        run.knowledge,
        run.state,
        run.at,
        run.epoch,
        run.given,
        disturbed=True,
        uncovered=run.uncovered,
    )


def learned(run: Run, knowledge: Knowledge) -> Run:
    """The run when its life knows this."""
    return Run(run.number, knowledge, run.state, run.at, run.epoch, run.given, run.disturbed, run.uncovered)


def owned(run: Run, epoch: int, database: Database) -> Run:
    """The run when it sees the database of which it took that epoch; at first, what no checkpoint covers."""
    if run.epoch != epoch:
        given = database.entry.highest_raw_id
        return Run(
            run.number, run.knowledge, run.state, run.at, epoch, given, run.disturbed, database.uncovered
        )
    if not run.uncovered:
        return run
    there = run.uncovered.intersection([row.raw_id for row in database.rows])
    return Run(run.number, run.knowledge, run.state, run.at, epoch, run.given, run.disturbed, there)


def written(run: Run, at: int, given: int) -> Run:
    """The run when it has flushed up to an item, and given raw ids up to that."""
    return Run(run.number, run.knowledge, run.state, at, run.epoch, given, run.disturbed, run.uncovered)


def claimed(database: Database, epoch: int) -> Database:
    """The same database once a claim was seen: whether it took more than one epoch is of no account."""
    if database.entry.epoch == epoch:
        return database
    return Database(database.final, database.temp, evolve(database.entry, epoch=epoch))


def counted(database: Database) -> Database:
    """The same database once a flush was seen: flushes are numbered from there."""
    if not database.entry.last_flush:
        return database
    return Database(database.final, database.temp, evolve(database.entry, last_flush=0))


def renumbered(world: World, run: Run) -> World:
    """The world with a new run in it, and the smallest raw ids and epochs: only their order matters, and so more worlds
    are equal.
    """
    database, ghost = _renumbered(world.database, world.ghost)
    return World(database, world.syncs, world.crashes, world.rivals, run, ghost, world.again)


@lru_cache(maxsize=REMEMBERED)
def _renumbered(database: Database, ghost: Run | None) -> tuple[Database, Run | None]:
    ids = _ids(database) | ({ghost.given} if ghost is not None else set())
    new = {old: number for number, old in enumerate(sorted(ids | {0}))}
    epoch = min(database.entry.epoch, 1)
    entry = _entry(database.entry, new, epoch)
    smallest = Database(_table(database.final, new), _table(database.temp, new), entry)
    if ghost is None:
        return smallest, None
    return smallest, evolve(ghost, given=new[ghost.given], epoch=epoch, uncovered=frozenset())


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
