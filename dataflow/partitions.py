"""States that describe themselves: they name the partitions whose records they cover, and their place in the order.

They may come before their records, and out of order. This holds them until their records were read and it is
their turn; from then on they are states like any other. Pure; it decides nothing about durability.
"""

from collections import Counter
from collections.abc import Mapping

from attrs import define, field, frozen

from dataflow.protocol import Partition, PartitionTally, State, StateKind
from dataflow.types import StreamName

Scope = StreamName | None


@frozen(kw_only=True)
class Tally:
    """What a state covers by its own word: its own records, and records and bytes of its scope up to it."""

    count: int
    records: int
    size: int


@define
class Partitions:
    """The states that wait for their records or their turn, and what was read of each partition."""

    _waiting: dict[Scope, dict[int, State]] = field(factory=dict)
    _turn: Counter[Scope] = field(factory=Counter)
    _records: Counter[Partition] = field(factory=Counter)
    _bytes: Counter[Partition] = field(factory=Counter)
    _told: dict[Scope, Tally] = field(factory=dict)

    def arrived(self, state: State) -> None:
        """A state that describes itself has come."""
        scope = state.stream if state.kind is StateKind.STREAM else None
        self._waiting.setdefault(scope, {})[state.id or 0] = state

    def read(self, stream: StreamName, partitions: Mapping[str, PartitionTally]) -> None:
        """Records that name their partitions were read."""
        for name, tally in partitions.items():
            for partition in ((stream, name), (None, name)):
                self._records[partition] += tally.records
                self._bytes[partition] += tally.size

    def ready(self) -> list[tuple[State, Tally]]:
        """Those whose records were all read and whose turn it is, in order; each is given once."""
        found: list[tuple[State, Tally]] = []
        for scope, waiting in self._waiting.items():
            while (state := waiting.get(self._turn[scope] + 1)) is not None and self._has_its_records(state):
                self._turn[scope] += 1
                found.append((waiting.pop(self._turn[scope]), self._tally(scope, state)))
        return found

    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting.values()))

    def _has_its_records(self, state: State) -> bool:
        return sum(self._records[partition] for partition in state.partitions) >= (state.source_count or 0)

    def _tally(self, scope: Scope, state: State) -> Tally:
        before = self._told.get(scope, Tally(count=0, records=0, size=0))
        count = sum(self._records[partition] for partition in state.partitions)
        size = sum(self._bytes[partition] for partition in state.partitions)
        self._told[scope] = Tally(count=count, records=before.records + count, size=before.size + size)
        return self._told[scope]
