"""The events that the threads of a pipeline leave for its owner: parsed input, and flushes that came to their ends.

Input is bounded, so that a slow destination stops the reading instead of filling the memory: here the reading side
waits for the budget.
"""

from collections import deque

from attrs import frozen

from dataflow.budget import Budget, Holder
from dataflow.flush import Flush
from dataflow.input.parcel import ParsedChunk
from dataflow.runtime import Runtime


@frozen
class EndOfInput:
    """There is no more input; `error` is the reason if it is not the regular end."""

    error: BaseException | None = None


@frozen
class Written:
    """A flush came to its end: durable, or failed with `error`. Times are in seconds."""

    flush: Flush
    seconds: float = 0.0
    error: BaseException | None = None


InboxEvent = ParsedChunk | EndOfInput | Written


class Inbox:
    """Events for one owner. Those of flushes come first and never wait for room."""

    def __init__(self, most_packed: int, budget: Budget, runtime: Runtime) -> None:
        """Leaves room for `most_packed` bytes of input, as long as the budget has some."""
        self.budget = budget
        # For its owner and for the threads that leave events here.
        self.runtime = runtime
        self._most_packed = most_packed
        # Bytes of input that were left here and are not done with; and the part of them that the owner has taken.
        self._packed = 0
        self._taken = 0
        # Whether the next event of input is let in although the budget is spent.
        self._let_in = False
        self._input: deque[ParsedChunk | EndOfInput] = deque()
        self._written: deque[Written] = deque()
        self._changed = budget.changed
        self._closed = False

    def hold_at_most(self, packed: int) -> None:
        """Leave room for `packed` bytes of input from now on; what is here already stays."""
        with self._changed:
            self._most_packed = packed
            self._changed.notify_all()

    def put_input(self, event: ParsedChunk | EndOfInput) -> bool:
        """Leave input, waiting for room; False when the owner has gone and nothing more is wanted.

        As long as there is any room there is room for one more event, which may be larger than all of it.
        """
        size = event.held if isinstance(event, ParsedChunk) else 0
        with self._changed:
            self._changed.wait_for(lambda: isinstance(event, EndOfInput) or self._closed or self._has_room)
            self._let_in = False
            self._input.append(event)
            self._hold(size)
            self._changed.notify_all()
            return not self._closed

    def put_written(self, event: Written) -> None:
        """Leave the end of a flush."""
        with self._changed:
            self._written.append(event)
            self._changed.notify_all()

    def let_in(self) -> None:
        """Leave room for one event of input although the budget is spent: only input can free any of it."""
        with self._changed:
            self._let_in = True
            self._changed.notify_all()

    def take(self, *, input_too: bool, until: float) -> InboxEvent | None:
        """The next event, or None when there is none until `until` (of the clock's `monotonic`).

        Input takes room until its owner is `done` with it.
        """
        with self._changed:
            while True:
                if self._written:
                    return self._written.popleft()
                if input_too and self._input:
                    event = self._input.popleft()
                    self._taken = event.held if isinstance(event, ParsedChunk) else 0
                    return event
                left = until - self.runtime.clock.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(None if left == float("inf") else left)

    def passed_on(self, size: int) -> None:
        """Another holder takes over `size` bytes of the input that was taken last."""
        with self._changed:
            self._taken -= size
            self._hold(-size)

    def done(self) -> None:
        """The owner is done with the input that it took last."""
        self.passed_on(self._taken)

    def stop(self, reason: EndOfInput) -> None:
        """End the input here: what its owner has not taken is dropped, and this comes next. Never waits."""
        with self._changed:
            self._input.clear()
            self._hold(self._taken - self._packed)
            self._input.append(reason)
            self._closed = True
            self._changed.notify_all()

    def close(self) -> None:
        """The owner has gone: no thread waits for room any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def _has_room(self) -> bool:
        # What the reader has itself is no reason for it to wait.
        in_budget = self._let_in or not self.budget.spent(besides=[Holder.READER])
        return self._packed < self._most_packed and in_budget

    def _hold(self, size: int) -> None:
        self._packed += size
        self.budget.change(Holder.INBOX, size)
