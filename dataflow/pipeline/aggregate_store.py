"""The open rows of all streams, and which of them are due. What it costs to ask does not grow with the streams.

Only an aggregate to which something happened can have become due, or one whose moment has come: these alone are asked.
All of them are looked at only where they hold too much, which is followed by flushes that cost far more.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count

from attrs import define, field

from dataflow.batch import Rows
from dataflow.budget import Budget, Holder
from dataflow.flush import Flush
from dataflow.pipeline.aggregate import Aggregate, Thresholds
from dataflow.types import StreamName

NEVER = float("inf")


@define
class AggregateStore:
    """What all streams have read and not yet written. It draws on the budget for it."""

    thresholds: Thresholds
    budget: Budget
    # Those with work.
    _waiting: dict[StreamName, Aggregate] = field(factory=dict)
    # Those to which something happened since they were asked.
    _touched: dict[StreamName, Aggregate] = field(factory=dict)
    # When aggregates are to be asked, the earliest first; numbered, since they have no order of their own. One may be
    # in it with moments that are no longer its own.
    _moments: list[tuple[float, int, Aggregate]] = field(factory=list)
    _scheduled: dict[StreamName, float] = field(factory=dict)
    _numbers: Iterator[int] = field(factory=count)

    @property
    def held(self) -> int:
        """Bytes of memory that all of it takes."""
        return self.budget.held(Holder.AGGREGATES)

    def receive(self, aggregate: Aggregate, rows: Rows, now: float) -> None:
        """Take in rows of a stream."""
        before = aggregate.held
        aggregate.receive(rows, now)
        self.budget.change(Holder.AGGREGATES, aggregate.held - before)
        self._touch(aggregate)

    def mark(self, aggregate: Aggregate, now: float) -> int:
        """A STATE has come that covers all that was read of a stream: its position."""
        position = aggregate.mark(now)
        self._touch(aggregate)
        return position

    def flush(self, aggregate: Aggregate, rows: int | None = None) -> Flush:
        """The first rows of a stream, all of them for None, which are then the flush's."""
        before = aggregate.held
        flush = aggregate.flush(rows)
        self.budget.change(Holder.AGGREGATES, aggregate.held - before)
        self._touch(aggregate)
        return flush

    def drop(self, aggregate: Aggregate) -> None:
        """Let go of what waits of a stream, which has failed."""
        self.budget.free(Holder.AGGREGATES, aggregate.held)
        aggregate.drop()
        self._touch(aggregate)

    def next_moment(self) -> float:
        """When the next is due, whatever happens meanwhile; infinity for never."""
        while self._moments:
            moment, _, aggregate = self._moments[0]
            scheduled = moment == self._scheduled.get(aggregate.stream)
            if scheduled and moment == aggregate.due_at():
                return moment
            heappop(self._moments)
            if scheduled:
                del self._scheduled[aggregate.stream]
                self._schedule(aggregate)
        return NEVER

    def due(self, now: float, *, states_too_large: bool = False) -> list[tuple[Aggregate, int]]:
        """Those to flush now, and how many rows of each.

        These are the due ones, those that STATEs wait for if the STATEs take too much memory, and the largest while all
        of them take too much.
        """
        while self.next_moment() <= now:
            _, _, aggregate = heappop(self._moments)
            del self._scheduled[aggregate.stream]
            self._touched[aggregate.stream] = aggregate
        chosen = {
            name: (aggregate, rows)
            for name, aggregate in self._touched.items()
            if (rows := aggregate.rows_due(now)) is not None
        }
        self._touched.clear()
        if states_too_large:
            chosen |= {name: (each, each.rows) for name, each in self._waiting.items() if each.has_marks}
        held = self.held - sum(aggregate.held for aggregate, _ in chosen.values())
        if held > self.thresholds.open_bytes:
            left = sorted(
                (each for name, each in self._waiting.items() if name not in chosen),
                key=lambda aggregate: aggregate.held,
            )
            while left and held > self.thresholds.open_bytes:
                largest = left.pop()
                held -= largest.held
                chosen[largest.stream] = largest, largest.whole_groups
        # The longest waiting first.
        return sorted(chosen.values(), key=lambda each: each[0].due_at())

    def waiting(self) -> list[Aggregate]:
        """Those with work."""
        return list(self._waiting.values())

    def _touch(self, aggregate: Aggregate) -> None:
        self._touched[aggregate.stream] = aggregate
        if aggregate.has_work():
            self._waiting[aggregate.stream] = aggregate
        else:
            self._waiting.pop(aggregate.stream, None)
        self._schedule(aggregate)

    def _schedule(self, aggregate: Aggregate) -> None:
        moment = aggregate.due_at()
        if moment < self._scheduled.get(aggregate.stream, NEVER):
            self._scheduled[aggregate.stream] = moment
            heappush(self._moments, (moment, next(self._numbers), aggregate))
