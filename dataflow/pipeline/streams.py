"""A stream on its way through the pipeline: how far it is, and which of its flushes are durable. Moves nothing."""

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

from attrs import define, field

from dataflow.errors import DataflowError
from dataflow.flush import Flush
from dataflow.keys import Unfit
from dataflow.pipeline.aggregate import Aggregate
from dataflow.types import StreamName


class StreamSink(Protocol):
    """The receiver of one stream's flushes and of the events of its life."""

    def insert(self, flush: Flush, writer: int) -> None:
        """Make a flush durable, on the thread of the writer with this number.

        Raises a DataflowError when it could not. If several flushes of a stream may be at work at once, each is
        inserted on the thread of another writer.
        """
        ...

    def flushed(self, flush: Flush, seconds: float) -> None:
        """A flush is durable."""
        ...

    def complete(self) -> DataflowError | None:
        """The source completed the stream and all of it is durable: publish it. Why it failed, if it did."""
        ...

    def fail(self, error: DataflowError, unfit: Sequence[Unfit] = ()) -> None:
        """The stream ends here, unpublished; `unfit` are the fields that it ends for, if it does for any.

        None of its flushes is at work any more.
        """
        ...

    def refusal(self, unfit: Sequence[Unfit]) -> DataflowError:
        """Why the stream is to end here, of which these fields are not held as they were sent."""
        ...


class Stage(Enum):
    """How far a stream is."""

    OPEN = "its rows are taken in and written"
    FAILING = "a flush of it failed, and those at work are waited for"
    CLOSED = "it was published, or it failed"


@define
class Stream:
    """A stream on its way. `completed`: nothing of it may come any more. `written` counts its durable rows.

    `failure` is why a flush of it failed, while it is failing: of those that did, the one with the lowest number.
    """

    aggregate: Aggregate
    sink: StreamSink
    stage: Stage = Stage.OPEN
    completed: bool = False
    written: int = 0
    failure: DataflowError | None = None
    # The last flush that landed without a gap before it, and the positions of those beyond one.
    _last: int = 0
    _beyond: dict[int, int] = field(factory=dict)
    # The number of the flush that `failure` is of.
    _failed_flush: int | None = None

    @property
    def name(self) -> StreamName:
        """Its descriptor."""
        return self.aggregate.stream

    @property
    def open(self) -> bool:
        """Whether rows of it are taken in."""
        return self.stage is Stage.OPEN

    def landed(self, flush: Flush) -> int | None:
        """A flush is durable: the position up to which all flushes are. None: one before it is not, and this one says
        nothing yet.
        """
        self.written += flush.rows
        self._beyond[flush.number] = flush.position
        position = None
        while self._last + 1 in self._beyond:
            self._last += 1
            position = self._beyond.pop(self._last)
        return position

    def failed_at(self, flush: Flush, error: DataflowError) -> None:
        """A flush could not be made durable. Those that follow one that failed may have failed because of it."""
        if self._failed_flush is None or flush.number < self._failed_flush:
            self._failed_flush, self.failure = flush.number, error
