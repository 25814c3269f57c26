"""What a worker does with one shard, and how it says what came of it: as plain data, which any transport carries."""

from collections.abc import Sequence

from attrs import evolve, field, frozen

from connectors.contract import Connector
from connectors.engine.load.reading import Read, ShardReader
from connectors.engine.load.stopping import Stop
from connectors.engine.load.worker import opened_load, write_shard
from connectors.engine.sync.faults import Strike, no_fault
from connectors.engine.sync.transactions import RetryPolicy, Transactions
from dataflow.errors import ConfigError, DataflowError, InternalError, TransientError
from dataflow.files.listing import InputFile
from dataflow.types import StreamName, TableName

_KINDS = {kind.failure_type: kind for kind in (ConfigError, TransientError, InternalError)}


@frozen(kw_only=True)
class Failure:
    """A DataflowError as plain data."""

    kind: str
    message: str
    doing: str = ""
    remedy: str = ""
    attempts: int = 1

    @property
    def error(self) -> DataflowError:
        """The error."""
        return _KINDS[self.kind](self.message, doing=self.doing, remedy=self.remedy, attempts=self.attempts)


def failure_of(error: DataflowError) -> Failure:
    """The error as plain data."""
    return Failure(
        kind=error.failure_type,
        message=error.message,
        doing=error.doing,
        remedy=error.remedy,
        attempts=error.attempts,
    )


@frozen(kw_only=True)
class Outcome:
    """What came of a shard that a worker was asked to write.

    `found` says that it was there already: then nothing was read. `failure` is why it was not written.
    """

    number: int
    read: Read = field(factory=Read)
    seconds: float = 0.0
    attempts: int = 1
    found: bool = False
    failure: Failure | None = None


@frozen(kw_only=True)
class Target:
    """An open load, as a worker finds it: its stream, the stream's final table, and the load's id."""

    stream: StreamName
    table: TableName
    load: str


class ShardWriter:
    """Writes shards of one load, one after the other, on a connection of its own."""

    def __init__(
        self,
        connector: Connector,
        target: Target,
        *,
        stop: Stop | None = None,
        strike: Strike = no_fault,
        retry: RetryPolicy | None = None,
        named: Sequence[InputFile] = (),
    ) -> None:
        """Connects with the first shard. `named` are files as this process was given them."""
        self._connector = connector
        self._target = target
        self._strike = strike
        self._named = named
        self._stop = stop or Stop(connector.runtime.threads)
        self._transactions = Transactions(
            connector, retry or RetryPolicy(), lambda *_: None, self._stop.asked
        )
        self._buffer = connector.insert_buffer(self._transactions.client)
        self._reader: ShardReader | None = None

    def write(self, number: int) -> Outcome:
        """Make the shard durable, once, ever; what kept it from that is in the outcome."""
        clock = self._connector.runtime.clock
        began = clock.monotonic()
        try:
            outcome = self._written(number)
        except DataflowError as error:
            outcome = Outcome(number=number, failure=failure_of(error))
        return evolve(outcome, seconds=clock.monotonic() - began)

    def _written(self, number: int) -> Outcome:
        reader = self._reader or self._found()
        self._reader = reader
        written = write_shard(
            self._transactions,
            self._buffer,
            self._target.table,
            self._target.load,
            number,
            reader,
            self._strike,
        )
        return Outcome(
            number=number,
            read=Read() if written.found else reader.read,
            attempts=written.attempts,
            found=written.found,
        )

    def _found(self) -> ShardReader:
        opened = opened_load(self._transactions, self._target.table, self._target.load)
        return ShardReader(self._connector, self._target.stream, opened.recipe, self._stop, self._named)

    def close(self) -> None:
        """Give up the connection. May be called twice."""
        self._transactions.client.close()
