"""What a platform asks for, one sync after another, and what the source sends. Values only.

A lineage is what a source sends from a reset of its state to the next. Its records are few and awkward: a key that
comes twice with the same cursor, again with a lower one, and is another by another primary key.
"""

from collections.abc import Iterator
from functools import cache

from attrs import evolve, field, frozen

from dataflow.catalog import Append, Dedupe, DestinationStream, Replace, Strategy
from dataflow.stream_tables import StreamTables
from dataflow.types import INTEGER, Column, Field, StreamName, TableName
from machines.loads import Load, Wish
from machines.operations import Recipe, recipe
from machines.verify.database import Record

STREAM = StreamName("shop", "users")
FINAL, TEMP = TableName("shop", "users"), TableName("shop", "users_temp")
COLUMNS = ("id", "other", "updated")
EVOLVED = (*COLUMNS, "added")
APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE

# A source's message: a record, or None where a STATE stands that covers all before it.
Item = Record | None


def _lineage(number: int, *rows: tuple[int, int, int] | None) -> tuple[Item, ...]:
    return tuple(None if row is None else Record(number, at + 1, *row) for at, row in enumerate(rows))


LINEAGES: tuple[tuple[Item, ...], ...] = (
    _lineage(0, (1, 7, 0), (4, 4, 0), None),
    _lineage(1, (1, 7, 1), None, (1, 8, 1), None),
    _lineage(2, (1, 7, 1), (1, 8, 1), (4, 9, 0)),
    _lineage(3, (1, 7, 1), None),
    _lineage(4, (1, 7, 0), None),
)
BEFORE, FIRST, LOADED, SECOND, THIRD = range(len(LINEAGES))


@frozen(eq=False, kw_only=True)
class Sync:
    """A sync as the platform asks for it: the catalog's stream, and the items of its lineage up to `until`.

    A `load` brings the items from `start` on, as files.
    """

    stream: DestinationStream
    tables: StreamTables
    recipe: Recipe
    lineage: int
    until: int
    load: Load | None = None
    start: int = 0
    # Read from the stream once: they are asked for by the million.
    strategy: Strategy = field(init=False)
    generation: int = field(init=False)

    @strategy.default
    def _its_strategy(self) -> Strategy:
        return self.stream.strategy

    @generation.default
    def _its_generation(self) -> int:
        return self.stream.generation_id

    @property
    def items(self) -> tuple[Item, ...]:
        """What the source sends when it starts at nothing."""
        return LINEAGES[self.lineage][: self.until]

    def records(self, start: int, end: int) -> tuple[Record, ...]:
        """The records among the items from `start` to `end`."""
        return _records(self, start, end)

    def covered(self, end: int) -> int:
        """The items that the last STATE among the first `end` covers, itself included; 0 when there is none."""
        return _covered(self, end)

    def __str__(self) -> str:
        if self.load is not None:
            ends = ", which is given up" if self.load.wish is Wish.GIVE_UP else ""
            return f"a load by {self.load.id}{ends}"
        columns = " with another column" if len(self.stream.fields) > len(COLUMNS) else ""
        by = " by another key" if self.recipe.primary_key == ("other",) else ""
        if self.stream.replaces_each_time:
            return f"an overwrite without generations{columns}"
        return f"{self.strategy} of generation {self.generation}{columns}{by}"


@cache
def _records(of: Sync, start: int, end: int) -> tuple[Record, ...]:
    return tuple(item for item in of.items[start:end] if item is not None)


@cache
def _covered(of: Sync, end: int) -> int:
    return max((at + 1 for at, item in enumerate(of.items[:end]) if item is None), default=0)


@cache
def sync(
    strategy: Strategy,
    generation: int,
    lineage: int,
    until: int | None = None,
    *,
    columns: tuple[str, ...] = COLUMNS,
    primary_key: str = "id",
) -> Sync:
    """A sync of that strategy, to the end of its lineage if it is not said to which item."""
    stream = DestinationStream(
        name=STREAM,
        fields=tuple(Field(name, INTEGER) for name in columns),
        import_type=Dedupe((primary_key,), "updated") if strategy.dedupes else Append(),
        generation_id=generation,
        minimum_generation_id=generation if strategy.truncates else 0,
    )
    return sync_of(stream, lineage, until)


@cache
def overwrite(lineage: int, until: int | None = None, *, columns: tuple[str, ...] = COLUMNS) -> Sync:
    """An overwrite of a client that counts no generations."""
    fields = tuple(Field(name, INTEGER) for name in columns)
    stream = DestinationStream(name=STREAM, fields=fields, import_type=Replace())
    return sync_of(stream, lineage, until)


def sync_of(
    stream: DestinationStream, lineage: int, until: int | None, *, load: Load | None = None, start: int = 0
) -> Sync:
    """A sync of that stream, to the end of its lineage if it is not said to which item."""
    columns = tuple(field.name for field in stream.fields)
    tables = StreamTables(
        stream=STREAM,
        final=FINAL,
        temp=TEMP,
        columns=tuple(Column(name, name, INTEGER) for name in columns),
    )
    return Sync(
        stream=stream,
        tables=tables,
        recipe=evolve(recipe(stream, tables), load=load.id if load is not None else None),
        lineage=lineage,
        until=len(LINEAGES[lineage]) if until is None else until,
        load=load,
        start=start,
    )


@frozen(eq=False)
class Scenario:
    """What may be asked for: in each place one of some syncs. The first `over` ended before the search begins.

    `leftover`: there is an empty temp table then, which the ledger does not know. `loads`: some of them are loads.
    `dropped`: somebody may drop the temp table of an open load.
    """

    name: str
    places: tuple[tuple[Sync, ...], ...]
    over: int = 1
    leftover: bool = False
    loads: bool = False
    dropped: bool = False


OVER = sync(APPEND, 1, BEFORE)


def scenarios() -> Iterator[Scenario]:
    """All strategies, and all changes from one to another that a platform can ask for."""
    for strategy in Strategy:
        yield Scenario(f"{strategy} into no table", ((sync(strategy, 2, FIRST),),), over=0)
        # The first ends before its source's last STATE: that record is sent again.
        first = sync(strategy, 2, FIRST, 3)
        yield Scenario(f"{strategy}, then another", ((OVER,), (first,), tuple(_changes(strategy))))
    anything = tuple(sync(strategy, 2, FIRST) for strategy in Strategy)
    yield Scenario("anything beside an empty temp table", ((OVER,), anything), leftover=True)
    yield Scenario("overwrite without generations into no table", ((overwrite(FIRST),),), over=0)
    replaced = (overwrite(FIRST), overwrite(SECOND), overwrite(SECOND, columns=EVOLVED))
    then = (*replaced, *(sync(strategy, 3, SECOND) for strategy in Strategy))
    yield Scenario("overwrite without generations, then another", ((OVER,), (overwrite(FIRST),), then))
    for strategy in Strategy:
        first = sync(strategy, 2, FIRST, 3)
        yield Scenario(
            f"{strategy}, then an overwrite without generations", ((OVER,), (first,), replaced[1:])
        )
    for strategy in (APPEND, DEDUP):
        cancelled = sync(APPEND_TRUNCATE, 3, SECOND), sync(DEDUP_TRUNCATE, 3, SECOND)
        yield Scenario(
            f"{strategy}, then a truncate, then that cancelled",
            ((OVER,), (sync(strategy, 2, FIRST, 2),), cancelled, (sync(strategy, 4, THIRD),)),
        )
    for strategy in (APPEND_TRUNCATE, DEDUP_TRUNCATE):
        then = sync(APPEND, 3, SECOND), sync(DEDUP, 3, SECOND)
        yield Scenario(
            f"{strategy}, then with another column, then cancelled",
            ((OVER,), (sync(strategy, 2, FIRST, 3),), (sync(strategy, 2, FIRST, columns=EVOLVED),), then),
        )
        nothing = sync(strategy, 2, FIRST, 0)
        yield Scenario(f"{strategy} of no records", ((OVER,), (nothing,), (sync(strategy, 3, SECOND),)))
    for strategy in Strategy:
        # The source has more when the sync is asked for again.
        first, more = sync(strategy, 2, FIRST, 2), sync(strategy, 2, FIRST)
        yield Scenario(f"{strategy}, then more of it", ((OVER,), (first,), (more,)))


def _changes(strategy: Strategy) -> Iterator[Sync]:
    """What can come after a sync of that strategy, whether that was completed or given up."""
    for then in Strategy:
        # A truncate begins with a reset of the source's state, and so with a new lineage.
        if then is not strategy and (strategy.truncates or not then.truncates):
            yield sync(then, 2, FIRST)
        yield sync(then, 3, SECOND)
    yield sync(strategy, 2, FIRST, columns=EVOLVED)
    if strategy.dedupes:
        yield sync(strategy, 2, FIRST, primary_key="other")
