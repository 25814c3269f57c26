"""The life of a whole sync: set up, start the streams, read, finish, tear down. Decides; touches no database."""

from typing import Any, Protocol

from attrs import define, field
from statemachine import State

from dataflow.errors import DataflowError, InternalError
from dataflow.runtime.clock import Clock
from machines.lifecycle import Executor, Lifecycle
from machines.operations import Answer, SyncOperation


@define
class SyncLife:
    """What the destination's lifecycle knows: why it failed, and which streams did.

    `started`: how many streams take in records once all were to start; None before that.
    """

    failure: DataflowError | None = None
    failed_streams: tuple[str, ...] = ()
    started: int | None = None
    state: Any = field(default=None, repr=False)

    def learn(self, answer: Answer) -> None:
        """A stream that failed leaves the others alone, but the sync is no success any more."""
        self.failed_streams = (*self.failed_streams, *answer.failed_streams)
        if answer.started is not None:
            self.started = answer.started
        if self.no_stream_started:
            self.fail(_nothing_started(answer.first_failure))

    def fail(self, error: DataflowError) -> None:
        """The first failure is the reason; what follows from it is not."""
        self.failure = self.failure or error

    @property
    def no_stream_started(self) -> bool:
        """There are streams, and each failed before a record could be written."""
        return self.started == 0 and bool(self.failed_streams)

    @property
    def all_streams_done(self) -> bool:
        """Every stream was published and nothing else failed."""
        return self.failure is None and not self.failed_streams


class SyncPort(Protocol):
    """Performs what the destination's lifecycle asks. Raises a DataflowError when it could not."""

    def perform(self, operation: SyncOperation, life: SyncLife) -> Answer:
        """Perform the operation to its end."""
        ...


class DestinationLifecycle(Lifecycle):
    """The life of one sync."""

    idle = State(initial=True)

    class running(State.Compound):  # noqa: N801 - a state's id, like its siblings
        """Everything that an error outside of any stream ends in the same way."""

        setting_up = State(initial=True)
        starting_streams = State()
        reading = State()
        finishing_streams = State()

    aborting = State()
    tearing_down = State()
    done = State(final=True)
    failed = State(final=True)

    OPERATIONS = {  # noqa: RUF012 - declared a ClassVar by the base class
        "setting_up": SyncOperation.SET_UP,
        "starting_streams": SyncOperation.START_STREAMS,
        "reading": SyncOperation.READ,
        "finishing_streams": SyncOperation.FINISH_STREAMS,
        "aborting": SyncOperation.ABORT_STREAMS,
        "tearing_down": SyncOperation.TEAR_DOWN,
    }

    start = idle.to(running)

    succeeded = (
        running.setting_up.to(running.starting_streams)
        | running.starting_streams.to(tearing_down, cond="no_stream_started")
        | running.starting_streams.to(running.reading)
        | running.reading.to(running.finishing_streams)
        | running.finishing_streams.to(tearing_down)
        | aborting.to(tearing_down)
        | tearing_down.to(done, cond="all_streams_done")
        | tearing_down.to(failed)
    )

    errored = running.to(aborting) | aborting.to(tearing_down) | tearing_down.to(failed)


def _nothing_started(first: DataflowError | None) -> DataflowError:
    """The error of a sync of which no stream takes in records. It has the type of the first stream's error."""
    kind = type(first) if first is not None else InternalError
    return kind("No stream could be started.", remedy="Each stream's own error gives the reason.")


def destination_lifecycle(
    life: SyncLife, port: SyncPort, clock: Clock, *listeners: object
) -> DestinationLifecycle:
    """A sync's machine, ready for `start`. Listeners receive every transition after the executor."""
    return DestinationLifecycle(life, listeners=[Executor(port, clock), *listeners])
