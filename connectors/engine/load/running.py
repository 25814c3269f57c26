"""One process's part in a load, from its set-up to its end: the port of the destination's lifecycle. Decides nothing
that a machine could.
"""

from collections.abc import Callable, Mapping, Sequence

from attrs import frozen

from connectors.engine.load.load_run import LoadRun
from connectors.engine.load.rounds import Rounds
from connectors.engine.load.session import Opened, Session, Until
from connectors.engine.load.writing import Target
from connectors.engine.sync.setting_up import set_up
from connectors.engine.sync.transactions import Transactions
from connectors.engine.sync.undoing import expect_undone_at_first
from dataflow.errors import DataflowError, InternalError
from dataflow.files.airbyte import LeftOut
from machines.destination import DestinationLifecycle, SyncLife
from machines.journal.listener import Journal
from machines.lifecycle import Executor
from machines.loads import ShardRow
from machines.operations import Answer, SyncOperation


@frozen(kw_only=True)
class Ended:
    """How a process's part in a load ended.

    `shards` are as the ledger had them last. `left_out` counts what of messages in files is no row, as far as workers
    reported it.
    """

    succeeded: bool
    shards: Sequence[ShardRow]
    left_out: Mapping[LeftOut, int]


class LoadOperations:
    """The port of the destination's lifecycle, for a load."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._owner = Transactions(session.connector, session.retry, session.retrying, session.stop.asked)
        # Made when the ledger has given its names.
        self.run: LoadRun | None = None
        self._performers: Mapping[SyncOperation, Callable[[LoadRun], None]] = {
            SyncOperation.START_STREAMS: LoadRun.start,
            SyncOperation.READ: self._read,
            SyncOperation.FINISH_STREAMS: self._finish,
        }

    def perform(self, operation: SyncOperation, life: SyncLife) -> Answer:
        """Perform the operation; the answer says whether the stream failed in its course."""
        try:
            self._perform(operation, life)
        except DataflowError:
            raise
        except Exception as error:
            raise InternalError(
                f"Unexpected {type(error).__name__}.",
                doing=f"performing {operation}",
                remedy="What is written is kept. Report this, with the output on stderr.",
            ) from error
        run = self.run
        failed = run is not None and run.failed and str(run.name) not in life.failed_streams
        return Answer(
            failed_streams=(str(run.name),) if run is not None and failed else (),
            first_failure=run.life.failure if run is not None and failed else None,
            started=int(run is not None and run.writing)
            if operation is SyncOperation.START_STREAMS
            else None,
        )

    def _perform(self, operation: SyncOperation, life: SyncLife) -> None:
        if operation is SyncOperation.SET_UP:
            self._set_up()
        elif operation is SyncOperation.TEAR_DOWN:
            self._owner.client.close()
        elif operation is SyncOperation.ABORT_STREAMS:
            if self.run is not None and self.run.writing and life.failure is not None:
                self.run.end(life.failure)
        elif self.run is not None:
            self._performers[operation](self.run)

    def _set_up(self) -> None:
        session, owner = self._session, self._owner
        expect_undone_at_first(session.connector, owner)
        (named,) = set_up(session.connector, owner, [session.stream])
        owner.run("setting up the destination", owner.client.ledger.prepare_loads)
        self.run = LoadRun(named, session, owner)

    def _read(self, run: LoadRun) -> None:
        session = self._session
        if not run.writing or session.workers is None:
            return
        opened = Opened(
            target=Target(stream=run.name, table=run.table, load=session.load.id),
            missing=sum(shard.rows is None for shard in run.shards),
        )
        workers = session.workers(opened)
        try:
            Rounds(
                look=run.look,
                progress=session.progress,
                landed=run.landed,
                task=workers.task,
                work=workers.work,
                ended=run.ended,
                stop=session.stop,
                runtime=session.connector.runtime,
            ).run(workers.executor)
        except DataflowError as error:
            # It is the stream's, as an error of its records would be: what is written waits for the next run.
            run.end(error)
        finally:
            workers.executor.close()

    def _finish(self, run: LoadRun) -> None:
        if not run.writing:
            return
        if self._session.until is Until.OPEN:
            run.hand_over()
        else:
            run.publish()


def run_load(session: Session) -> Ended:
    """Take the load as far as the session says, and report each failure to its outlet."""
    life = SyncLife()
    operations = LoadOperations(session)
    executor = Executor(operations, session.connector.runtime.clock)
    journal = Journal(session.run, executor, session.record, turn=session.turn)
    machine = DestinationLifecycle(life, listeners=[session.watch.listener(None), executor, journal])
    machine.send("start")
    run = operations.run
    if run is not None and run.failure is not None:
        session.outlet.report(run.failure, run.name)
    elif life.failure is not None:
        session.outlet.report(life.failure)
    return Ended(
        succeeded=machine.at == "done",
        shards=run.shards if run is not None else (),
        left_out=run.left_out if run is not None else {},
    )
