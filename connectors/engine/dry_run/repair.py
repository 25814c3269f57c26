"""Takes the step that repairs what a crash left. Decides nothing: the step is the doctor's, and the machine's.

It is the start of the stream for real, up to that step and no further: claimed, under the fence, by the operations of
a sync. Acknowledged rows are never dropped here.
"""

from collections.abc import Iterator
from contextlib import closing, suppress
from enum import StrEnum
from functools import partial

from attrs import evolve, frozen

from connectors.contract import Connector
from connectors.engine.dry_run.diagnosis import Diagnosis, Finding
from connectors.engine.sync.operations import StreamOperations
from connectors.engine.sync.transactions import RetryPolicy, Transactions
from dataflow.errors import DataflowError
from dataflow.types import TableName
from machines.lifecycle import Executor
from machines.operations import Answer, StreamOperation
from machines.stream import StreamLife, StreamLifecycle

# What comes before every step of a start.
LOOKING = (StreamOperation.CLAIM, StreamOperation.COMPLETE, StreamOperation.INSPECT)


class RepairOutcome(StrEnum):
    """What came of a step."""

    FIXED = "Fixed"
    LEFT_ALONE = "Left alone"
    FAILED = "Could not fix"


@frozen(kw_only=True)
class Attempt:
    """A step that was to be taken, and what came of it; `came` is in words."""

    table: TableName
    step: StreamOperation
    outcome: RepairOutcome
    came: str

    @property
    def words(self) -> str:
        """The table, the step, and what came of it."""
        return f"{self.table}: {self.step}: {self.came}"


def try_repairs(connector: Connector, diagnosis: Diagnosis, run: str) -> Iterator[Attempt]:
    """Repair what can be repaired, and return what came of each step. Brings the ledger to today's format before."""
    if any(finding.fix is not None for finding in diagnosis.findings):
        _prepare(connector)
    for finding in diagnosis.findings:
        if finding.fix is None:
            continue
        attempt = partial(Attempt, table=finding.table, step=finding.fix)
        try:
            came = repair(connector, finding, run)
        except DataflowError as error:
            yield attempt(outcome=RepairOutcome.FAILED, came=str(error))
        else:
            left = came is None
            yield attempt(
                outcome=RepairOutcome.LEFT_ALONE if left else RepairOutcome.FIXED,
                came="its state has changed since it was found" if came is None else came,
            )


def _prepare(connector: Connector) -> None:
    preparing = Transactions(connector, RetryPolicy(), lambda *_: None)
    with closing(preparing.client) as client:

        def work() -> None:
            client.create_namespace(connector.internal_namespace)
            client.ledger.prepare()

        preparing.run("preparing the ledger", work)


def repair(connector: Connector, finding: Finding, run: str, retry: RetryPolicy | None = None) -> str | None:
    """Take the finding's step, once, as a sync would; what came of it, in words, or None where it was not to be taken.

    Raises why it could not be. If nothing came of it, the ledger names the earlier run again: the next doctor finds
    the run that left the rows.
    """
    transactions = Transactions(connector, retry or RetryPolicy(), lambda *_: None)
    life = StreamLife(finding.life.stream, finding.life.tables, atomic=connector.atomic)
    operations = StreamOperations(connector, transactions, run)
    port = _UpTo(operations, finding.fix)
    try:
        StreamLifecycle(life, listeners=[Executor(port, connector.runtime.clock)]).send("start")
    except _StoppedError as stopped:
        if stopped.answer is not None:
            return stopped.answer.note or "done"
    finally:
        transactions.client.close()
    _name_again(connector, finding, run)
    if life.failure is not None:
        raise life.failure
    return None


def _name_again(connector: Connector, finding: Finding, run: str) -> None:
    """Put the name of the run that left it back, by one more claim, whose number shuts out what is left of that run.

    If another run has the stream by now, nothing is put back: that run claims it.
    """
    transactions = Transactions(connector, RetryPolicy(attempts=2), lambda *_: None)
    client, final = transactions.client, finding.life.tables.final

    def work() -> None:
        entry = client.ledger.hold(final)
        if entry is not None and entry.owner == run and finding.run:
            client.ledger.save(evolve(entry, epoch=entry.epoch + 1, owner=finding.run))

    # If not even this can be done, the error that led here says enough.
    with closing(client), suppress(DataflowError):
        # Before the entry is held: what keeps an entry from a run with the stream's lock is taken for dead.
        transactions.outside(f"locking {final}", lambda: client.lock(final, run))
        transactions.run("naming the run that left it", work)


class _StoppedError(Exception):
    """The walk is over; with the step's answer, if it was taken."""

    def __init__(self, answer: Answer | None) -> None:
        super().__init__()
        self.answer = answer


class _UpTo:
    """A stream's port that performs what leads to one step, then that step, and nothing after it or beside it."""

    def __init__(self, operations: StreamOperations, step: StreamOperation | None) -> None:
        self._operations = operations
        self._step = step

    def perform(self, operation: StreamOperation, life: StreamLife) -> Answer:
        """As the sync's own port; stops the walk by an exception that no machine catches."""
        if operation not in (*LOOKING, self._step):
            raise _StoppedError(None)
        answer = self._operations.perform(operation, life)
        if operation is self._step:
            raise _StoppedError(answer)
        return answer
