"""A load's work on a thread of its own, while the calling thread gives the data and waits. Knows no destination.

The calling thread is the one that a KeyboardInterrupt reaches. So an interrupt meets no step of the work: it asks the
work to stop, waits until it has, and goes on to the caller. And data is read on the thread that made it.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from dataflow.errors import DataflowError, TransientError
from dataflow.frames.feed import Feed
from dataflow.frames.pieces import Piece
from dataflow.runtime.threads import JoinedThreads

if TYPE_CHECKING:
    from dataflow.runtime.threads import Threads

T = TypeVar("T")


class Interruption:
    """Asks a load to stop, once: `ask` is called on the calling thread."""

    def __init__(self, threads: "Threads") -> None:
        self._deciding = threads.lock()
        self._listener: Callable[[TransientError], None] | None = None
        self._reason: TransientError | None = None

    def notify(self, listener: Callable[[TransientError], None], threads: "Threads") -> None:
        """Notify a listener of the request, at once if it came before."""
        with self._deciding:
            self._listener = listener
            if self._reason is not None:
                listener(self._reason)

    def ask(self) -> None:
        """The load is to stop."""
        with self._deciding:
            self._reason = TransientError(
                "The load was interrupted.",
                doing="reading the data",
                remedy="Nothing of it was published. Load again.",
            )
            if self._listener is not None:
                self._listener(self._reason)


class Steered(Generic[T]):
    """Work on a thread of its own, whose threads end with it."""

    def __init__(self, threads: JoinedThreads) -> None:
        self._threads = threads
        self._done = threads.event()
        # What the work made, if it has.
        self.made: T | None = None
        self._failure: BaseException | None = None
        self.feed = Feed(threads)
        self.interruption = Interruption(threads)

    def run(self, work: Callable[[], T], pieces: Iterable[Piece]) -> T:
        """What the work makes, which takes the pieces from `feed`. Raises what it raises.

        An interrupt, or any other exception that is no error of the data, is raised again once the work has stopped.
        """
        try:
            self._threads.start(lambda: self._do(work), "load")
            self._give(pieces)
            self._done.wait()
        except BaseException:
            self.interruption.ask()
            self.feed.close()
            self._done.wait()
            raise
        finally:
            if self._done.is_set():
                self._threads.join()
        if self._failure is not None:
            raise self._failure
        return cast("T", self.made)

    def _give(self, pieces: Iterable[Piece]) -> None:
        try:
            for piece in pieces:
                if not self.feed.put(piece):
                    return
        except DataflowError as error:
            self.feed.end(error)
        else:
            self.feed.end()

    def _do(self, work: Callable[[], T]) -> None:
        try:
            self.made = work()
        except BaseException as error:  # noqa: BLE001 - it is raised again on the calling thread
            self._failure = error
        finally:
            self.feed.close()
            self._done.set()
