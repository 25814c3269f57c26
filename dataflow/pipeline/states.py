"""The STATEs of a sync: where each stands among the records that were read, and which are emitted. Writes no rows.

It also knows the failure after which none can be emitted: that of any stream, if GLOBAL STATEs cover them all.
"""

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Protocol

from dataflow.errors import DataflowError, InternalError, TransientError
from dataflow.input.parcel import Span
from dataflow.pipeline.aggregate import Aggregate
from dataflow.pipeline.aggregate_store import AggregateStore
from dataflow.pipeline.checkpoints import Checkpoint, Checkpoints
from dataflow.pipeline.inbox import Inbox
from dataflow.pipeline.partitions import Partitions, Tally
from dataflow.pipeline.streams import Stream
from dataflow.protocol import State, StateKind
from dataflow.types import StreamName


class Outlet(Protocol):
    """The way out of messages to the platform. Its methods may be called from any thread."""

    def emit(self, checkpoint: Checkpoint) -> None:
        """Write a STATE. Raises a DataflowError when it, or any message before it, could not be written."""
        ...

    def log(self, level: str, message: str) -> None:
        """Write a LOG message, which may be lost."""
        ...

    def report(self, error: BaseException, stream: StreamName | None = None) -> None:
        """Write a TRACE ERROR, which may be lost."""
        ...


class Miscounts(StrEnum):
    """What is done when a source counts other records than came: say so, or fail what the STATE covers."""

    WARN = "warn"
    FAIL = "fail"


class States:
    """The STATEs that were read and are not emitted yet. All of it belongs to the main thread."""

    def __init__(
        self,
        streams: Mapping[StreamName, Stream],
        aggregates: AggregateStore,
        inbox: Inbox,
        outlet: Outlet,
        waits_for: Callable[[State], Collection[StreamName] | None],
        miscounted: Callable[[State, InternalError], None] | None,
    ) -> None:
        """`waits_for` names the streams that are published before a STATE is emitted; None: it is never emitted.

        `miscounted` receives a STATE whose source counts other records than came, with the error; it is not emitted.
        None: the outlet gets a warning, and the STATE is emitted.
        """
        self._streams = streams
        self._aggregates = aggregates
        self._clock = inbox.runtime.clock
        self._outlet = outlet
        self._waits_for = waits_for
        self._miscounted = miscounted
        self._most = aggregates.thresholds.state_bytes
        self._checkpoints = Checkpoints(inbox.budget, self._most)
        self._partitions = Partitions(inbox.budget)
        # The streams of which records were read since the last GLOBAL STATE, and the bytes of all that was read.
        self._changed: dict[StreamName, Aggregate] = {}
        self._read_bytes = 0
        self._global = False
        # How many records of each stream are covered by an emitted STATE.
        self._acknowledged: dict[StreamName, int] = {}
        self._failure: tuple[StreamName, DataflowError] | None = None

    @property
    def too_large(self) -> bool:
        """Whether they take too much memory."""
        return self._checkpoints.held > self._most

    @property
    def none_can_be_emitted(self) -> bool:
        """Whether GLOBAL STATEs cover a stream that failed."""
        return self._global and self._failure is not None

    def acknowledged(self, name: StreamName) -> int:
        """How many of a stream's records, from its first on, are covered by an emitted STATE."""
        return self._acknowledged.get(name, 0)

    # -- what is read

    def count(self, span: Span) -> None:
        """Records were read."""
        stream = self._streams[span.stream]
        if not stream.open:
            return
        stream.aggregate.count(span)
        self._changed[span.stream] = stream.aggregate
        self._read_bytes += span.size
        if span.partitions:
            self._partitions.read(span.stream, span.partitions)
            self._place()

    def arrived(self, state: State) -> None:
        """A STATE was read."""
        if state.describes_itself:
            self._partitions.arrived(state)
            self._place()
        else:
            self._stands(state)

    # -- what became of the records

    def durable(self, name: StreamName, position: int) -> None:
        """The stream's first `position` records are durable, and a checkpoint says so."""
        self._checkpoints.durable(name, position)

    def published(self, name: StreamName) -> None:
        """A stream is published. A STATE may come after the COMPLETE of a stream that it covers: it needs no
        checkpoint any more.
        """
        self._checkpoints.published(name)

    def failed_before(self, name: StreamName, error: DataflowError) -> None:
        """A stream failed before anything was read: no STATE of it is emitted."""
        self._checkpoints.broken(name)
        self._failure = self._failure or (name, error)

    def failed(self, name: StreamName, error: DataflowError) -> None:
        """A stream failed. Raises TransientError when no STATE can be emitted any more."""
        self.failed_before(name, error)
        self.stop_if_none_can_be_emitted()

    def stop_if_none_can_be_emitted(self) -> None:
        """TransientError when GLOBAL STATEs cover a stream that failed: there is no use in reading on."""
        if self._global and self._failure is not None:
            name, error = self._failure
            raise TransientError(
                f"Stream {name} failed, and the source's GLOBAL states cover it.",
                doing="reading the input",
                remedy="All acknowledged records are safe. Fix the error that the stream reports, then run the sync "
                "again.",
            ) from error

    # -- what leaves

    def emit(self) -> None:
        """Emit those whose records are durable, in order."""
        for checkpoint in self._checkpoints.emittable():
            self._outlet.emit(checkpoint)
            self._acknowledged.update(checkpoint.positions)

    def warn_of_those_not_emitted(self) -> None:
        """Log how many were not emitted, and why."""
        if waiting := self._partitions.waiting():
            self._outlet.log(
                "WARN",
                f"{waiting} STATEs were not emitted: the records that they count, or states before them, were never "
                "received.",
            )
        if dropped := self._checkpoints.dropped:
            self._outlet.log("WARN", f"{dropped} STATEs were not emitted: they cover a stream that failed.")
        if superseded := self._checkpoints.superseded:
            self._outlet.log(
                "INFO",
                f"{superseded} STATEs were not emitted: a later one that waits for the same publication replaced them.",
            )

    def _place(self) -> None:
        """States that waited for their records, or for their turn, stand where the input is now."""
        for state, tally in self._partitions.ready():
            self._stands(state, tally)

    def _stands(self, state: State, tally: Tally | None = None) -> None:
        now = self._clock.monotonic()
        if state.kind is not StateKind.STREAM:
            self._global = True
            self.stop_if_none_can_be_emitted()
            # The others stand where they stood.
            covered, size = list(self._changed), self._read_bytes
            self._changed.clear()
        else:
            covered = [name for name in (state.stream,) if name is not None and name in self._streams]
            size = sum(self._streams[name].aggregate.read_bytes for name in covered)
        positions = {name: self._mark(self._streams[name], now) for name in covered}
        first = self._waits_for(state)
        checkpoint = self._checkpoints.arrived(state, positions, size, tally, first or ())
        if first is None:
            self._checkpoints.withdraw(checkpoint)
        if state.source_count is not None and state.source_count != checkpoint.count:
            self._compare(checkpoint)

    def _mark(self, stream: Stream, now: float) -> int:
        return self._aggregates.mark(stream.aggregate, now) if stream.open else stream.aggregate.read

    def _compare(self, checkpoint: Checkpoint) -> None:
        """The source's count of records before a STATE is not ours."""
        state = checkpoint.state
        where = f"stream {state.stream}" if state.stream else "all streams"
        message = (
            f"The source counts {state.source_count:.0f} records before a STATE of {where}; the number "
            f"received is {checkpoint.count}."
        )
        if self._miscounted is None:
            self._outlet.log("WARN", message)
            return
        self._checkpoints.withdraw(checkpoint)
        error = InternalError(
            message,
            doing="reading the input",
            remedy="All acknowledged records are safe, and this STATE was not emitted. Run the sync again; if this "
            "error remains, report it to the source's author.",
        )
        self._miscounted(state, error)
