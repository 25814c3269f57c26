"""A load's stream in one process, between its machine and the shards. Decides nothing that the machine could."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from connectors.engine.load.reading import Read
from connectors.engine.load.session import Session
from connectors.engine.load.writing import Outcome
from connectors.engine.monitor.log import ending
from connectors.engine.sync.naming import Named
from connectors.engine.sync.operations import StreamOperations
from connectors.engine.sync.transactions import Transactions
from dataflow.errors import DataflowError
from dataflow.files.airbyte import LeftOut
from dataflow.flush import Flush
from dataflow.types import StreamName, TableName
from machines.journal.account import Taken
from machines.journal.entries import Entry
from machines.journal.listener import Journal
from machines.journal.standing import Course
from machines.lifecycle import Executor
from machines.loads import ShardRow
from machines.stream import StreamLife, StreamLifecycle


class LoadRun:
    """The load's machine on one side, the ledger's shards on the other."""

    def __init__(self, named: Named, session: Session, owner: Transactions) -> None:
        self.life = StreamLife(
            named.stream,
            named.tables,
            atomic=session.connector.atomic,
            failure=named.failure,
            load=session.load,
        )
        self._owner = owner
        self._session = session
        self._operations = StreamOperations(session.connector, owner, session.run, session.strike)
        executor = Executor(self._operations, session.connector.runtime.clock)
        self._course = Course()
        # The shards of which the machine was notified, and those that an earlier process wrote.
        self._there: set[int] = set()
        self._taken = Taken()
        # What of messages in files was no row, as far as workers reported it.
        self.left_out: Counter[LeftOut] = Counter()
        # As the ledger was last seen.
        self.shards: Sequence[ShardRow] = ()
        journal = Journal(
            session.run,
            executor,
            partial(self._keep, session),
            self.life,
            session.turn,
            lambda: self._taken,
        )
        entering = session.watch.listener(str(self.name))
        self.machine = StreamLifecycle(self.life, listeners=[entering, executor, journal])

    def _keep(self, session: Session, entry: Entry) -> None:
        self._course = self._course.heard(entry)
        session.record(entry)
        for level, message in ending(entry, self._course):
            session.outlet.log(level, message)

    @property
    def name(self) -> StreamName:
        """The stream's descriptor."""
        return self.life.stream.name

    @property
    def table(self) -> TableName:
        """The final table."""
        return self.life.tables.final

    @property
    def writing(self) -> bool:
        """Whether the load is open, and this process goes on with it."""
        return self.machine.at == "writing"

    @property
    def failed(self) -> bool:
        """Whether this process ended without what it was for."""
        return self.machine.at == "failed"

    @property
    def failure(self) -> DataflowError | None:
        """Why it ended so, if it did."""
        return self.life.failure if self.failed else None

    def start(self) -> None:
        """Open the load, or adopt it where it is open; bring it to where its shards are written, or to an end."""
        self.machine.send("start", reason=self.life.failure)
        if self.writing:
            self.shards = self.look()
            self._there = {shard.number for shard in self.shards if shard.rows is not None}

    def look(self) -> Sequence[ShardRow]:
        """The load's shards, as the ledger has them now."""
        ledger = self._owner.client.ledger
        self.shards = self._owner.run("looking at the shards", lambda: ledger.shards(self.table))
        return self.shards

    def ended(self, outcome: Outcome) -> None:
        """A worker has reported: the shard that it wrote is durable."""
        if outcome.failure is None and not outcome.found:
            self.left_out.update(outcome.read.left_out)
            self._landed(outcome.number, outcome.read, outcome.seconds, outcome.attempts)

    def landed(self, shards: Sequence[ShardRow]) -> None:
        """These are the shards while no worker is at work: some may be durable of which none has reported."""
        for shard in shards:
            if shard.rows is not None:
                self._landed(shard.number, Read(rows=shard.rows))

    def _landed(self, number: int, read: Read, seconds: float = 0.0, attempts: int = 1) -> None:
        if number in self._there:
            return
        self._there.add(number)
        self._taken = Taken(read=self._taken.read + read.rows, bytes=self._taken.bytes + read.size)
        flush = Flush(
            stream=self.name,
            number=number + 1,
            batches=(),
            rows=read.rows,
            size=read.size,
            held=0,
            highest_raw_id=None,
            checkpoint=None,
            position=0,
            changed=read.changed,
            unknown=read.unknown,
        )
        self.machine.send("flushed", flush=flush, seconds=seconds, attempts=attempts)

    def publish(self) -> None:
        """Bring the rows of all shards into the final table."""
        self.machine.send("completed")

    def hand_over(self) -> None:
        """Leave the load open, for other processes."""
        self.machine.send("handed_over")

    def end(self, reason: DataflowError) -> None:
        """Its shards could not be written; those that are there stay."""
        self.life.fail(reason)
        self.machine.send("ended", reason=reason)
