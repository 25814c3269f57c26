"""What the flush rows of a stream amount to. Pure: it reads no ledger and writes none.

Flushes of one stream may be made durable at once, in any order. Each writes a row of its own, and the next transaction
that holds the ledger entry folds these rows into it. Only flushes without a gap before them count as written: a
checkpoint beyond a gap would cover rows that are missing. Raw ids beyond a gap were given out all the same, and are
not given again.
"""

from collections.abc import Iterable
from typing import Generic, TypeVar

from attrs import frozen

# Raw ids are compared and never computed with: texts in a ledger, numbers in a model of one.
Id = TypeVar("Id", str, int)


@frozen(kw_only=True, cache_hash=True)
class FlushRow(Generic[Id]):
    """One durable flush. `number` counts the flushes of its `epoch` from 1; `rows` is how many rows it wrote.

    `checkpoint` is the highest raw id that a STATE covers once this flush and all before it are durable, None if it
    covers no more than before. `highest_raw_id` is the highest raw id of its rows, None if it has none.
    """

    epoch: int
    number: int
    rows: int = 0
    checkpoint: Id | None = None
    highest_raw_id: Id | None = None


@frozen(kw_only=True)
class Folded(Generic[Id]):
    """What flush rows add to an entry: the last flush without a gap before it, and the checkpoint up to it.

    `checkpoint` and `highest_raw_id` are None where the rows say nothing of them: the entry keeps its own.
    """

    last_flush: int
    checkpoint: Id | None = None
    highest_raw_id: Id | None = None


def fold(last_flush: int, epoch: int, rows: Iterable[FlushRow[Id]]) -> Folded[Id]:
    """Fold flush rows, in any order, into an entry of this epoch whose last flush is `last_flush`.

    The last flush and the checkpoint come from the flushes of this epoch that follow `last_flush` without a gap; the
    highest raw id comes from all rows.
    """
    kept = list(rows)
    following = {row.number: row for row in kept if row.epoch == epoch}
    checkpoint: Id | None = None
    while (row := following.get(last_flush + 1)) is not None:
        last_flush = row.number
        if row.checkpoint is not None:
            checkpoint = row.checkpoint
    highest = max((row.highest_raw_id for row in kept if row.highest_raw_id is not None), default=None)
    return Folded(last_flush=last_flush, checkpoint=checkpoint, highest_raw_id=highest)
