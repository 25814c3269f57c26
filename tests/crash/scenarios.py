"""Syncs to be killed, and what earlier ones left for them. Values only.

A record is known by its version, which is also its place in the source; its key comes again every `KEYS` versions.
A STATE stands after every `STATE_EVERY` of them, and names the version before it.
"""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from connectors.engine.sync.faults import FLUSH
from dataflow.catalog import Strategy
from machines.operations import StreamOperation as O
from tests.whole.messages import catalog, complete, record, state, stream

COLUMNS = {"id": "integer", "version": "integer"}
KEYS = 30
STATE_EVERY = 10
APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE
PUBLISH: Mapping[Strategy, str] = {
    DEDUP: O.MERGE,
    APPEND_TRUNCATE: O.SWAP,
    DEDUP_TRUNCATE: O.DEDUPE_AND_SWAP,
}


@frozen
class Stint:
    """A run of a sync: what the source sends, whether it says COMPLETE, and at what the run fails by request."""

    strategy: Strategy
    generation: int
    versions: range
    complete: bool = True
    fault: str | None = None

    @property
    def catalog(self) -> dict[str, Any]:
        """The configured catalog."""
        dedupes = self.strategy.dedupes
        return catalog(
            stream(
                "users",
                COLUMNS,
                mode="append_dedup" if dedupes else "append",
                primary_key=["id"] if dedupes else (),
                cursor="version" if dedupes else None,
                generation=self.generation,
                minimum=self.generation if self.strategy.truncates else 0,
            )
        )

    def messages(self) -> list[bytes]:
        """What the source sends."""
        lines = []
        for version in self.versions:
            lines.append(record("users", {"id": version % KEYS, "version": version}))
            if version % STATE_EVERY == 0:
                lines.append(state("users", version))
        return [*lines, complete("users")] if self.complete else lines

    @property
    def last_version(self) -> int:
        """The last STATE that it emits when all that it sends is durable; what was emitted before, if it sends none."""
        last = (self.versions.stop - 1) // STATE_EVERY * STATE_EVERY
        return max(last, self.versions.start - 1)


@frozen(kw_only=True)
class Scenario:
    """Earlier runs, then a sync that is killed at `points`. Its first run's input ends at `cut`, if that is given."""

    name: str
    earlier: tuple[Stint, ...]
    sync: Stint
    points: tuple[str, ...]
    cut: int | None = field(default=None)

    @property
    def strategy(self) -> Strategy:
        """The strategy of the sync."""
        return self.sync.strategy

    def __str__(self) -> str:
        return f"{self.strategy} {self.name}"


# What everything begins with: a table of unique keys that none of the later versions has.
OLD = Stint(APPEND, 0, range(1, 21))
# Ends between two STATEs: a retry after everything was published has something to send.
NEW = range(101, 156)
# A part of it, cut off between two STATEs, and what is sent after that.
PART, REST = range(101, 126), range(121, 156)


def _fresh(strategy: Strategy) -> Scenario:
    opens = O.OPEN_FINAL if strategy is APPEND else O.OPEN_TEMP
    publish = (PUBLISH[strategy],) if strategy in PUBLISH else ()
    return Scenario(
        name="begins",
        earlier=(OLD,),
        sync=Stint(strategy, 2, NEW),
        points=(O.CLAIM, O.INSPECT, opens, f"{FLUSH}#3", *publish),
    )


def _resuming(strategy: Strategy) -> Scenario:
    """The same sync was cut off: temp holds acknowledged rows and others."""
    return Scenario(
        name="is resumed",
        earlier=(OLD, Stint(strategy, 2, PART, complete=False)),
        sync=Stint(strategy, 2, REST),
        points=(O.RESUME_TEMP, FLUSH, PUBLISH[strategy]),
    )


def _settling(strategy: Strategy) -> Scenario:
    """A temp table of another kind holds acknowledged rows: an incremental sync's, or a cancelled truncate's."""
    if strategy is APPEND:
        earlier, sync = Stint(DEDUP, 1, PART, complete=False), Stint(APPEND, 1, REST)
    elif strategy is DEDUP:
        earlier, sync = Stint(APPEND_TRUNCATE, 2, PART, complete=False), Stint(DEDUP, 2, REST)
    else:
        earlier, sync = Stint(DEDUP, 1, range(51, 76), complete=False), Stint(strategy, 2, NEW)
    return Scenario(name="settles another", earlier=(OLD, earlier), sync=sync, points=(O.SETTLE,))


def _discarding(strategy: Strategy) -> Scenario:
    """A temp table that may go: a truncate's of a generation before, or an empty one."""
    if strategy.truncates:
        earlier = Stint(strategy, 1, range(51, 76), complete=False)
    else:
        earlier = Stint(DEDUP, 1, NEW, fault=f"before:{FLUSH}=kill")
    return Scenario(
        name="discards another", earlier=(OLD, earlier), sync=Stint(strategy, 2, NEW), points=(O.DISCARD,)
    )


def _published_before(strategy: Strategy) -> Scenario:
    """The same truncate was published, and its end was never reported."""
    dedupes = strategy is DEDUP_TRUNCATE
    return Scenario(
        name="was published before",
        earlier=(OLD, Stint(strategy, 2, NEW, fault=f"after:{PUBLISH[strategy]}=kill")),
        sync=Stint(strategy, 2, range(151, 156)),
        points=(O.OPEN_TEMP, FLUSH, O.MERGE) if dedupes else (O.OPEN_FINAL, FLUSH),
    )


def _cut_off(strategy: Strategy) -> Scenario:
    """The input ends too soon: what is in temp is kept."""
    return Scenario(
        name="is cut off",
        earlier=(OLD,),
        sync=Stint(strategy, 2, NEW),
        cut=PART.stop,
        points=(O.ABANDON,),
    )


def _cut_off_at_once(strategy: Strategy) -> Scenario:
    """The input ends before there was any: an empty temp is dropped."""
    return Scenario(
        name="is cut off at once",
        earlier=(OLD,),
        sync=Stint(strategy, 2, NEW),
        cut=NEW.start,
        points=(O.ABANDON,) if strategy is APPEND else (O.ABANDON, O.DISCARD),
    )


def _begun_to_publish(strategy: Strategy) -> Scenario:
    """The run before decided to publish, and died in the next of the commits that a publication then takes."""
    return Scenario(
        name="was begun to be published",
        earlier=(OLD, Stint(strategy, 2, NEW, fault=f"during:{PUBLISH[strategy]}#2=kill")),
        sync=Stint(strategy, 2, range(151, 156)),
        points=(O.COMPLETE,),
    )


def _of(strategy: Strategy) -> tuple[Scenario, ...]:
    made = [_fresh, _settling, _discarding, _cut_off, _cut_off_at_once]
    if strategy is not APPEND:
        made.append(_resuming)
    if strategy.truncates:
        made.append(_published_before)
    return tuple(make(strategy) for make in made)


SCENARIOS: tuple[Scenario, ...] = tuple(scenario for strategy in Strategy for scenario in _of(strategy))

# A publication may be several commits, which the next sync completes.
COMPLETING: tuple[Scenario, ...] = tuple(_begun_to_publish(strategy) for strategy in PUBLISH)
