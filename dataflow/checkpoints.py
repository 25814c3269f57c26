"""Which STATE may be told to the platform, and in which order. Pure: it is told what is durable, and answers.

A STATE may be told when, for every stream it covers, all records that came before it are durable and so is
the checkpoint that says so. Within its scope (a stream, or all of them) none is told before its predecessor.
"""

import sys
from collections import deque
from collections.abc import Collection, Mapping

from attrs import define, field, frozen

from dataflow.errors import InternalError
from dataflow.partitions import Tally
from dataflow.protocol import State, StateKind
from dataflow.types import StreamName


@frozen(kw_only=True)
class Checkpoint:
    """A STATE and what it covers: per stream, how many of its records came before."""

    state: State
    positions: Mapping[StreamName, int]
    # Records since the state before it in its scope: what the source's own count should say.
    count: int
    # Records and bytes of all that it covers, since the start of the sync.
    records: int
    size: int


# The position of a STATE that covers discarded records, and of one that waits for the stream to be published.
_NEVER = sys.maxsize
_PUBLISHED = _NEVER - 1

# A STREAM state's scope is its stream; the others share one.
Scope = StreamName | None


@define
class Checkpoints:
    """The states that came and were not told yet."""

    _queues: dict[Scope, deque[Checkpoint]] = field(factory=dict)
    _durable: dict[StreamName, int] = field(factory=dict)
    _last: dict[Scope, Mapping[StreamName, int]] = field(factory=dict)
    _broken: set[StreamName] = field(factory=set)

    def arrived(
        self,
        state: State,
        positions: Mapping[StreamName, int],
        size: int = 0,
        covered: Tally | None = None,
        published_first: Collection[StreamName] = (),
    ) -> Checkpoint:
        """A STATE stands here; `positions` counts the records read of each stream it covers, `size` their bytes.

        `covered` is what it covers by its own word, where that is not all that was read (see `partitions`). It is
        not told before the streams that must be `published_first` are.

        Raises InternalError when STREAM and other states are mixed (upstream: refused as well).
        """
        scope = state.stream if state.kind is StateKind.STREAM else None
        if any((scope is None) != (other is None) for other in self._queues):
            raise InternalError(
                "Mixed state types in a single sync are not allowed.",
                doing=f"reading a {state.kind} state",
                remedy="A source must keep to STREAM or to GLOBAL states. Report this to its author.",
            )
        before = self._last.get(scope, {})
        count = sum(position - before.get(stream, 0) for stream, position in positions.items())
        self._last[scope] = positions
        reachable = {
            s: _NEVER if s in self._broken else _PUBLISHED if s in published_first else position
            for s, position in positions.items()
        }
        checkpoint = Checkpoint(
            state=state,
            positions=reachable,
            count=covered.count if covered else count,
            records=covered.records if covered else sum(positions.values()),
            size=covered.size if covered else size,
        )
        self._queues.setdefault(scope, deque()).append(checkpoint)
        return checkpoint

    def withdraw(self, checkpoint: Checkpoint) -> None:
        """A STATE that has just arrived will not be told."""
        state = checkpoint.state
        queue = self._queues[state.stream if state.kind is StateKind.STREAM else None]
        if queue and queue[-1] is checkpoint:
            queue.pop()

    def durable(self, stream: StreamName, position: int) -> None:
        """The stream's first `position` records are durable, and a checkpoint says so."""
        self._durable[stream] = max(position, self._durable.get(stream, 0))

    def published(self, stream: StreamName) -> None:
        """All of the stream is in its final table, and nothing of it comes any more."""
        self.durable(stream, _PUBLISHED)

    def broken(self, stream: StreamName) -> None:
        """The stream failed and its records are discarded from here on: no later STATE may promise them."""
        self._broken.add(stream)

    def tellable(self) -> list[Checkpoint]:
        """Those that may be told now, in order; they are told once."""
        told: list[Checkpoint] = []
        for queue in self._queues.values():
            while queue and self._covered(queue[0]):
                told.append(queue.popleft())
        return told

    def _covered(self, checkpoint: Checkpoint) -> bool:
        positions = checkpoint.positions.items()
        return all(self._durable.get(stream, 0) >= position for stream, position in positions)
