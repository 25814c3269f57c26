"""Runs of one stream that end between two requests, or lose the answer of one; and what goes on after them.

Listens to a connector's requests, so it works for every connector that says of them. Asserts nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from enum import StrEnum

from attrs import define, field, frozen

from connectors.contract import Atomic, Connector
from connectors.testkit.harness.model import Stint, User, after_interruption, published
from connectors.testkit.harness.rows import row
from connectors.testkit.harness.runs import Clients, Run, open_clients
from dataflow.catalog import Strategy
from dataflow.errors import TransientError
from dataflow.flush import Flush
from dataflow.runtime import SYSTEM
from dataflow.types import TableName
from machines.operations import Answer, Publishing, StreamOperation
from machines.stream import StreamLife, stream_lifecycle

FLUSH = "flush"
# Raw ids of two runs of a stream are this far apart, in milliseconds (17 years), and as far ahead of the clock: no run
# has reserved the ids of the next.
APART = 1 << 39


class Cut(BaseException):
    """The process is gone. What is not sent yet is never sent, neither a statement nor a clean-up."""


class Fault(StrEnum):
    """What happens at a request."""

    CUT = "cut"
    LOST_ANSWER = "lost answer"


@define
class Interruption:
    """A listener of requests. Within one operation it strikes once: before request `at`, or in place of its answer."""

    operation: StreamOperation | str
    fault: Fault
    at: int
    # The requests of the operation so far; the one that was struck; whether the process is gone.
    seen: list[str] = field(factory=list)
    struck: str | None = None
    gone: bool = False
    _within: bool = False

    def sending(self, what: str) -> None:
        """A request of any client."""
        self._stay_gone()
        if not self._within:
            return
        self.seen.append(what)
        if self.fault is Fault.CUT and len(self.seen) == self.at:
            self.cut(what)

    def answered(self, what: str) -> None:
        """Its answer."""
        self._stay_gone()
        if self._within and self.fault is Fault.LOST_ANSWER and len(self.seen) == self.at:
            self._within, self.struck = False, what
            raise TransientError("The connection was lost before the request was answered.")

    @contextmanager
    def watching(self, operation: StreamOperation | str) -> Iterator[None]:
        """Around each operation. One that is not cut before any of its requests is cut after the last."""
        self._within = operation == self.operation and self.struck is None
        yield
        if self._within and self.fault is Fault.CUT and self.at > len(self.seen):
            self.cut("")
        self._within = False

    def cut(self, what: str) -> None:
        """The process is gone from here on. An empty request stands for the end of the operation."""
        self.struck, self.gone = what, True
        raise Cut

    def _stay_gone(self) -> None:
        if self.gone:
            raise Cut


@define
class Ear:
    """The listener of a connector, which hands everything to the interruption of the run that is under way."""

    to: Interruption | None = None

    def sending(self, what: str) -> None:
        """A request of any client."""
        if self.to is not None:
            self.to.sending(what)

    def answered(self, what: str) -> None:
        """Its answer."""
        if self.to is not None:
            self.to.answered(what)


@define
class Source:
    """The records of one stream. `acknowledged` counts those that an emitted STATE covers; the others are sent again.

    `lag` is how many of the last records no STATE covers yet.
    """

    records: Sequence[User]
    lag: int = 0
    acknowledged: int = 0
    # How many were sent: those beyond `acknowledged` may be durable.
    flushed: int = 0

    def flushes(self, run: Run, first: int) -> Iterator[tuple[Flush, int]]:
        """What is not acknowledged, each flush with how many are once it is: the first STATE lags by a record."""
        left, begin = self.records[self.acknowledged :], self.acknowledged
        rows = [row(first + number, id=each.id, name=each.name) for number, each in enumerate(left)]
        parts = (rows[:2], rows[2:]) if len(rows) > 2 else (rows,)
        for number, part in enumerate(parts, 1):
            if part:
                upto = 1 if number < len(parts) else len(rows) - self.lag
                yield run.flush(number, *part, checkpoint=first + upto - 1), begin + upto


class Watched:
    """The port of a run's lifecycle, with every operation under the interruption's eyes."""

    def __init__(self, run: Run, ear: Ear) -> None:
        self._run = run
        self._ear = ear

    def perform(self, operation: StreamOperation, life: StreamLife) -> Answer:
        """As the run does."""
        with self.watching(operation):
            return self._run.operations.perform(operation, life)

    @contextmanager
    def watching(self, operation: StreamOperation | str) -> Iterator[None]:
        """Around an operation, or a flush."""
        if self._ear.to is None:
            yield
        else:
            with self._ear.to.watching(operation):
                yield


@frozen(kw_only=True)
class Story:
    """A run that is cut, the one that was given up before it, if any, and what there is in the end.

    `gives_up`: the source of the run that is cut ends before the stream is complete.
    """

    operation: StreamOperation | str
    strategy: Strategy
    generation: int = 2
    before: Strategy | None = None
    generation_before: int = 2
    gives_up: bool = False

    def __str__(self) -> str:
        return f"{self.operation}-{self.strategy}"

    def is_said_in(self, atomic: Atomic) -> bool:
        """Whether a client has a request to say of. Class C has appends in a temp table, and no COMMIT after reads."""
        by_statement = atomic is Atomic.STATEMENT
        match self.operation, self.strategy:
            case (StreamOperation.OPEN_FINAL | StreamOperation.ABANDON, _):
                return not by_statement
            case (StreamOperation.MERGE, Strategy.APPEND):
                return by_statement
        return True

    def expected(self, table: Sequence[User], before: Source, sent: Sequence[User]) -> list[User]:
        """The final table once the stream is complete."""
        if self.before is None:
            return published(table, self.strategy, sent)
        first = Stint(self.before, self.generation_before, tuple(before.records))
        return after_interruption(
            table, first, before.acknowledged, Stint(self.strategy, self.generation, tuple(sent))
        )


PRIOR = (User(1, "prior", 0), User(2, "prior", 0))
WAITING = (User(3, "waits", 1), User(4, "waits", 1), User(5, "waits", 1))
SENT = (User(1, "sent", 2), User(6, "sent", 2), User(7, "sent", 2), User(6, "sent again", 3))
MORE = (User(7, "more", 4), User(8, "more", 4))


@define
class Stage:
    """One stream of a destination, through as many runs as it takes."""

    connector: Connector
    ear: Ear
    stream: str
    # What the last run knew, and the highest raw id that its claim was given: it begins above.
    life: StreamLife | None = None
    highest_raw_id: str | None = None
    _runs: int = 0

    @property
    def final(self) -> TableName:
        """The final table, once there was a run."""
        assert self.life is not None
        return self.life.tables.final

    @property
    def begun(self) -> Publishing | None:
        """The publication that the last run's claim found begun."""
        return self.life.publishing if self.life is not None else None

    def play(
        self,
        source: Source,
        strategy: Strategy,
        generation: int,
        *,
        gives_up: bool = False,
        interruption: Interruption | None = None,
        clients: Clients | None = None,
    ) -> None:
        """One run, as a sync would make it, by these clients or by its own. Raises why it failed.

        It ends where the interruption ends it.
        """
        self._runs += 1
        self.ear.to = interruption
        with (
            suppress(Cut),
            nullcontext(clients) if clients is not None else open_clients(self.connector) as hands,
        ):
            run = hands.run(
                strategy, generation=generation, stream=self.stream, run=f"{self.stream} {self._runs}"
            )
            self.life = run.life
            port = Watched(run, self.ear)
            machine = stream_lifecycle(run.life, port, SYSTEM.clock)
            machine.send("start")
            self.highest_raw_id = run.operations.highest_raw_id
            if run.life.failure is None:
                self._write(run, port, source)
                machine.send("ended" if gives_up else "completed")
            if run.life.failure is not None and not gives_up:
                raise run.life.failure

    def _write(self, run: Run, port: Watched, source: Source) -> None:
        for flush, acknowledged in source.flushes(run, self._runs * APART):
            source.flushed = min(len(source.records), source.flushed + flush.rows)
            with port.watching(FLUSH):
                run.operations.insert(run.writer, run.buffer, run.life, flush)
            source.acknowledged = acknowledged
