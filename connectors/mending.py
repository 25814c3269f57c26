"""Takes the step that mends what a crash left. Decides nothing: the step is the doctor's, and the machine's.

It is the start of the stream for real, up to that step and no further: claimed, under the fence, by the operations of
a sync. Rows of which a STATE was told are never dropped here.
"""

from collections.abc import Iterator

from connectors.contract import Connector
from connectors.doctor import Diagnosis, Finding
from connectors.operations import StreamOperations
from connectors.transactions import RetryPolicy, Transactions
from dataflow.errors import DataflowError
from machines.lifecycle import Executor
from machines.operations import Answer, StreamOperation
from machines.stream import StreamLife, StreamLifecycle


def try_mending(connector: Connector, diagnosis: Diagnosis, run: str) -> Iterator[str]:
    """Mend what can be mended, and say of each what came of it."""
    for finding in diagnosis.findings:
        if finding.fix is None:
            continue
        try:
            came = mend(connector, finding, run)
        except DataflowError as error:
            came = f"failed. {error}"
        yield f"{finding.table}: {finding.fix}: {came}"


def mend(connector: Connector, finding: Finding, run: str, retry: RetryPolicy | None = None) -> str:
    """Take the finding's step, once, as a sync would; what came of it, in words. Raises why it could not."""
    transactions = Transactions(connector, retry or RetryPolicy(), lambda *_: None)
    life = StreamLife(finding.life.stream, finding.life.tables)
    operations = StreamOperations(connector, transactions, run)
    port = _UpTo(operations, finding.fix)
    try:
        StreamLifecycle(life, listeners=[Executor(port)]).send("start")
    except _StoppedError as stopped:
        if stopped.answer is not None:
            return stopped.answer.note or "done"
    finally:
        transactions.client.close()
    if life.failure is not None:
        raise life.failure
    return "left alone: it is no longer as it was found"


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
        if operation not in (StreamOperation.CLAIM, StreamOperation.INSPECT, self._step):
            raise _StoppedError(None)
        answer = self._operations.perform(operation, life)
        if operation is self._step:
            raise _StoppedError(answer)
        return answer
