"""A moment of a history: the database, the runs, what the platform knows. Values; nothing happens here."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import attrs
from attrs import frozen

from machines.flushes import FlushRow
from machines.verify.database import Database, Entry, Record, Row, Table
from machines.verify.decisions import Knowledge
from machines.verify.requests import Flush
from machines.verify.scenarios import Sync
from machines.verify.statements import Statement
from machines.verify.values import Interned, evolve

# For a run that has not claimed yet: no entry has this epoch.
UNCLAIMED = -1
# A world's two places for runs: the one that the platform hears, and one that has fallen silent. One that is heard, and
# that nothing can befall any more, is quiet.
RUN, QUIET, GHOST = "run", "quiet", "ghost"
# The number of answers that are remembered at once.
REMEMBERED = 1 << 16


@frozen(eq=False)
class Flight(metaclass=Interned):
    """A flush that was handed out and not answered yet: its number, its items, the raw id that its rows follow, and how
    many of its commits are done.
    """

    number: int
    start: int
    until: int
    given: int
    done: int = 0


@frozen(eq=False)
class Run(metaclass=Interned):
    """One process: where its machine is, and how far it came.

    `at`: the item up to which it handed out flushes; `given`: the highest raw id it gave. `disturbed`: something befell
    it that may make it fail. `uncovered`: raw ids in temp that no checkpoint covered when it looked; the source sends
    these records again, and the rows must go. `done`: how many commits of its operation are done. `flights` are the
    flushes that are not answered, in their order.
    """

    number: int
    knowledge: Knowledge
    state: str
    at: int
    epoch: int = UNCLAIMED
    given: int = 0
    disturbed: bool = False
    uncovered: frozenset[int] = frozenset()
    done: int = 0
    flights: tuple[Flight, ...] = ()


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


def moved(run: Run, state: str) -> Run:
    """The run when its machine has gone on. After writing it is of no account how far it came."""
    if run.state == "writing" and state != "writing":
        return Run(run.number, run.knowledge, state, 0, run.epoch, 0, run.disturbed, frozenset(), 0, ())
    return evolve(run, state=state, done=0)


def struck(run: Run) -> Run:
    """The run when something befell it that may make it fail."""
    return run if run.disturbed else evolve(run, disturbed=True)


def owned(run: Run, database: Database) -> Run:
    """The run when it sees the database that it owns: which of the rows are there that no checkpoint covered."""
    if not run.uncovered:
        return run
    there = run.uncovered.intersection([row.raw_id for row in database.rows])
    return run if there == run.uncovered else evolve(run, uncovered=there)


def handed(run: Run, flight: Flight) -> Run:
    """The run when it has handed out one more flush."""
    given = flight.given + len(run.knowledge.sync.records(flight.start, flight.until))
    return evolve(run, at=flight.until, given=given, flights=(*run.flights, flight))


def flown(run: Run, flight: Flight, done: int | None) -> Run:
    """The run when `done` commits of a flush are done; None when all of it is answered."""
    rest = () if done is None else (Flight(flight.number, flight.start, flight.until, flight.given, done),)
    at = run.flights.index(flight)
    return evolve(run, flights=(*run.flights[:at], *rest, *run.flights[at + 1 :]))


def renumbered(world: World, run: Run) -> World:
    """The world with a new run in it, and the smallest raw ids and epochs: only their order matters, and so more worlds
    are equal.
    """
    database, ghost = _renumbered(world.database, world.ghost)
    return World(database, world.syncs, world.crashes, world.rivals, run, ghost, world.again)


@lru_cache(maxsize=REMEMBERED)
def _renumbered(database: Database, ghost: Run | None) -> tuple[Database, Run | None]:
    ids = _ids(database) | (_ids_of(ghost, database.entry.highest_raw_id) if ghost is not None else set())
    new = {old: number for number, old in enumerate(sorted(ids | {0}))}
    epoch = min(database.entry.epoch, 1)
    own = database.entry.epoch
    smallest = evolve(
        database,
        final=_table(database.final, new),
        temp=_table(database.temp, new),
        entry=_entry(database.entry, new, epoch),
        flushes=tuple(_flush_row(row, new, epoch, database.entry.epoch) for row in database.flushes),
        at_work=tuple(_statement(late, new, int(late.epoch == own)) for late in database.at_work),
        shards=tuple(evolve(shard, raw_id=new[shard.raw_id]) for shard in database.shards),
    )
    if ghost is None:
        return smallest, None
    flights = tuple(evolve(each, given=new[each.given]) for each in ghost.flights)
    return smallest, evolve(
        ghost, given=new[ghost.given], epoch=epoch, uncovered=frozenset(), flights=flights
    )


def _ids(database: Database) -> set[int]:
    entry = database.entry
    found = {row.raw_id for row in database.rows} | {entry.highest_raw_id, entry.checkpoint or 0}
    found |= {shard.raw_id for shard in database.shards}
    for row in database.flushes:
        found |= {row.highest_raw_id or 0, row.checkpoint or 0}
    for late in database.at_work:
        found.add(late.cut)
        if late.flush is not None:
            found |= _ids_in(late.flush)
    return found


def _ids_in(flush: Flush) -> set[int]:
    return {row.raw_id for row in flush.rows} | {flush.checkpoint or 0, flush.highest_raw_id, flush.reserves}


def _ids_of(ghost: Run, highest: int) -> set[int]:
    """The raw ids that a ghost gave and has not written, or may give: as many as the ledger keeps for it."""
    first = min([ghost.given, *(each.given for each in ghost.flights)])
    last = ghost.given + len(ghost.knowledge.sync.records(ghost.at, ghost.knowledge.sync.until))
    return {first, ghost.given, *(id_ for id_ in range(first, last + 1) if id_ <= max(highest, ghost.given))}


def _flush_row(row: FlushRow[int], new: Mapping[int, int], epoch: int, own: int) -> FlushRow[int]:
    return attrs.evolve(
        row,
        epoch=epoch if row.epoch == own else -1,
        checkpoint=None if row.checkpoint is None else new[row.checkpoint],
        highest_raw_id=None if row.highest_raw_id is None else new[row.highest_raw_id],
    )


def _statement(late: Statement, new: Mapping[int, int], epoch: int) -> Statement:
    flush, request = late.flush, late.request
    if flush is not None:
        flush = evolve(
            flush,
            rows=tuple(Row(new[row.raw_id], row.record) for row in flush.rows),
            checkpoint=None if flush.checkpoint is None else new[flush.checkpoint],
            highest_raw_id=new[flush.highest_raw_id],
            reserves=new[flush.reserves],
        )
    if request is not None:
        request = evolve(request, epoch=epoch, flush=flush)
    return evolve(late, epoch=epoch, request=request, cut=new[late.cut])


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
