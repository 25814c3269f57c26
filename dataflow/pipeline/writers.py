"""The writing side of a pipeline: threads that make flushes durable, each one after another. Knows no database.

What is written side by side belongs to different streams: those of one stream keep their order, and one that failed
is followed by none, since its successor would leave a hole that its checkpoint covers.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial

from attrs import define, field

from dataflow.budget import Holder
from dataflow.errors import TransientError
from dataflow.flush import Flush
from dataflow.pipeline.inbox import Inbox, Written
from dataflow.runtime.threads import Queue, Thread
from dataflow.types import StreamName

# Makes a flush durable, on the thread of the writer with this number. Raises a DataflowError when it could not.
Insert = Callable[[Flush, int], None]


@define
class _Writer:
    """One thread's work. `held` is the memory that it takes, in bytes.

    `broken` are the streams with a flush that could not be written.
    """

    number: int
    queue: "Queue[Flush | None]" = field(repr=False)
    broken: set[StreamName] = field(factory=set)
    thread: Thread | None = field(default=None, repr=False)
    held: int = 0


class Writers:
    """`count` threads for one owner, which receives the end of each flush in its inbox."""

    def __init__(self, count: int, insert: Insert, inbox: Inbox) -> None:
        self._insert = insert
        self._inbox = inbox
        self._budget = inbox.budget
        self._clock = inbox.runtime.clock
        self._threads = inbox.runtime.threads
        self._writers = [_Writer(number, self._threads.queue()) for number in range(count)]
        # The writer of each stream that has flushes on their way, and the number of these flushes.
        self._at: dict[StreamName, _Writer] = {}
        self._open: Counter[StreamName] = Counter()
        # Flushes on their way.
        self.count = 0

    @property
    def held(self) -> int:
        """Bytes of memory of the flushes on their way."""
        return self._budget.held(Holder.WRITERS)

    def has(self, stream: StreamName) -> bool:
        """Whether a flush of the stream is on its way."""
        return stream in self._at

    def start(self) -> None:
        """Begin."""
        for writer in self._writers:
            writer.thread = self._threads.start(partial(self._write, writer), f"writer {writer.number}")

    def write(self, flush: Flush) -> None:
        """Have a flush written: after those of its stream, otherwise by the writer with the least to do."""
        writer = self._at.get(flush.stream) or min(self._writers, key=lambda each: each.held)
        self._at[flush.stream] = writer
        self._open[flush.stream] += 1
        self.count += 1
        writer.held += flush.held
        self._budget.hold(Holder.WRITERS, flush.held)
        writer.queue.put(flush)

    def heard(self, flush: Flush) -> None:
        """The owner has received the end of a flush."""
        writer = self._at[flush.stream]
        writer.held -= flush.held
        self._budget.free(Holder.WRITERS, flush.held)
        self.count -= 1
        self._open[flush.stream] -= 1
        if not self._open[flush.stream]:
            del self._at[flush.stream]

    def end(self) -> None:
        """Write what is on its way, and nothing more."""
        for writer in self._writers:
            writer.queue.put(None)
        for writer in self._writers:
            if writer.thread is not None:
                writer.thread.join()

    # -- a writer's thread

    def _write(self, writer: _Writer) -> None:
        # No flush is kept while the next one is waited for.
        while self._written(writer, writer.queue.get()):
            pass

    def _written(self, writer: _Writer, flush: Flush | None) -> bool:
        if flush is None:
            return False
        started = self._clock.monotonic()
        error = self._attempt(writer, flush)
        if error is not None:
            writer.broken.add(flush.stream)
        self._inbox.put_written(Written(flush, self._clock.monotonic() - started, error))
        return True

    def _attempt(self, writer: _Writer, flush: Flush) -> BaseException | None:
        if flush.stream in writer.broken:
            return TransientError(
                "An earlier flush of this stream failed.",
                remedy="That flush's own error gives the reason. Run the sync again.",
            )
        try:
            self._insert(flush, writer.number)
        except BaseException as error:  # noqa: BLE001 - it is raised again on the main thread
            return error
        return None
