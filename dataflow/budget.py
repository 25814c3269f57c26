"""How much of the input may be held at a time: one budget, which a sync owns. It counts; it moves nothing.

Whatever was read and has not left yet, as rows of the destination or as lines of stdout, is held by one of HOLDERS.
Nothing else may hold input. Only the reading side waits for the budget: what is in already may move
from one holder to the next, whatever it becomes on its way. So no thread that could free bytes ever waits for bytes.
"""

from collections import Counter
from collections.abc import Collection
from enum import StrEnum

from dataflow.runtime.threads import Threads


class Holder(StrEnum):
    """The holders of parts of the input, and the form in which they hold it."""

    READER = "lines that were read and not yet packed"
    INBOX = "packed input that its owner has not worked through"
    AGGREGATES = "rows that wait to be flushed"
    WRITERS = "flushes that are not yet durable"
    CHECKPOINTS = "STATEs whose records are not yet durable"
    PARTITIONS = "STATEs whose records were not yet read, and counts of the partitions that they name"


HOLDERS = tuple(Holder)


class Budget:
    """`most` bytes of memory, for all holders together. Safe to use from several threads."""

    def __init__(self, most: int, threads: Threads) -> None:
        """`changed` is notified when something was freed; it may be held while the budget is asked."""
        self.most = most
        self.changed = threads.condition()
        self._held = Counter[Holder]()
        self._peak = 0

    def hold(self, holder: Holder, size: int) -> None:
        """The holder has `size` bytes more. Never waits."""
        self.change(holder, size)

    def free(self, holder: Holder, size: int) -> None:
        """The holder has `size` bytes less."""
        self.change(holder, -size)

    def change(self, holder: Holder, by: int) -> None:
        """The holder has `by` bytes more, or less if it is negative. Never waits."""
        with self.changed:
            self._held[holder] += by
            self._peak = max(self._peak, self._held.total())
            if by < 0:
                self.changed.notify_all()

    def held(self, *holders: Holder) -> int:
        """The bytes held by these holders; by all of them if none is given."""
        with self.changed:
            return sum(self._held[holder] for holder in holders or HOLDERS)

    def spent(self, besides: Collection[Holder] = ()) -> bool:
        """Whether there is no room for anything more. What some holders have may be left out of account."""
        with self.changed:
            return sum(size for holder, size in self._held.items() if holder not in besides) >= self.most

    @property
    def peak(self) -> int:
        """The most bytes that were held at a time."""
        return self._peak
