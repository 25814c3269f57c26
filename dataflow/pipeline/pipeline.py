"""The way of a record, from bytes on stdin to STATE on stdout. Knows no machine and no database.

An intake reads and packs, writers write flushes, and the main thread, between them, gives out raw ids, keeps the
checkpoints and talks to the streams. Everything that decides happens on the main thread. The intake may have
begun before: its events wait in the inbox.
"""

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Protocol

from attrs import define

from dataflow.budget import Holder
from dataflow.errors import DataflowError, InternalError, TransientError
from dataflow.flush import Flush
from dataflow.input.parcel import Event, Parcel, ParsedChunk, Span, refusal, unusable
from dataflow.keys import Unfit
from dataflow.pipeline.aggregate import Aggregate, Thresholds
from dataflow.pipeline.aggregate_store import AggregateStore
from dataflow.pipeline.checkpoints import Checkpoint, Checkpoints
from dataflow.pipeline.inbox import EndOfInput, Inbox, InboxEvent, Written
from dataflow.pipeline.partitions import Partitions, Tally
from dataflow.pipeline.writers import Writers
from dataflow.protocol import State, StateKind, Status, StreamStatus, Unusable
from dataflow.types import StreamName


class StreamSink(Protocol):
    """The receiver of one stream's flushes and of the events of its life."""

    def insert(self, flush: Flush, writer: int) -> None:
        """Make a flush durable, on the thread of the writer with this number. The stream's others wait meanwhile.

        Raises a DataflowError when it could not.
        """
        ...

    def flushed(self, flush: Flush, seconds: float) -> None:
        """A flush is durable."""
        ...

    def complete(self) -> DataflowError | None:
        """The source completed the stream and all of it is durable: publish it. Why it failed, if it did."""
        ...

    def fail(self, error: DataflowError, unfit: Sequence[Unfit] = ()) -> None:
        """The stream ends here, unpublished; `unfit` are the fields that it ends for, if it does for any."""
        ...

    def refusal(self, unfit: Sequence[Unfit]) -> DataflowError:
        """Why the stream is to end here, of which these fields are not held as they were sent."""
        ...


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


@define
class _Stream:
    """A stream on its way. `open`: neither published nor failed. `completed`: nothing of it may come any more."""

    aggregate: Aggregate
    sink: StreamSink
    open: bool = True
    completed: bool = False
    written: int = 0


class Pipeline:
    """One sync's data path."""

    def __init__(
        self,
        inbox: Inbox,
        streams: Mapping[StreamName, tuple[Aggregate, StreamSink]],
        thresholds: Thresholds,
        outlet: Outlet,
        miscounts: Miscounts = Miscounts.WARN,
        waits_for: Callable[[State], Collection[StreamName] | None] = lambda _: (),
        writers: int = 1,
    ) -> None:
        """`waits_for` names the streams that are published before a STATE is emitted; None: it is never emitted.

        `writers` threads write concurrently.
        """
        self._inbox = inbox
        self._streams = {name: _Stream(*parts) for name, parts in streams.items()}
        self._thresholds = thresholds
        self._outlet = outlet
        self._miscounts = miscounts
        self._waits_for = waits_for
        self._budget = inbox.budget
        self._clock = inbox.runtime.clock
        self._aggregates = AggregateStore(thresholds, self._budget)
        self._checkpoints = Checkpoints(self._budget, thresholds.state_bytes)
        self._partitions = Partitions(self._budget)
        # The streams of which records were read since the last GLOBAL STATE, and the bytes of all that was read.
        self._changed: dict[StreamName, Aggregate] = {}
        self._read_bytes = 0
        # Not published yet, in the order of their COMPLETEs.
        self._completed: deque[_Stream] = deque()
        self._lines = 0
        self._writers = Writers(writers, self._insert, inbox)
        self._global = False
        # How many records of each stream are covered by an emitted STATE.
        self._acknowledged: dict[StreamName, int] = {}
        self._failure: tuple[StreamName, DataflowError] | None = None

    def discard(self, name: StreamName, error: DataflowError) -> None:
        """A stream failed before there was anything to read: its records are skipped, its STATE is not emitted."""
        self._streams[name].open = False
        self._checkpoints.broken(name)
        self._failure = self._failure or (name, error)

    def acknowledged(self, name: StreamName) -> int:
        """How many of a stream's records, from its first on, are covered by an emitted STATE."""
        return self._acknowledged.get(name, 0)

    def run(self) -> None:
        """Take the input to its end; the STATE of all durable records is emitted when this returns or raises.

        Streams that the source did not complete are left open: their owner ends them. Raises a DataflowError
        for input that cannot be understood, and for a failed stream when GLOBAL states cover it.
        """
        self._inbox.hold_at_most(self._thresholds.packed_bytes)
        self._writers.start()
        try:
            try:
                self._take_in()
            except DataflowError:
                # Why the reading stopped is the reason; what fails after it is its stream's own.
                with suppress(DataflowError):
                    self._settle_accounts()
                raise
            self._settle_accounts()
            self._warn_of_states_not_emitted()
        finally:
            self._inbox.close()
            self._writers.end()

    # -- the main thread

    def _take_in(self) -> None:
        # No event is kept while waiting for the next one: it may be large.
        while self._goes_on(self._next_event()):
            self._emit()

    def _next_event(self) -> InboxEvent | None:
        if self._would_wait_for_ever:
            # No row waits any more: STATEs wait for what is still to be read.
            self._inbox.let_in()
        return self._inbox.take(input_too=self._has_room, until=self._aggregates.next_moment())

    def _goes_on(self, event: InboxEvent | None) -> bool:
        """Handle an event; whether it was not the end."""
        match event:
            case Written():
                self._heard(event)
                self._flush_due()
            case ParsedChunk():
                try:
                    self._unpack(event)
                finally:
                    self._inbox.done()
            case EndOfInput(None):
                return False
            case EndOfInput(DataflowError() as error):
                raise error
            case EndOfInput(error):
                raise TransientError(
                    "The input could not be read to its end.",
                    remedy="All acknowledged records are safe. Run the sync again.",
                ) from error
            case None:
                self._flush_due()
        return True

    def _unpack(self, packed: ParsedChunk) -> None:
        for name, fields in packed.unknown.items():
            self._streams[name].aggregate.fields_met.meet(fields)
        for parcel in packed.parcels:
            self._receive(parcel)
            for event in parcel.events:
                self._handle(event)
            self._flush_due()
        if packed.refused is not None:
            raise refusal(packed.refused, self._lines, cut_off=packed.cut_off) from packed.refused
        self._lines += packed.lines

    def _receive(self, parcel: Parcel) -> None:
        for rows in parcel.rows:
            stream = self._streams[rows.stream]
            # What was read before them and not yet flushed comes again, with them.
            if rows.unfit and self._still_open(stream):
                self._failed(stream, stream.sink.refusal(rows.unfit), rows.unfit)
        now = self._clock.monotonic()
        for rows in parcel.rows:
            self._inbox.passed_on(rows.held)
            stream = self._streams[rows.stream]
            if stream.completed:
                raise InternalError(
                    f"A record of stream {rows.stream} came after its COMPLETE.",
                    doing="reading the input",
                    remedy="The source must not send it. Report this to its author.",
                )
            if stream.open:
                self._aggregates.receive(stream.aggregate, rows, now)

    def _settle_accounts(self) -> None:
        """Make what was read durable, and emit the STATEs that this allows. A failure on the way is raised after all
        of it.
        """
        failure: DataflowError | None = None
        for aggregate in self._aggregates.waiting():
            self._flush(self._streams[aggregate.stream])
        while self._writers.count:
            try:
                self._wait_until(lambda: not self._writers.count)
            except DataflowError as error:
                failure = failure or error
        self._emit()
        if failure is not None:
            raise failure

    def _warn_of_states_not_emitted(self) -> None:
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

    @property
    def _has_room(self) -> bool:
        if self._states_too_large and self._writers.count:
            return False
        # However large a flush is, the next may wait behind it: then its writer need not wait for us.
        return self._writers.held < self._thresholds.unwritten_bytes or self._writers.count <= 1

    @property
    def _states_too_large(self) -> bool:
        return self._checkpoints.held > self._thresholds.state_bytes

    def _handle(self, event: Event) -> None:
        match event:
            case Span():
                self._count(event)
            case State():
                self._inbox.passed_on(event.held)
                self._checkpoint(event)
            case StreamStatus(stream, Status.COMPLETE):
                self._complete(stream)
            case StreamStatus(stream, Status.INCOMPLETE):
                self._end_unpublished(stream, _incomplete(stream))
            case Unusable(stream=stream):
                self._end_unpublished(stream, unusable(event, self._lines))
            case _:
                pass

    def _count(self, span: Span) -> None:
        stream = self._streams[span.stream]
        if not stream.open:
            return
        stream.aggregate.count(span)
        self._changed[span.stream] = stream.aggregate
        self._read_bytes += span.size
        if span.partitions:
            self._partitions.read(span.stream, span.partitions)
            self._stand()

    def _checkpoint(self, state: State) -> None:
        if state.describes_itself:
            self._partitions.arrived(state)
            self._stand()
        else:
            self._stands(state)

    def _stand(self) -> None:
        """States that waited for their records, or for their turn, stand where the input is now."""
        for state, tally in self._partitions.ready():
            self._stands(state, tally)

    def _stands(self, state: State, tally: Tally | None = None) -> None:
        now = self._clock.monotonic()
        if state.kind is not StateKind.STREAM:
            self._global = True
            self._stop_if_no_state_can_be_emitted()
            # The others stand where they stood.
            covered, size = list(self._changed), self._read_bytes
            self._changed.clear()
        else:
            covered = [state.stream] if state.stream in self._streams else []
            size = sum(self._streams[name].aggregate.read_bytes for name in covered)
        positions = {name: self._mark(self._streams[name], now) for name in covered}
        first = self._waits_for(state)
        checkpoint = self._checkpoints.arrived(state, positions, size, tally, first or ())
        if first is None:
            self._checkpoints.withdraw(checkpoint)
        if state.source_count is not None and state.source_count != checkpoint.count:
            self._miscounted(checkpoint)

    def _mark(self, stream: _Stream, now: float) -> int:
        return self._aggregates.mark(stream.aggregate, now) if stream.open else stream.aggregate.read

    def _miscounted(self, checkpoint: Checkpoint) -> None:
        """The source's count of records before a STATE is not ours."""
        state = checkpoint.state
        where = f"stream {state.stream}" if state.stream else "all streams"
        message = (
            f"The source counts {state.source_count:.0f} records before a STATE of {where}; the number "
            f"received is {checkpoint.count}."
        )
        if self._miscounts is Miscounts.WARN:
            self._outlet.log("WARN", message)
            return
        self._checkpoints.withdraw(checkpoint)
        error = InternalError(
            message,
            doing="reading the input",
            remedy="All acknowledged records are safe, and this STATE was not emitted. Run the sync again; if this "
            "error remains, report it to the source's author.",
        )
        stream = self._streams.get(state.stream) if state.stream else None
        if stream is None:
            raise error
        if self._still_open(stream):
            self._failed(stream, error)

    def _complete(self, name: StreamName) -> None:
        """Nothing of a stream comes any more: it is published once all of it is durable."""
        stream = self._streams.get(name)
        if stream is None or stream.completed or not stream.open:
            return
        stream.completed = True
        self._completed.append(stream)
        self._flush(stream)
        self._wait_until(lambda: self._has_room)
        self._publish_durable()

    def _end_unpublished(self, name: StreamName, error: DataflowError) -> None:
        """A stream fails by what the source sent of it; earlier records are made durable, and their STATE is
        emitted.
        """
        stream = self._streams.get(name)
        if stream is not None and stream.completed:
            raise error
        if stream is None or not stream.open:
            return
        self._flush(stream)
        if self._still_open(stream):
            self._failed(stream, error)

    def _still_open(self, stream: _Stream) -> bool:
        """Whether a stream is open once all flushes of it have come to their ends: no row may follow its failure."""
        if stream.open:
            self._wait_until(lambda: not self._writers.has(stream.aggregate.stream))
        return stream.open

    def _publish_durable(self) -> None:
        """Publish the completed streams that are durable, in their order: keys of a table may lead to one before it."""
        while self._completed and not self._writers.has(self._completed[0].aggregate.stream):
            # Then rows wait for the next run.
            if self._blocking_failure is not None:
                return
            stream = self._completed.popleft()
            if stream.open:
                self._publish(stream)

    def _publish(self, stream: _Stream) -> None:
        name = stream.aggregate.stream
        # STATE of durable rows is emitted before the stream is finalised: published rows must not be sent again.
        self._emit()
        if stream.written != stream.aggregate.read:
            self._failed(stream, _not_conserved(stream))
            return
        stream.open = False
        error = stream.sink.complete()
        if error is not None:
            self._broken(name, error)
            return
        # A STATE may come after the COMPLETE of a stream it covers. Temp is gone: no checkpoint is needed any more.
        self._checkpoints.published(name)

    def _flush_due(self) -> None:
        due = self._aggregates.due(self._clock.monotonic(), states_too_large=self._states_too_large)
        for aggregate, rows in due:
            self._flush(self._streams[aggregate.stream], rows)
            self._wait_until(lambda: self._has_room)
        if self._would_wait_for_ever:
            for aggregate in self._aggregates.waiting():
                self._flush(self._streams[aggregate.stream])

    @property
    def _would_wait_for_ever(self) -> bool:
        """Whether nothing more may be read, and nothing is on its way that would change it."""
        on_the_reading_side = (Holder.READER, Holder.INBOX)
        return not self._writers.count and self._budget.spent(besides=on_the_reading_side)

    def _flush(self, stream: _Stream, rows: int | None = None) -> None:
        """Hand the first rows to the writers, or all that waits for None."""
        if stream.open and stream.aggregate.has_work():
            self._writers.write(self._aggregates.flush(stream.aggregate, rows))

    def _wait_until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._heard(self._inbox.take(input_too=False, until=float("inf")))

    def _heard(self, event: InboxEvent | None) -> None:
        if not isinstance(event, Written):
            return
        flush = event.flush
        stream = self._streams[flush.stream]
        self._writers.heard(flush)
        if event.error is not None and not isinstance(event.error, DataflowError):
            raise event.error
        # After a flush that failed, the others of its stream fail too: that is no news.
        if stream.open and event.error is not None:
            self._failed(stream, event.error)
        elif stream.open:
            stream.written += flush.rows
            self._checkpoints.durable(flush.stream, flush.position)
            stream.sink.flushed(flush, event.seconds)
            self._emit()
        self._publish_durable()

    def _failed(self, stream: _Stream, error: DataflowError, unfit: Sequence[Unfit] = ()) -> None:
        stream.open = False
        self._aggregates.drop(stream.aggregate)
        stream.sink.fail(error, unfit)
        self._broken(stream.aggregate.stream, error)

    def _broken(self, name: StreamName, error: DataflowError) -> None:
        self._checkpoints.broken(name)
        self._failure = self._failure or (name, error)
        self._stop_if_no_state_can_be_emitted()

    @property
    def _blocking_failure(self) -> tuple[StreamName, DataflowError] | None:
        """The failure after which no STATE can be emitted: that of any stream, if GLOBAL states cover them all."""
        return self._failure if self._global else None

    def _stop_if_no_state_can_be_emitted(self) -> None:
        """After such a failure there is no use in reading on."""
        if self._blocking_failure is not None:
            name, error = self._blocking_failure
            raise TransientError(
                f"Stream {name} failed, and the source's GLOBAL states cover it.",
                doing="reading the input",
                remedy="All acknowledged records are safe. Fix the error that the stream reports, then run the sync "
                "again.",
            ) from error

    def _emit(self) -> None:
        for checkpoint in self._checkpoints.emittable():
            self._outlet.emit(checkpoint)
            self._acknowledged.update(checkpoint.positions)

    # -- a writer's thread

    def _insert(self, flush: Flush, writer: int) -> None:
        self._streams[flush.stream].sink.insert(flush, writer)


def _incomplete(name: StreamName) -> InternalError:
    return InternalError(
        f"The source ended stream {name} as INCOMPLETE.",
        doing="reading the input",
        remedy="All acknowledged records are safe. Find the cause in the source's log, then run the sync again.",
    )


def _not_conserved(stream: _Stream) -> InternalError:
    name, read = stream.aggregate.stream, stream.aggregate.read
    return InternalError(
        f"{read} records of stream {name} were read and {stream.written} rows written.",
        doing="completing the stream",
        remedy="Report this, with the journal of this sync.",
    )
