"""A whole sync against a connector: the port of the destination's lifecycle, and each stream between its machine and
the pipeline. Builds what a sync needs; decides nothing that a machine could.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from attrs import Factory, evolve, field, frozen

from connectors.contract import Connector
from connectors.engine.monitor.log import ending, remarks
from connectors.engine.monitor.progress import Watch
from connectors.engine.sync.faults import Strike, no_fault
from connectors.engine.sync.naming import Named
from connectors.engine.sync.operations import StreamOperations
from connectors.engine.sync.parallel import side_by_side
from connectors.engine.sync.setting_up import set_up
from connectors.engine.sync.state_gate import StateGate
from connectors.engine.sync.transactions import RetryPolicy, Transactions
from connectors.engine.sync.undoing import expect_undone_at_first
from connectors.engine.sync.unfit import needs, refusal
from dataflow.budget import Budget
from dataflow.catalog import DestinationStream
from dataflow.errors import DataflowError, InternalError, TransientError
from dataflow.flush import Flush
from dataflow.keys import Unfit
from dataflow.pipeline.aggregate import Aggregate, Thresholds
from dataflow.pipeline.inbox import Inbox
from dataflow.pipeline.pipeline import Pipeline
from dataflow.pipeline.reader_thread import Intake, Order
from dataflow.pipeline.states import Miscounts, Outlet
from dataflow.pipeline.writers import AtOnce
from dataflow.raw_ids import RawIds
from dataflow.shape import Shape
from dataflow.types import StreamName
from machines.destination import DestinationLifecycle, SyncLife
from machines.formatting import duration
from machines.journal.account import Taken
from machines.journal.entries import Entry
from machines.journal.listener import Journal
from machines.journal.standing import Course, standing
from machines.lifecycle import Executor
from machines.operations import Answer, SyncOperation
from machines.parts import flushes_at_once
from machines.stream import StreamLife, StreamLifecycle


@frozen(kw_only=True)
class Sync:
    """What a sync is made of. `source` is the file descriptor of its input.

    Messages to the platform leave through `outlet`. The caller closes the connector.
    """

    run: str
    connector: Connector
    streams: Sequence[DestinationStream]
    source: int
    outlet: Outlet
    keep: Callable[[Entry], None]
    thresholds: Thresholds = field(factory=Thresholds)
    retry: RetryPolicy = field(factory=RetryPolicy)
    intake: Intake = field(
        default=Factory(lambda sync: Intake(sync.connector.runtime.threads), takes_self=True)
    )
    miscounts: Miscounts = Miscounts.WARN
    # How many flushes of one stream may be at work at once, each on a connection of its own.
    flushes_at_once: int = 1
    strike: Strike = no_fault
    watch: Watch = field(default=Factory(lambda sync: Watch(sync.connector.runtime), takes_self=True))
    # What is tried before all is set up; a rehearsal has nothing to try.
    probe: Callable[[Connector, Transactions], None] = expect_undone_at_first
    # Whose transition is written down: streams start side by side.
    turn: AbstractContextManager[Any] = field(
        default=Factory(lambda sync: sync.connector.runtime.threads.lock(), takes_self=True),
        init=False,
        repr=False,
        eq=False,
    )


class StreamRun:
    """One stream in this run: its machine on one side, the pipeline's sink on the other."""

    def __init__(
        self,
        named: Named,
        sync: Sync,
        writers: Sequence[Transactions],
        owner: Transactions,
    ) -> None:
        self.life = StreamLife(
            named.stream, named.tables, atomic=sync.connector.atomic, failure=named.failure
        )
        self._writers = writers
        # How many attempts each flush took, until its transition is written down.
        self._attempts: dict[int, int] = {}
        self._watch = sync.watch
        self._buffers = [sync.connector.insert_buffer(writer.client) for writer in writers]
        self._owner = owner
        self._columns = sync.connector.columns
        self.operations = StreamOperations(sync.connector, owner, sync.run, sync.strike)
        executor = Executor(self.operations, sync.connector.runtime.clock)
        # Says how much was read, as soon as anything is.
        self.taken: Callable[[], Taken] = Taken
        self.course = Course()
        journal = Journal(
            sync.run, executor, partial(self._keep, sync), self.life, sync.turn, self._now_taken
        )
        entering = sync.watch.listener(str(self.name))
        self.machine = StreamLifecycle(self.life, listeners=[entering, executor, journal])

    def _now_taken(self) -> Taken:
        return self.taken()

    def _keep(self, sync: Sync, entry: Entry) -> None:
        self.course = self.course.heard(entry)
        _keep(sync, entry)
        for level, message in ending(entry, self.course):
            sync.outlet.log(level, message)

    @property
    def failure(self) -> DataflowError | None:
        """Why it ended unpublished, if it did, with what is in its table now."""
        error = self.life.failure
        if not self.failed or error is None:
            return None
        course = evolve(self.course, covered=max(self.course.covered, self.taken().acknowledged))
        explained = evolve(error, remedy=" ".join(filter(None, (error.remedy, standing(course)))))
        explained.__cause__ = error.__cause__
        return explained.with_traceback(error.__traceback__)

    @property
    def name(self) -> StreamName:
        """The stream's descriptor."""
        return self.life.stream.name

    @property
    def writing(self) -> bool:
        """Whether its records are taken in."""
        return self.machine.at == "writing"

    @property
    def failed(self) -> bool:
        """Whether it ended unpublished."""
        return self.machine.at == "failed"

    def start(self, by: Transactions) -> None:
        """Bring it to where records can be written, or to its failure; all else is done by its owner."""
        self.operations.work_by(by)
        self.machine.send("start", reason=self.life.failure)
        self.operations.work_by(self._owner)

    def insert(self, flush: Flush, writer: int) -> None:
        """Make a flush durable (on the writer's thread)."""
        transactions = self._writers[writer]
        self._watch.writing(str(self.name), writer, flush.rows)
        try:
            self.operations.insert(transactions, self._buffers[writer], self.life, flush)
        finally:
            self._watch.writing(str(self.name), writer, None)
        self._attempts[flush.number] = transactions.attempts

    def flushed(self, flush: Flush, seconds: float) -> None:
        """A flush is durable."""
        attempts = self._attempts.pop(flush.number)
        self.machine.send("flushed", flush=flush, seconds=seconds, attempts=attempts)

    def complete(self) -> DataflowError | None:
        """Publish; why it failed, if it did."""
        self.machine.send("completed")
        return self.life.failure if self.failed else None

    def fail(self, error: DataflowError, unfit: Sequence[Unfit] = ()) -> None:
        """It ends unpublished. If other columns will hold what is unfit, the ledger remembers them."""
        self.life.needs = needs(unfit)
        self.life.fail(error)
        self.machine.send("errored", reason=error)

    def refusal(self, unfit: Sequence[Unfit]) -> DataflowError:
        """The error of records whose keys its columns do not hold."""
        return refusal(self.name, unfit, self._columns)

    def end(self, reason: DataflowError) -> None:
        """The input is over and the source did not complete the stream."""
        self.life.fail(reason)
        self.machine.send("ended", reason=reason)


def _keep(sync: Sync, entry: Entry) -> None:
    """Keep an entry; the log says so too."""
    sync.keep(entry)
    sync.watch.heard(entry)
    for level, message in remarks(entry):
        sync.outlet.log(level, message)


class SyncOperations:
    """The port of the destination's lifecycle."""

    def __init__(self, sync: Sync) -> None:
        self._sync = sync
        self._gate = StateGate(sync.streams, sync.outlet.log)
        connector, limits = sync.connector, sync.thresholds
        self._flushes_at_once = flushes_at_once(connector.atomic, sync.flushes_at_once)
        at_once = max(1, min(connector.streams_at_once, len(sync.streams)), self._flushes_at_once)
        self._owner, *self._writers = (
            Transactions(connector, sync.retry, self._retrying, sync.intake.stopped)
            for _ in range(1 + at_once)
        )
        self._inbox = Inbox(
            limits.packed_at_start_bytes,
            Budget(limits.held_bytes, connector.runtime.threads),
            connector.runtime,
        )
        # Made when the ledger has given their names.
        self.runs: Sequence[StreamRun] = ()
        self._performers: dict[SyncOperation, Callable[[SyncLife], None]] = {
            SyncOperation.SET_UP: self._set_up,
            SyncOperation.START_STREAMS: self._start_streams,
            SyncOperation.READ: self._read,
            SyncOperation.FINISH_STREAMS: self._finish_streams,
            SyncOperation.ABORT_STREAMS: self._abort_streams,
            SyncOperation.TEAR_DOWN: self._tear_down,
        }

    def perform(self, operation: SyncOperation, life: SyncLife) -> Answer:
        """Perform the operation; the answer names the streams that failed in its course."""
        try:
            self._performers[operation](life)
        except DataflowError:
            raise
        except Exception as error:
            # A defect ends the sync in order, like any other error: streams are abandoned, locks released.
            raise InternalError(
                f"Unexpected {type(error).__name__}.",
                doing=f"performing {operation}",
                remedy="All acknowledged records are safe. Report this, with the log of this sync.",
            ) from error
        failed = [run for run in self.runs if run.failed and str(run.name) not in life.failed_streams]
        return Answer(
            failed_streams=tuple(str(run.name) for run in failed),
            first_failure=next((run.life.failure for run in failed), None),
            started=sum(run.writing for run in self.runs)
            if operation is SyncOperation.START_STREAMS
            else None,
        )

    def _set_up(self, _: SyncLife) -> None:
        sync = self._sync
        if self._flushes_at_once < sync.flushes_at_once:
            sync.outlet.log("INFO", _ONE_FLUSH)
        sync.probe(sync.connector, self._owner)
        named = set_up(sync.connector, self._owner, sync.streams)
        self.runs = [StreamRun(each, sync, self._writers, self._owner) for each in named]
        # While the streams start, parsed input waits in the inbox.
        sync.intake.start(sync.source, self._order(), self._inbox)

    def _start_streams(self, _: SyncLife) -> None:
        # What each sync needs goes before the connections that only report on it, or make it quicker.
        self._writers[0].connect("connecting a writer")
        _start(self.runs[:1], self._owner)
        if len(self._writers) > 1:
            self._reach_writers()
        if len(self.runs) > 1:
            lanes = [self._owner, *self._writers[1:]]
            side_by_side(
                [partial(_start, self.runs[1 + n :: len(lanes)], lane) for n, lane in enumerate(lanes)],
                self._sync.connector.runtime.threads,
            )

    def _reach_writers(self) -> None:
        """Connect the writers beyond the first. They only make a sync faster, so this may fail without failing a sync.

        It decides nothing of a life: the sync does without the writers that get no connection.
        """
        for number, writer in enumerate(self._writers[1:], start=1):
            try:
                writer.once("connecting a writer", lambda: None)
            except DataflowError as error:
                writer.client.recover()
                del self._writers[number:]
                self._sync.outlet.log("INFO", f"Streams are processed one at a time. {error}")
                return

    def _read(self, _: SyncLife) -> None:
        streams = {run.name: (self._aggregate(run), run) for run in self.runs}
        self._sync.watch.reading({str(name): aggregate for name, (aggregate, _) in streams.items()})
        pipeline = Pipeline(
            self._inbox,
            streams,
            self._sync.thresholds,
            self._sync.outlet,
            self._sync.miscounts,
            self._gate.waits_for,
            AtOnce(writers=len(self._writers), of_one_stream=self._flushes_at_once),
        )
        for run in self.runs:
            run.taken = partial(_taken, streams[run.name][0], pipeline)
            if run.life.failure is not None:
                pipeline.discard(run.name, run.life.failure)
        pipeline.run()

    def _order(self) -> Order:
        thresholds = self._sync.thresholds
        return Order(
            shapes=tuple(map(self._shape, self.runs)),
            chunk_bytes=thresholds.chunk_for(len(self.runs)),
            most_rows=thresholds.parcel_rows,
        )

    def _shape(self, run: StreamRun) -> Shape:
        return Shape(
            name=run.name,
            columns=run.life.tables.columns,
            limits=self._sync.connector.columns.limits,
            generation_id=run.life.stream.generation_id,
            sync_id=run.life.stream.sync_id,
            roles=run.life.stream.roles,
        )

    def _aggregate(self, run: StreamRun) -> Aggregate:
        runtime = self._sync.connector.runtime
        return Aggregate(
            shape=self._shape(run),
            raw_ids=RawIds(runtime.clock, runtime.randomness, run.operations.highest_raw_id),
            thresholds=evolve(self._sync.thresholds, rows_together=self._sync.connector.rows_together),
        )

    def _finish_streams(self, _: SyncLife) -> None:
        for run in self.runs:
            if run.writing:
                run.end(
                    TransientError(
                        f"The input ended before the source completed stream {run.name}.",
                        remedy="All acknowledged records are safe. Run the sync again.",
                    )
                )

    def _abort_streams(self, life: SyncLife) -> None:
        for run in self.runs:
            if run.writing and life.failure is not None:
                run.end(life.failure)

    def _tear_down(self, _: SyncLife) -> None:
        self._inbox.close()
        for transactions in (*self._writers, self._owner):
            transactions.client.close()

    def _retrying(self, error: DataflowError, attempt: int, wait: float) -> None:
        self._sync.outlet.log("WARN", f"Attempt {attempt} failed; trying again in {duration(wait)}. {error}")


_ONE_FLUSH = (
    "One flush of a stream is written at a time, although more are allowed: this destination refuses a commit whose "
    "table another commit has changed."
)


def _taken(aggregate: Aggregate, pipeline: Pipeline) -> Taken:
    acknowledged = pipeline.acknowledged(aggregate.stream)
    return Taken(read=aggregate.read, bytes=aggregate.read_bytes, acknowledged=acknowledged)


def _start(runs: Sequence[StreamRun], by: Transactions) -> None:
    for run in runs:
        run.start(by)


def run_sync(sync: Sync) -> bool:
    """Run the sync to its end, and report each failure as a TRACE ERROR; whether it succeeded."""
    life = SyncLife()
    operations = SyncOperations(sync)
    clock = sync.connector.runtime.clock
    executor = Executor(operations, clock)
    journal = Journal(sync.run, executor, partial(_keep, sync), turn=sync.turn)
    machine = DestinationLifecycle(life, listeners=[sync.watch.listener(None), executor, journal])
    machine.send("start")
    if life.failure is not None:
        sync.outlet.report(life.failure)
    for run in operations.runs:
        if run.life.failure is not life.failure and run.failure is not None:
            sync.outlet.report(run.failure, run.name)
    return machine.at == "done"
