"""Which catalogs may come, one sync after another: streams and fields whose names are alike. Values only."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, combinations, product

from attrs import frozen

from dataflow.catalog import Append, Dedupe, DestinationStream, Strategy
from dataflow.names import NamingRules, temp_name
from dataflow.types import STRING, Field, StreamName

# As PostgreSQL takes names, and as DuckDB and SQLite do.
PLAIN = NamingRules(max_bytes=63, plain=True, ignore_case=False)
CASELESS = NamingRules(max_bytes=1024, plain=False, ignore_case=True)
KEY = "id"
# Runs before the last, which selects everything; what befalls them; and runs that begin beside another.
SYNCS, CRASHES, RIVALS = 2, 1, 1


@frozen(cache_hash=True, order=True)
class Selected:
    """A stream as a catalog selects it: with these fields. The first is its primary key."""

    stream: StreamName
    fields: tuple[str, ...] = (KEY,)

    def __str__(self) -> str:
        others = [field for field in self.fields if field != KEY]
        return f"{self.stream} ({', '.join(others)})" if others else str(self.stream)


Selection = tuple[Selected, ...]


@frozen(kw_only=True)
class Scenario:
    """Streams that are written by one strategy, and what a sync may select of them. `everything` is selected last.

    `syncs`: how many runs there may be before that last one, `crashes` and `rivals` what may befall them.
    `earlier`: the first run is one of an earlier version, which gives temp tables other names.
    """

    kind: str
    rules: NamingRules
    strategy: Strategy
    choices: tuple[Selection, ...]
    everything: Selection
    syncs: int
    crashes: int
    rivals: int = 0
    earlier: bool = False

    @property
    def name(self) -> str:
        """The strategy and the kind of twins."""
        return f"{self.strategy}, {self.kind}"


@cache
def stream(selected: Selected, strategy: Strategy, generation: int) -> DestinationStream:
    """A stream as the catalog of a sync has it."""
    return DestinationStream(
        name=selected.stream,
        fields=tuple(Field(name, STRING) for name in selected.fields),
        import_type=Dedupe((selected.fields[0],), None) if strategy.dedupes else Append(),
        generation_id=generation,
        minimum_generation_id=generation if strategy.truncates else 0,
    )


def scenarios(syncs: int = SYNCS, crashes: int = CRASHES, rivals: int = RIVALS) -> Iterator[Scenario]:
    """All kinds of twins by all strategies; and, if rivals may come, two runs that named before either had claimed."""
    for strategy, (kind, rules, everything) in product(Strategy, _twin_streams()):
        # Three streams side by side take long.
        many = len(everything) > len(("one", "twin"))
        yield Scenario(
            kind=kind,
            rules=rules,
            strategy=strategy,
            choices=tuple(_subsets(everything)),
            everything=everything,
            syncs=min(syncs, 1) if many else syncs,
            crashes=min(crashes, 1) if many else crashes,
        )
    for strategy in (Strategy.DEDUP, Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE):
        # Only these have temp tables.
        everything = _streams("orders")
        yield Scenario(
            kind="begun by an earlier version",
            rules=PLAIN,
            strategy=strategy,
            choices=(everything,),
            everything=everything,
            syncs=syncs,
            crashes=crashes,
            earlier=True,
        )
    for strategy, (kind, rules, choices) in product(Strategy, _twin_fields()):
        yield Scenario(
            kind=kind,
            rules=rules,
            strategy=strategy,
            choices=choices,
            everything=choices[-1],
            syncs=syncs,
            crashes=crashes,
        )
    for strategy, (kind, rules, choices) in product(Strategy, _rivals()) if rivals else ():
        yield Scenario(
            kind=f"two runs at once, {kind}",
            rules=rules,
            strategy=strategy,
            choices=choices,
            everything=choices[-1],
            syncs=2,
            crashes=0,
            rivals=1,
        )


def _twin_streams() -> Iterator[tuple[str, NamingRules, Selection]]:
    yield "two twins", PLAIN, _streams("my-orders", "my_orders")
    yield "two twins but for case", CASELESS, _streams("Orders", "orders")
    yield "two namespaces alike", PLAIN, (_in("kit-shop"), _in("kit_shop"))
    yield "three twins", PLAIN, _streams("my-orders", "my orders", "my_orders")
    temp = temp_name(StreamName(None, "orders"), PLAIN)
    yield "one named like another's temp table", PLAIN, _streams("orders", temp)


def _twin_fields() -> Iterator[tuple[str, NamingRules, tuple[Selection, ...]]]:
    yield "two twin fields", PLAIN, _fields((KEY,), ("item-name", "item_name"))
    yield "two twin fields but for case", CASELESS, _fields((KEY,), ("Name", "name"))
    yield "a twin of the key", PLAIN, _fields(("user-id",), ("user_id",))
    yield "three twin fields", PLAIN, _fields((KEY,), ("item-name", "item name", "item_name"))


def _rivals() -> Iterator[tuple[str, NamingRules, tuple[Selection, ...]]]:
    for (what, rules, everything), _ in zip(_twin_streams(), range(2), strict=False):
        yield what, rules, tuple(_subsets(everything))
    for (what, rules, choices), _ in zip(_twin_fields(), range(2), strict=False):
        yield what, rules, choices


def _streams(*names: str) -> Selection:
    return tuple(Selected(StreamName(None, name)) for name in names)


def _in(namespace: str) -> Selected:
    return Selected(StreamName(namespace, "orders"))


def _fields(always: Sequence[str], twins: Sequence[str]) -> tuple[Selection, ...]:
    """One stream, with any of the fields."""
    stream = StreamName(None, "orders")
    chosen = chain.from_iterable(combinations(twins, number) for number in range(len(twins) + 1))
    return tuple((Selected(stream, (*always, *each)),) for each in chosen)


def _subsets(of: Iterable[Selected]) -> Iterator[Selection]:
    everything = tuple(of)
    return chain.from_iterable(combinations(everything, number) for number in range(1, len(everything) + 1))
