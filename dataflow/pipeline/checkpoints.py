"""Which STATE may be emitted, and in which order. Pure: it is given what is durable, and answers.

A STATE may be emitted when, for every stream it covers, all records that came before it are durable and so is
the checkpoint that says so. Within its scope (a stream, or all of them) none is emitted before its predecessor. So a
STATE has only to wait for what was read since its predecessor, and what it costs does not grow with the streams. It
is marked as waiting too for the publications that its predecessor waits for, so that it may take that one's place.

The STATEs that wait are held on the budget. Those of a stream that failed can never be emitted: they are not kept.
"""

import sys
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from attrs import define, evolve, field, frozen

from dataflow.budget import Budget, Holder
from dataflow.errors import InternalError
from dataflow.pipeline.partitions import Tally
from dataflow.protocol import OBJECT_BYTES, Scope, State
from dataflow.types import StreamName


@frozen(kw_only=True)
class Checkpoint:
    """A STATE and how much it covers."""

    state: State
    # How many of a stream's records it covers: of those streams of which any were read since the one before it.
    positions: Mapping[StreamName, int]
    # Records since the state before it in its scope: what the source's own count should say.
    count: int
    # Records and bytes of all that it covers, since the start of the sync.
    records: int
    size: int

    @property
    def counts(self) -> Mapping[str, Any]:
        """The members that an emitted STATE gets (protocol: destinationStats; upstream: what is committed so far)."""
        return {
            "destinationStats": {"recordCount": float(self.count)},
            "committedRecordsCount": self.records,
            "committedBytesCount": self.size,
        }


# The position of a STATE that waits for the stream to be published.
_PUBLISHED = sys.maxsize


@define(eq=False)
class _Waiting:
    """A checkpoint and for which streams it waits: by their positions, those of them that are not durable."""

    checkpoint: Checkpoint
    held: int
    positions: dict[StreamName, int]
    scope: Scope


@define
class Checkpoints:
    """The states that arrived and were not emitted yet."""

    _budget: Budget
    # Beyond this many bytes, a STATE that waits for a publication replaces the earlier ones that wait for it too.
    _most: int
    _queues: dict[Scope, deque[_Waiting]] = field(factory=dict)
    # Those that wait for a stream, by position.
    _awaiting: defaultdict[StreamName, deque[_Waiting]] = field(factory=lambda: defaultdict(deque))
    # The scopes whose first state may have become emittable.
    _stirred: dict[Scope, None] = field(factory=dict)
    _durable: dict[StreamName, int] = field(factory=dict)
    _last: dict[StreamName, int] = field(factory=dict)
    _records: Counter[Scope] = field(factory=Counter)
    # What a state that was withdrawn would have waited for: the next in its scope waits for that too.
    _carried: dict[Scope, _Waiting] = field(factory=dict)
    _broken: set[StreamName] = field(factory=set)
    # Whether states cover all streams; None before the first.
    _covers_all: bool | None = None
    # How many can never be emitted, and how many were replaced.
    dropped: int = 0
    superseded: int = 0

    @property
    def held(self) -> int:
        """Bytes of memory that the states take."""
        return self._budget.held(Holder.CHECKPOINTS)

    def arrived(
        self,
        state: State,
        positions: Mapping[StreamName, int],
        size: int = 0,
        covered: Tally | None = None,
        published_first: Collection[StreamName] = (),
    ) -> Checkpoint:
        """A STATE stands here; `size` counts the bytes of the records that it covers.

        `positions` counts the records read of each stream it covers, at least of those of which any was read since
        the state before it. `covered` is what it covers by its own word, where that is not all that was read (see
        `partitions`). It is not emitted before the streams that must be `published_first` are.

        Raises InternalError when STREAM and other states are mixed (upstream: refused as well).
        """
        scope = state.stream
        self._refuse_mixed(state)
        count = sum(position - self._last.get(stream, 0) for stream, position in positions.items())
        self._last.update(positions)
        self._records[scope] += count
        checkpoint = Checkpoint(
            state=state,
            positions=positions,
            count=covered.count if covered else count,
            records=covered.records if covered else self._records[scope],
            size=covered.size if covered else size,
        )
        if (scope is None and self._broken) or scope in self._broken:
            self.dropped += 1
        else:
            self._keep(checkpoint, {**positions, **dict.fromkeys(published_first, _PUBLISHED)})
        return checkpoint

    def withdraw(self, checkpoint: Checkpoint) -> None:
        """A STATE that has just arrived will not be emitted."""
        queue = self._queues.get(scope := checkpoint.state.stream)
        if queue and queue[-1].checkpoint.state is checkpoint.state:
            self._carried[scope] = self._taken_back(queue)

    def durable(self, stream: StreamName, position: int) -> None:
        """The stream's first `position` records are durable, and a checkpoint says so."""
        self._durable[stream] = max(position, self._durable.get(stream, 0))
        awaiting = self._awaiting.get(stream)
        while awaiting and awaiting[0].positions[stream] <= self._durable[stream]:
            waiting = awaiting.popleft()
            del waiting.positions[stream]
            if not waiting.positions:
                self._stirred[waiting.scope] = None
        if awaiting is not None and not awaiting:
            del self._awaiting[stream]

    def published(self, stream: StreamName) -> None:
        """All of the stream is in its final table, and nothing of it comes any more."""
        self.durable(stream, _PUBLISHED)

    def broken(self, stream: StreamName) -> None:
        """The stream failed and its records are discarded from here on: no later STATE may promise them."""
        self._broken.add(stream)
        awaiting = self._awaiting.get(stream)
        if awaiting:
            queue = self._queues[awaiting[0].scope]
            # No later one can be emitted either.
            kept = queue.index(awaiting[0])
            while len(queue) > kept:
                self._taken_back(queue)
                self.dropped += 1

    def emittable(self) -> Iterator[Checkpoint]:
        """Those that may be emitted now, in order; each is returned once."""
        while self._stirred:
            scope = next(iter(self._stirred))
            del self._stirred[scope]
            queue = self._queues.get(scope)
            while queue and not queue[0].positions:
                emitted = queue.popleft()
                self._budget.free(Holder.CHECKPOINTS, emitted.held)
                yield emitted.checkpoint
            if queue is not None and not queue:
                del self._queues[scope]

    def _refuse_mixed(self, state: State) -> None:
        covers_all = state.stream is None
        if self._covers_all is None:
            self._covers_all = covers_all
        if covers_all != self._covers_all:
            raise InternalError(
                "Mixed state types in a single sync are not allowed.",
                doing=f"reading a {state.kind} state",
                remedy="A source must send either STREAM or GLOBAL states. Report this to its author.",
            )

    def _keep(self, checkpoint: Checkpoint, positions: Mapping[StreamName, int]) -> None:
        scope = checkpoint.state.stream
        queue = self._queues.setdefault(scope, deque())
        missing = dict(positions)
        if (before := self._carried.pop(scope, None)) is not None:
            checkpoint, missing = _after(before, checkpoint, missing)
        if queue:
            # It waits for them anyway, behind the one before it. Now it may take that one's place.
            missing |= _publications(queue[-1].positions)
        if self.held > self._most:
            while queue and _publications(queue[-1].positions):
                before = self._taken_back(queue)
                checkpoint, missing = _after(before, checkpoint, missing)
                checkpoint = evolve(checkpoint, count=before.checkpoint.count + checkpoint.count)
                self.superseded += 1
        missing = {name: at for name, at in missing.items() if at > self._durable.get(name, 0)}
        held = checkpoint.state.held + OBJECT_BYTES * (1 + len(missing))
        waiting = _Waiting(checkpoint, held, missing, scope)
        self._budget.hold(Holder.CHECKPOINTS, held)
        queue.append(waiting)
        for name in missing:
            self._awaiting[name].append(waiting)
        self._stirred[scope] = None

    def _taken_back(self, queue: deque[_Waiting]) -> _Waiting:
        """The last state of a scope, which nobody holds any more."""
        waiting = queue.pop()
        self._budget.free(Holder.CHECKPOINTS, waiting.held)
        for name in waiting.positions:
            # It is the last of each.
            self._awaiting[name].pop()
            if not self._awaiting[name]:
                del self._awaiting[name]
        return waiting


def _after(
    before: _Waiting, checkpoint: Checkpoint, positions: Mapping[StreamName, int]
) -> tuple[Checkpoint, dict[StreamName, int]]:
    """A state that also covers, and waits for, what an earlier one did that is not emitted."""
    covered = {**before.checkpoint.positions, **checkpoint.positions}
    missing = {name: max(at, positions.get(name, 0)) for name, at in before.positions.items()}
    return evolve(checkpoint, positions=covered), {**positions, **missing}


def _publications(positions: Mapping[StreamName, int]) -> dict[StreamName, int]:
    """The streams that must be published before a state."""
    return {name: at for name, at in positions.items() if at == _PUBLISHED}
