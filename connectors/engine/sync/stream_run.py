"""One stream in a sync, between its machine and the pipeline. Decides nothing that the machine could."""

from collections.abc import Callable, Sequence
from functools import partial

from attrs import evolve

from connectors.engine.monitor.log import ending
from connectors.engine.sync.naming import Named
from connectors.engine.sync.operations import StreamOperations
from connectors.engine.sync.settings import Sync
from connectors.engine.sync.transactions import Transactions
from connectors.engine.sync.unfit import needs, refusal
from dataflow.errors import DataflowError
from dataflow.flush import Flush
from dataflow.keys import Unfit
from dataflow.types import StreamName
from machines.journal.account import Taken
from machines.journal.entries import Entry
from machines.journal.listener import Journal
from machines.journal.standing import Course, standing
from machines.lifecycle import Executor
from machines.stream import StreamLife, StreamLifecycle


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
        sync.record(entry)
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


def start_all(runs: Sequence[StreamRun], by: Transactions) -> None:
    """Start them one after the other, by these transactions."""
    for run in runs:
        run.start(by)
