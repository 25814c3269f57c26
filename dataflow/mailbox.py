"""Where the threads of a pipeline leave letters for its owner: parcels of input, and word of what was written.

Bounded on the side of the input, so that a slow destination stops the reading instead of filling the memory.
"""

import threading
import time
from collections import deque

from attrs import frozen

from dataflow.flush import Flush
from dataflow.parcel import Packed


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

    def __init__(self, most_packed: int) -> None:
        self._most_packed = most_packed
        self._input: deque[Packed | EndOfInput] = deque()
        self._written: deque[Written] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def hold_at_most(self, packed: int) -> None:
        """Leave room for so much input from now on; what is here already stays."""
        with self._changed:
            self._most_packed = packed
            self._changed.notify_all()

    def put_input(self, letter: Packed | EndOfInput) -> bool:
        """Leave input, waiting for room; False when the owner has gone and nothing more is wanted."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._input) < self._most_packed)
            self._input.append(letter)
            self._changed.notify_all()
            return not self._closed

    def put_written(self, letter: Written) -> None:
        """Leave word of a flush."""
        with self._changed:
            self._written.append(letter)
            self._changed.notify_all()

    def take(self, *, input_too: bool, until: float) -> Letter | None:
        """The next letter, or None when there is none until `until` (of time.monotonic)."""
        with self._changed:
            while True:
                if self._written:
                    return self._written.popleft()
                if input_too and self._input:
                    letter = self._input.popleft()
                    self._changed.notify_all()
                    return letter
                left = until - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(None if left == float("inf") else left)

    def stop(self, reason: EndOfInput) -> None:
        """End the input here: what its owner has not taken is dropped, and this comes next. Never waits."""
        with self._changed:
            self._input.clear()
            self._input.append(reason)
            self._closed = True
            self._changed.notify_all()

    def close(self) -> None:
        """The owner has gone: nobody waits for room any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
