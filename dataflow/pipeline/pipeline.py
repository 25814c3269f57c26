"""The way of a record, from bytes on stdin to STATE on stdout. Knows no machine and no database.

An intake reads and packs, writers write flushes, and the main thread, between them, gives out raw ids, keeps the
checkpoints and talks to the streams. Everything that decides happens on the main thread. The intake may have
begun before: its events wait in the inbox.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress

from dataflow.budget import Holder
from dataflow.errors import DataflowError, InternalError
from dataflow.flush import Flush
from dataflow.input.parcel import Event, Parcel, ParsedChunk, Span, refusal, unusable
from dataflow.keys import Unfit
from dataflow.pipeline.aggregate import Aggregate, Thresholds
from dataflow.pipeline.aggregate_store import AggregateStore
from dataflow.pipeline.inbox import EndOfInput, Inbox, InboxEvent, Written
from dataflow.pipeline.publications import Publications
from dataflow.pipeline.refusals import came_after_complete, ended_incomplete, not_read_to_its_end
from dataflow.pipeline.states import Miscounts, Outlet, States
from dataflow.pipeline.streams import Stage, Stream, StreamSink
from dataflow.pipeline.writers import ONE, AtOnce, Writers
from dataflow.protocol import State, Status, StreamStatus, Unusable
from dataflow.types import StreamName


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
        at_once: AtOnce = ONE,
    ) -> None:
        """`waits_for` names the streams that are published before a STATE is emitted; None: it is never emitted."""
        self._inbox = inbox
        self._streams = {name: Stream(*parts) for name, parts in streams.items()}
        self._thresholds = thresholds
        self._budget = inbox.budget
        self._clock = inbox.runtime.clock
        self._aggregates = AggregateStore(thresholds, self._budget)
        self._states = States(
            self._streams,
            self._aggregates,
            inbox,
            outlet,
            waits_for,
            self._miscounted if miscounts is Miscounts.FAIL else None,
        )
        self._lines = 0
        self._writers = Writers(at_once, self._insert, inbox)
        self._publications = Publications(self._states, self._writers, self._failed)

    def discard(self, name: StreamName, error: DataflowError) -> None:
        """A stream failed before there was anything to read: its records are skipped, its STATE is not emitted."""
        self._streams[name].stage = Stage.CLOSED
        self._states.failed_before(name, error)

    def acknowledged(self, name: StreamName) -> int:
        """How many of a stream's records, from its first on, are covered by an emitted STATE."""
        return self._states.acknowledged(name)

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
            self._states.warn_of_those_not_emitted()
        finally:
            self._inbox.close()
            self._writers.end()

    # -- the main thread

    def _take_in(self) -> None:
        # No event is kept while waiting for the next one: it may be large.
        while self._goes_on(self._next_event()):
            self._states.emit()

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
                raise not_read_to_its_end() from error
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
                raise came_after_complete(rows.stream)
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
        self._states.emit()
        if failure is not None:
            raise failure

    @property
    def _has_room(self) -> bool:
        if self._states.too_large and self._writers.count:
            return False
        # However large a flush is, the next may wait behind it: then its writer need not wait for us.
        return self._writers.held < self._thresholds.unwritten_bytes or self._writers.count <= 1

    def _handle(self, event: Event) -> None:
        match event:
            case Span():
                self._states.count(event)
            case State():
                self._inbox.passed_on(event.held)
                self._states.arrived(event)
            case StreamStatus(stream, Status.COMPLETE):
                self._complete(stream)
            case StreamStatus(stream, Status.INCOMPLETE):
                self._end_unpublished(stream, ended_incomplete(stream))
            case Unusable(stream=stream):
                self._end_unpublished(stream, unusable(event, self._lines))
            case _:
                pass

    def _miscounted(self, state: State, error: InternalError) -> None:
        """The source's count of records before a STATE is not ours: what it covers fails."""
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
        self._publications.completed(stream)
        self._flush(stream)
        self._wait_until(lambda: self._has_room)
        self._publications.publish_durable()

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

    def _still_open(self, stream: Stream) -> bool:
        """Whether a stream is open once all flushes of it have come to their ends: no row may follow its failure."""
        if stream.open:
            self._wait_until(lambda: not self._writers.has(stream.name))
        return stream.open

    def _flush_due(self) -> None:
        due = self._aggregates.due(self._clock.monotonic(), states_too_large=self._states.too_large)
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

    def _flush(self, stream: Stream, rows: int | None = None) -> None:
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
        if event.error is not None:
            self._flush_failed(stream, flush, event.error)
        elif stream.stage is not Stage.CLOSED:
            self._landed(stream, flush, event.seconds)
        if (
            stream.failure is not None
            and stream.stage is Stage.FAILING
            and not self._writers.has(stream.name)
        ):
            self._failed(stream, stream.failure)
        self._publications.publish_durable()

    def _landed(self, stream: Stream, flush: Flush, seconds: float) -> None:
        """A flush is durable. STATEs advance over flushes without a gap before them alone."""
        position = stream.landed(flush)
        if position is not None:
            self._states.durable(stream.name, position)
        stream.sink.flushed(flush, seconds)
        self._states.emit()

    def _flush_failed(self, stream: Stream, flush: Flush, error: DataflowError) -> None:
        """A flush could not be made durable: the stream fails once none of its flushes is at work."""
        stream.failed_at(flush, error)
        if stream.stage is Stage.OPEN:
            stream.stage = Stage.FAILING
            self._aggregates.drop(stream.aggregate)

    def _failed(self, stream: Stream, error: DataflowError, unfit: Sequence[Unfit] = ()) -> None:
        stream.stage = Stage.CLOSED
        self._aggregates.drop(stream.aggregate)
        stream.sink.fail(error, unfit)
        self._states.failed(stream.name, error)

    # -- a writer's thread

    def _insert(self, flush: Flush, writer: int) -> None:
        self._streams[flush.stream].sink.insert(flush, writer)
