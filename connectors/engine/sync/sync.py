"""A whole sync against a connector: the port of the destination's lifecycle. Builds what a sync needs; decides nothing
that a machine could.
"""

from collections.abc import Callable, Sequence
from functools import partial

from attrs import evolve

from connectors.engine.sync.parallel import side_by_side
from connectors.engine.sync.setting_up import set_up
from connectors.engine.sync.settings import Sync
from connectors.engine.sync.state_gate import StateGate
from connectors.engine.sync.stream_run import StreamRun, start_all
from connectors.engine.sync.transactions import Transactions
from dataflow.budget import Budget
from dataflow.errors import DataflowError, InternalError, TransientError
from dataflow.pipeline.aggregate import Aggregate
from dataflow.pipeline.inbox import Inbox
from dataflow.pipeline.pipeline import Pipeline
from dataflow.pipeline.reader_thread import Order
from dataflow.pipeline.writers import AtOnce
from dataflow.raw_ids import RawIds
from dataflow.shape import Shape
from machines.destination import DestinationLifecycle, SyncLife
from machines.journal.account import Taken
from machines.journal.listener import Journal
from machines.lifecycle import Executor
from machines.operations import Answer, SyncOperation
from machines.parts import flushes_at_once


class SyncOperations:
    """The port of the destination's lifecycle."""

    def __init__(self, sync: Sync) -> None:
        self._sync = sync
        self._gate = StateGate(sync.streams, sync.outlet.log)
        connector, limits = sync.connector, sync.thresholds
        self._flushes_at_once = flushes_at_once(connector.atomic, sync.flushes_at_once)
        at_once = max(1, min(connector.streams_at_once, len(sync.streams)), self._flushes_at_once)
        self._owner, *self._writers = (
            Transactions(connector, sync.retry, sync.retrying, sync.intake.stopped)
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
        start_all(self.runs[:1], self._owner)
        if len(self._writers) > 1:
            self._reach_writers()
        if len(self.runs) > 1:
            lanes = [self._owner, *self._writers[1:]]
            side_by_side(
                [partial(start_all, self.runs[1 + n :: len(lanes)], lane) for n, lane in enumerate(lanes)],
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


_ONE_FLUSH = (
    "One flush of a stream is written at a time, although more are allowed: this destination refuses a commit whose "
    "table another commit has changed."
)


def _taken(aggregate: Aggregate, pipeline: Pipeline) -> Taken:
    acknowledged = pipeline.acknowledged(aggregate.stream)
    return Taken(read=aggregate.read, bytes=aggregate.read_bytes, acknowledged=acknowledged)


def run_sync(sync: Sync) -> bool:
    """Run the sync to its end, and report each failure as a TRACE ERROR; whether it succeeded."""
    life = SyncLife()
    operations = SyncOperations(sync)
    clock = sync.connector.runtime.clock
    executor = Executor(operations, clock)
    journal = Journal(sync.run, executor, sync.record, turn=sync.turn)
    machine = DestinationLifecycle(life, listeners=[sync.watch.listener(None), executor, journal])
    machine.send("start")
    if life.failure is not None:
        sync.outlet.report(life.failure)
    for run in operations.runs:
        if run.life.failure is not life.failure and run.failure is not None:
            sync.outlet.report(run.failure, run.name)
    return machine.at == "done"
