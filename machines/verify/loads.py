"""Loads in the search: what is loaded, as which process plans it, and the shards that workers make durable. Judges
nothing.

The files of a load are items of one lineage, each a shard of one record. Workers know nothing but the ledger: a shard
may land at any moment at which the ledger lets it, and a worker that is killed is a shard that does not land.
"""

from collections.abc import Iterator
from functools import cache
from itertools import chain

from dataflow.catalog import Append, Dedupe, DestinationStream, Replace, Strategy
from dataflow.types import INTEGER, Field
from machines.loads import Load, Wish
from machines.parts import Atomic
from machines.verify.database import Database, Row, Shard, Table, in_order
from machines.verify.rules import Kind, Rule
from machines.verify.scenarios import (
    COLUMNS,
    FIRST,
    LINEAGES,
    LOADED,
    OVER,
    SECOND,
    STREAM,
    Scenario,
    Sync,
    scenarios,
    sync,
    sync_of,
)
from machines.verify.shards import file_of, opened
from machines.verify.values import evolve

# One commit must hold a shard's rows and its row in the ledger.
LOADING = (Atomic.EVERYTHING, Atomic.ROWS)
NAME = "files"
APPEND, DEDUP, REPLACE = Strategy.APPEND, Strategy.DEDUP, Strategy.APPEND_TRUNCATE
SOME, MORE = 2, 3


@cache
def load(strategy: Strategy, until: int = SOME, *, start: int = 0, wish: Wish = Wish.LOAD) -> Sync:
    """A load of the files up to an item. Those before `start` are known already, and are left out."""
    name = f"{strategy} of files {start + 1} to {until}"
    wanted = Load(
        id=name,
        name=NAME,
        files=tuple(file_of(item, name) for item in range(start, until)),
        specs=tuple(str(item) for item in range(start, until)),
        replaces=strategy.truncates,
        wish=wish,
    )
    return sync_of(_stream(strategy), LOADED, until, load=wanted, start=start)


def _stream(strategy: Strategy) -> DestinationStream:
    imports = (
        Replace() if strategy.truncates else Dedupe(("id",), "updated") if strategy.dedupes else Append()
    )
    fields = tuple(Field(name, INTEGER) for name in COLUMNS)
    return DestinationStream(name=STREAM, fields=fields, import_type=imports)


def planned(wanted: Sync, database: Database) -> Sync:
    """The load as a process plans it that looks at the ledger now: without the files that are known."""
    known = 0 if wanted.strategy.truncates else len(database.files)
    return load(wanted.strategy, wanted.until, start=min(known, wanted.until))


def given_up(of: Sync) -> Sync:
    """The same load, by a process that drops what it loaded."""
    if of.load is None:
        raise TypeError("a sync is not given up")
    return load(of.strategy, of.until, start=of.start, wish=Wish.GIVE_UP)


def record_of(shard: Shard) -> Row:
    """The row that a shard brings."""
    record = LINEAGES[LOADED][shard.item]
    if record is None:
        raise TypeError("files hold no STATE")
    return Row(shard.raw_id, record)


class Workers:
    """The processes that write shards, of whichever load, on a kind of database."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._known: dict[tuple[Database, tuple[Sync, ...]], tuple[tuple[str, Database], ...]] = {}

    def land(self, database: Database, asked_for: tuple[Sync, ...]) -> tuple[tuple[str, Database], ...]:
        """Each shard that may land now, and the database after it."""
        if not database.shards and self._kind.keeps(Rule.LOOK_AT_THE_LOAD):
            return ()
        asked = database, asked_for
        known = self._known.get(asked)
        if known is None:
            known = self._known[asked] = tuple(self._land(*asked))
        return known

    def _land(self, database: Database, asked_for: tuple[Sync, ...]) -> Iterator[tuple[str, Database]]:
        if database.temp is None:
            return
        if not self._kind.keeps(Rule.LOOK_AT_THE_LOAD):
            yield from _unasked(database, database.temp, asked_for)
        at = opened(database)
        for shard in database.shards:
            if shard.done or at != shard.load:
                continue
            label, with_rows = _label(shard.item), _written(database, database.temp, record_of(shard))
            done = tuple(evolve(each, done=True) if each is shard else each for each in database.shards)
            if self._kind.keeps(Rule.ROWS_WITH_THEIR_SHARD):
                yield label, evolve(with_rows, shards=done)
            else:
                yield f"{label}, and not that it is there", with_rows
                yield f"{label}, and that it is there", evolve(with_rows, shards=done)


def _unasked(database: Database, temp: Table, asked_for: tuple[Sync, ...]) -> Iterator[tuple[str, Database]]:
    """What workers write that go by a plan, and not by the ledger."""
    wanted = {item for sync in asked_for if sync.load is not None for item in range(sync.until)}
    there = {row.record for row in temp.rows}
    for item in sorted(wanted.difference(shard.item for shard in database.shards)):
        row = record_of(Shard("", item, database.entry.highest_raw_id))
        if row.record not in there:
            yield f"{_label(item)}, which the ledger does not know", _written(database, temp, row)


def _label(item: int) -> str:
    return f"a worker writes the shard of file {item + 1}"


def _written(database: Database, temp: Table, row: Row) -> Database:
    return evolve(database, temp=Table(temp.columns, in_order((*temp.rows, row))))


def loads() -> Iterator[Scenario]:
    """Loads of each strategy, with what may come before and after them."""
    for strategy in (APPEND, DEDUP, REPLACE):
        yield Scenario(f"a load by {strategy} where no table is", ((load(strategy),),), over=0, loads=True)
        later = tuple(sync(each, 3, SECOND) for each in Strategy)
        yield Scenario(f"a load by {strategy}, then a sync", ((OVER,), (load(strategy),), later), loads=True)
        more = tuple(load(each, MORE) for each in (APPEND, DEDUP, REPLACE))
        yield Scenario(
            f"a load by {strategy}, then more files", ((OVER,), (load(strategy),), more), loads=True
        )
        first = tuple(sync(each, 2, FIRST, 3) for each in (DEDUP, Strategy.DEDUP_TRUNCATE))
        yield Scenario(f"a sync, then a load by {strategy}", ((OVER,), first, (load(strategy),)), loads=True)

    yield Scenario(
        "a load whose temp table somebody drops", ((OVER,), (load(DEDUP),)), loads=True, dropped=True
    )


def all_scenarios() -> Iterator[Scenario]:
    """Those of syncs, and those of loads."""
    return chain(scenarios(), loads())


def scenarios_of(kind: Kind) -> Iterator[Scenario]:
    """What is searched on such a database: loads need one commit for rows and the ledger."""
    return (each for each in all_scenarios() if not each.loads or kind.atomic in LOADING)
