"""Where the threads of a pipeline leave letters for its owner: parcels of input, and word of what was written.

Bounded on the side of the input, so that a slow destination stops the reading instead of filling the memory: here
the reading side waits for the budget.
"""

from collections import deque

from attrs import frozen

from dataflow.budget import Budget, Holder
from dataflow.flush import Flush
from dataflow.input.parcel import Packed
from dataflow.runtime import Runtime


@frozen
class EndOfInput:
    """There is no more; `error` tells why when it is not the plain end."""

    error: BaseException | None = None


@frozen
class Written:
    """A flush came to its end: durable, or failed with `error`. Times are in seconds."""

    flush: Flush
    seconds: float = 0.0
    error: BaseException | None = None


Letter = Packed | EndOfInput | Written


class Mailbox:
    """Letters for one owner. Word of writing goes first, and is never held back."""

    def __init__(self, most_packed: int, budget: Budget, runtime: Runtime) -> None:
        """Leaves room for so many bytes of input, as long as the budget has some."""
        self.budget = budget
        # Of its owner and of the threads that leave letters here.
        self.runtime = runtime
        self._most_packed = most_packed
        # What was left here and is not done with, and what of it the owner has taken, in bytes.
        self._packed = 0
        self._taken = 0
        # Whether the next letter comes in though the budget is spent.
        self._let_in = False
        self._input: deque[Packed | EndOfInput] = deque()
        self._written: deque[Written] = deque()
        self._changed = budget.changed
        self._closed = False

    def hold_at_most(self, packed: int) -> None:
        """Leave room for so many bytes of input from now on; what is here already stays."""
        with self._changed:
            self._most_packed = packed
            self._changed.notify_all()

    def put_input(self, letter: Packed | EndOfInput) -> bool:
        """Leave input, waiting for room; False when the owner has gone and nothing more is wanted.

        There is room for one letter more while there is any room: a letter may be larger than all of it.
        """
        size = letter.held if isinstance(letter, Packed) else 0
        with self._changed:
            self._changed.wait_for(lambda: isinstance(letter, EndOfInput) or self._closed or self._has_room)
            self._let_in = False
            self._input.append(letter)
            self._hold(size)
            self._changed.notify_all()
            return not self._closed

    def put_written(self, letter: Written) -> None:
        """Leave word of a flush."""
        with self._changed:
            self._written.append(letter)
            self._changed.notify_all()

    def let_in(self) -> None:
        """Leave room for one letter of input, though the budget is spent: nothing but input can free any of it."""
        with self._changed:
            self._let_in = True
            self._changed.notify_all()

    def take(self, *, input_too: bool, until: float) -> Letter | None:
        """The next letter, or None when there is none until `until` (of the clock's `monotonic`).

        Input takes room until its owner is `done` with it.
        """
        with self._changed:
            while True:
                if self._written:
                    return self._written.popleft()
                if input_too and self._input:
                    letter = self._input.popleft()
                    self._taken = letter.held if isinstance(letter, Packed) else 0
                    return letter
                left = until - self.runtime.clock.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(None if left == float("inf") else left)

    def passed_on(self, size: int) -> None:
        """Another holder takes over so many bytes of the input that was taken last."""
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
        """The owner has gone: nobody waits for room any more."""
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
        self.budget.change(Holder.MAILBOX, size)
