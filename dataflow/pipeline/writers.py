"""The writing side of a pipeline: threads that make flushes durable, each one after another. Knows no database.

How many of them write flushes of one stream at once is a number; by default it is one, and the flushes of a stream keep
their order. After a flush that failed none of its stream is begun that follows it: it would lie beyond a gap.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial

from attrs import define, field, frozen

from dataflow.budget import Holder
from dataflow.errors import TransientError
from dataflow.flush import Flush
from dataflow.pipeline.inbox import Inbox, Written
from dataflow.runtime.threads import Queue, Thread
from dataflow.types import StreamName

# Makes a flush durable, on the thread of the writer with this number. Raises a DataflowError when it could not.
Insert = Callable[[Flush, int], None]


@frozen(kw_only=True)
class AtOnce:
    """How many threads write, and how many of them may write flushes of one stream."""

    writers: int = 1
    of_one_stream: int = 1


# What suits every destination: flushes are written one after another.
ONE = AtOnce()


@define
class _Writer:
    """One thread's work. `held` is the memory that it takes, in bytes."""

    number: int
    queue: "Queue[Flush | None]" = field(repr=False)
    thread: Thread | None = field(default=None, repr=False)
    held: int = 0


class Writers:
    """Threads for one owner, which receives the end of each flush in its inbox."""

    def __init__(self, at_once: AtOnce, insert: Insert, inbox: Inbox) -> None:
        self._of_one_stream = at_once.of_one_stream
        self._insert = insert
        self._inbox = inbox
        self._budget = inbox.budget
        self._clock = inbox.runtime.clock
        self._threads = inbox.runtime.threads
        self._writers = [_Writer(number, self._threads.queue()) for number in range(at_once.writers)]
        # The writer of each flush on its way, and the number of flushes that each writer has of a stream.
        self._by: dict[tuple[StreamName, int], _Writer] = {}
        self._at: defaultdict[StreamName, Counter[int]] = defaultdict(Counter)
        # The lowest number of the flushes of each stream that failed.
        self._broken: dict[StreamName, int] = {}
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
        """Have a flush written by the writer with the least to do, of those that may write its stream."""
        at = self._at[flush.stream]
        candidates = (
            self._writers if len(at) < self._of_one_stream else [self._writers[number] for number in at]
        )
        writer = min(candidates, key=lambda each: each.held)
        at[writer.number] += 1
        self._by[flush.stream, flush.number] = writer
        self.count += 1
        writer.held += flush.held
        self._budget.hold(Holder.WRITERS, flush.held)
        writer.queue.put(flush)

    def heard(self, flush: Flush) -> None:
        """The owner has received the end of a flush."""
        writer = self._by.pop((flush.stream, flush.number))
        writer.held -= flush.held
        self._budget.free(Holder.WRITERS, flush.held)
        self.count -= 1
        at = self._at[flush.stream]
        at[writer.number] -= 1
        if not at[writer.number]:
            del at[writer.number]
        if not at:
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
            # Two writers that fail at once may leave the higher: then one more is begun, beyond the gap.
            self._broken[flush.stream] = min(flush.number, self._broken.get(flush.stream, flush.number))
        self._inbox.put_written(Written(flush, self._clock.monotonic() - started, error))
        return True

    def _attempt(self, writer: _Writer, flush: Flush) -> BaseException | None:
        if flush.number > self._broken.get(flush.stream, flush.number):
            return TransientError(
                "An earlier flush of this stream failed.",
                remedy="That flush's own error gives the reason. Run the sync again.",
            )
        try:
            self._insert(flush, writer.number)
        except BaseException as error:  # noqa: BLE001 - it is raised again on the main thread
            return error
        return None
