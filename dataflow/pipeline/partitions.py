"""States that describe themselves: they name the partitions whose records they cover, and their place in the order.

They may come before their records, and out of order. This holds them until their records were read and it is
their turn; from then on they are states like any other. Pure; it decides nothing about durability.

Both they and the counts of partitions are held on the budget. A partition is forgotten with the state that names it.
"""

from collections import Counter
from collections.abc import Mapping

from attrs import define, field, frozen

from dataflow.budget import Budget, Holder
from dataflow.errors import InternalError
from dataflow.protocol import OBJECT_BYTES, Partition, PartitionTally, Scope, State
from dataflow.types import StreamName

NOTHING = PartitionTally(records=0, size=0)


@frozen(kw_only=True)
class Tally:
    """What a state covers by its own word: its own records, and records and bytes of its scope up to it."""

    count: int
    records: int
    size: int


@define
class Partitions:
    """The states that wait for their records or their turn, and what was read of each partition."""

    _budget: Budget
    _waiting: dict[Scope, dict[int, State]] = field(factory=dict)
    _turn: Counter[Scope] = field(factory=Counter)
    # By partition, what was read of it of each stream.
    _read: dict[str, dict[StreamName, PartitionTally]] = field(factory=dict)
    _counted: dict[Scope, Tally] = field(factory=dict)
    # The scopes of which a state may have become ready.
    _stirred: dict[Scope, None] = field(factory=dict)
    # How many came after their turn.
    _late: int = 0

    def arrived(self, state: State) -> None:
        """A state that describes itself has come.

        Raises InternalError where such states wait, and take more than may be held.
        """
        scope, number = state.stream, state.id or 0
        if number <= self._turn[scope]:
            self._late += 1
            return
        waiting = self._waiting.setdefault(scope, {})
        if (before := waiting.get(number)) is not None:
            self._budget.free(Holder.PARTITIONS, before.held)
        waiting[number] = state
        self._hold(state.held)
        self._stirred[scope] = None

    def read(self, stream: StreamName, partitions: Mapping[str, PartitionTally]) -> None:
        """Records that name their partitions were read.

        Raises InternalError when the partitions that wait for their state take more memory than is allowed.
        """
        for name, tally in partitions.items():
            of_all = self._read.setdefault(name, {})
            if stream not in of_all:
                self._hold(_taken(name))
            before = of_all.get(stream, NOTHING)
            of_all[stream] = PartitionTally(
                records=before.records + tally.records, size=before.size + tally.size
            )
        self._stirred |= {stream: None, None: None}

    def ready(self) -> list[tuple[State, Tally]]:
        """Those whose records were all read and whose turn it is, in order; each is given once."""
        found: list[tuple[State, Tally]] = []
        for scope in self._stirred:
            waiting = self._waiting.get(scope, {})
            while (state := waiting.get(self._turn[scope] + 1)) is not None and self._has_its_records(state):
                self._turn[scope] += 1
                found.append((waiting.pop(self._turn[scope]), self._tally(scope, state)))
                self._forget(state)
        self._stirred.clear()
        return found

    def waiting(self) -> int:
        """How many wait, and may do so for ever."""
        return sum(map(len, self._waiting.values())) + self._late

    def _has_its_records(self, state: State) -> bool:
        return sum(tally.records for tally in self._named(state)) >= (state.source_count or 0)

    def _tally(self, scope: Scope, state: State) -> Tally:
        before = self._counted.get(scope, Tally(count=0, records=0, size=0))
        count = sum(tally.records for tally in self._named(state))
        size = sum(tally.size for tally in self._named(state))
        self._counted[scope] = Tally(count=count, records=before.records + count, size=before.size + size)
        return self._counted[scope]

    def _named(self, state: State) -> list[PartitionTally]:
        return [tally for partition in state.partitions for tally in self._of(partition).values()]

    def _of(self, partition: Partition) -> Mapping[StreamName, PartitionTally]:
        """What was read of a partition, by stream; of a partition of no stream it is what any had of it."""
        stream, name = partition
        of_all = self._read.get(name, {})
        if stream is None:
            return of_all
        return {stream: of_all[stream]} if stream in of_all else {}

    def _forget(self, state: State) -> None:
        """A state has its records: what is known of its partitions is of no use any more."""
        freed = state.held
        for stream, name in state.partitions:
            of_all = self._read.get(name, {})
            for each in list(of_all) if stream is None else [stream]:
                if of_all.pop(each, None) is not None:
                    freed += _taken(name)
            if not of_all:
                self._read.pop(name, None)
        self._budget.free(Holder.PARTITIONS, freed)

    def _hold(self, size: int) -> None:
        self._budget.hold(Holder.PARTITIONS, size)
        if self._budget.held(Holder.PARTITIONS) >= self._budget.most:
            raise InternalError(
                f"{self.waiting()} STATEs wait for records of the partitions that they name, and records of "
                f"{len(self._read)} partitions wait for their STATE. Together they need more memory than is allowed.",
                doing="reading the input",
                remedy="The source must send a STATE near the records of its partitions. Report this to its author.",
            )


def _taken(name: str) -> int:
    return 2 * OBJECT_BYTES + len(name)
