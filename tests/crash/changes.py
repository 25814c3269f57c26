"""A source of changes with deletes, and what its destination must hold: the model of the campaign. Values only."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import define, field, frozen

from dataflow.catalog import Strategy
from dataflow.types import CDC_DELETED_AT
from tests.whole.messages import catalog, complete, record, state, stream

COLUMNS = {"id": "integer", "version": "integer", "filling": "string", CDC_DELETED_AT: "string"}
FILLING = "all work and no play " * 8
# How many keys there are, and after how many changes a STATE stands.
KEYS, STATE_EVERY = 300, 50
Row = tuple[int, int]


@frozen
class Sync:
    """One sync of the source: its changes are numbered, and each number is a version of its key."""

    strategy: Strategy
    generation: int
    versions: range

    @property
    def catalog(self) -> dict[str, Any]:
        """The configured catalog."""
        return catalog(
            stream(
                "users",
                COLUMNS,
                mode="append_dedup" if self.strategy.dedupes else "append",
                primary_key=["id"] if self.strategy.dedupes else (),
                cursor="version" if self.strategy.dedupes else None,
                generation=self.generation,
                minimum=self.generation if self.strategy.truncates else 0,
            )
        )

    def messages(self, told: int) -> list[bytes]:
        """What the source sends after the STATE of this version."""
        return list(self._messages(told))

    def _messages(self, told: int) -> Iterator[bytes]:
        for version in range(max(told + 1, self.versions.start), self.versions.stop):
            data = {"id": key_of(version), "version": version, "filling": FILLING}
            gone = {CDC_DELETED_AT: "2026-01-01T00:00:00Z"} if self.deletes(version) else {}
            yield record("users", data | gone)
            if version % STATE_EVERY == 0:
                yield state("users", version)
        yield complete("users")

    def deletes(self, version: int) -> bool:
        """Whether the change is that the key is gone. An append keeps it as a row like others."""
        return self.strategy.dedupes and version % 7 == 0


def key_of(version: int) -> int:
    """The key that this version is of."""
    return version * 7919 % KEYS


@define
class Table:
    """What the final table must hold: each row at least and at most so often."""

    least: Counter[Row] = field(factory=Counter)
    most: Counter[Row] = field(factory=Counter)

    def publish(self, sync: Sync, attempts: Iterable[int]) -> None:
        """A sync was completed. `attempts` are the STATEs after which its earlier runs began to send again."""
        kept = Counter[Row]() if sync.strategy.truncates else self.least
        most = Counter[Row]() if sync.strategy.truncates else self.most
        again = list(attempts)
        if sync.strategy.dedupes:
            latest = {key_of(version): version for version in sync.versions}
            self.least = Counter(row for row in kept if row[0] not in latest)
            self.least.update((key, version) for key, version in latest.items() if not sync.deletes(version))
            self.most = self.least
            return
        rows = [(key_of(version), version) for version in sync.versions]
        self.least = kept + Counter(rows)
        self.most = most + Counter({row: 1 + sum(told < row[1] for told in again) for row in rows})

    def wrong(self, found: Counter[Row]) -> dict[str, int]:
        """How many rows are lost, and how many are there too often."""
        counts = {"lost": (self.least - found).total(), "doubled": (found - self.most).total()}
        return {what: count for what, count in counts.items() if count}


def lost(sync: Sync, told: int, rows: Iterable[Row]) -> list[int]:
    """The acknowledged versions of an unfinished sync that are in no table, nor a later one of their key."""
    latest: dict[int, int] = {}
    for key, version in rows:
        latest[key] = max(version, latest.get(key, 0))
    acknowledged = range(sync.versions.start, told + 1)
    if not sync.strategy.dedupes:
        there = set(rows)
        return [version for version in acknowledged if (key_of(version), version) not in there]
    gone = {key_of(version): version for version in sync.versions if sync.deletes(version)}
    return [
        version
        for version in acknowledged
        if max(latest.get(key_of(version), 0), gone.get(key_of(version), 0)) < version
    ]


def syncs(chance: random.Random) -> Iterator[Sync]:
    """Syncs of one table without end: by key, or appended."""
    family = chance.choice(
        [(Strategy.APPEND, Strategy.APPEND_TRUNCATE), (Strategy.DEDUP, Strategy.DEDUP_TRUNCATE)]
    )
    generation, begin = 1, 1
    while True:
        strategy = chance.choice(family)
        generation += strategy.truncates
        end = begin + chance.randrange(300, 2500)
        yield Sync(strategy, generation, range(begin, end))
        # The next begins after a STATE that covers all of these.
        begin = end + STATE_EVERY
