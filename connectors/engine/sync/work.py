"""An operation under way: a value that its parts fill in. Performs none of them."""

from collections.abc import Callable
from typing import Any

from attrs import define, evolve, field

from connectors.contract.ledger import LedgerEntry
from dataflow.evolution import Altered
from dataflow.types import TableName
from machines.operations import Answer
from machines.stream import StreamLife


@define(kw_only=True)
class Work:
    """An operation under way: what its parts found and did, by the attempt that counts.

    `flushes` is how many flushes this run made durable, `temp` the table that this operation made, `forgotten` one that
    its entry no longer names, and `cut` how many of temp's rows were deleted. `altered` counts all attempts, since the
    answer of one that altered a table may be lost.
    """

    life: StreamLife
    flushes: int = 0
    temp: TableName | None = None
    forgotten: TableName | None = None
    cut: int | None = None
    answer: Answer = field(factory=Answer)
    altered: dict[tuple[str, str], Altered] = field(factory=dict)

    def add(self, **found: Any) -> None:
        """Add to the operation's answer."""
        self.answer = evolve(self.answer, **found)

    def note(self, text: str) -> None:
        """Add a note to those that other parts of the operation made; an empty one is none."""
        self.add(note="; ".join(filter(None, (self.answer.note, text))))

    def again(self, failed: "Work") -> "Work":
        """The work as it was before an attempt that failed, but for what that attempt altered."""
        return evolve(self, altered=failed.altered)


# Performs a part: from the ledger's entry as it stands to the entry as it is to be saved.
Performer = Callable[[LedgerEntry, Work], LedgerEntry]
