"""What a run asks of the abstract database, and how it is refused. Values only."""

from attrs import frozen

from machines.verify.database import Rows
from machines.verify.decisions import Knowledge
from machines.verify.values import Interned


class Refused(Exception):
    """The database could not do it, and nothing of it was done."""


class Excused(Refused):
    """The same, and it was not the run's own fault."""


class FencedOff(Excused):
    """Another run has taken the table over."""


class KeptOut(Excused):
    """A load is open on the table."""


class ShardsMissing(Excused):
    """A load is to be published before all of its shards are there."""


@frozen(eq=False)
class Flush(metaclass=Interned):
    """Rows to insert, with the checkpoint they reach; as `dataflow/flush.py` has it.

    `reserves`: the highest raw id that its run can come to.
    """

    number: int
    rows: Rows
    checkpoint: int | None
    highest_raw_id: int
    reserves: int = 0


@frozen(eq=False)
class Request(metaclass=Interned):
    """What a run asks for: the operation, or the flush, with the epoch that it claimed and what its life says."""

    operation: str
    epoch: int
    wishes: Knowledge
    flush: Flush | None = None

    @property
    def to_insert(self) -> Flush:
        """The flush. Raises TypeError for an operation that has none."""
        if self.flush is None:
            raise TypeError(f"{self.operation} has no rows")
        return self.flush
