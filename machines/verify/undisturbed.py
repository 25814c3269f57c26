"""The final tables that syncs leave when nothing disturbs them: what law 3 compares with. Knows no machine."""

from collections.abc import Iterable, Sequence
from itertools import product

from machines.verify.database import Record, Row, Rows, deduped, merged
from machines.verify.scenarios import Sync
from machines.verify.world import Progress

# More than a lineage has items.
PLACES = 100


def undisturbed(syncs: Sequence[Progress], flushes: int = 1) -> set[frozenset[Record]]:
    """What the final table may hold after these syncs, had none been disturbed.

    One that was given up may have ended with any record between the last acknowledged one and the last that was sent.
    With several flushes at work, rows that go straight to the final table may be those of a later flush alone.
    """
    ends = product(*map(_ends, syncs))
    found = {frozenset(row.record for row in _after(list(zip(syncs, each, strict=True)))) for each in ends}
    return found | _with_gaps(syncs, found) if flushes > 1 else found


def _with_gaps(syncs: Sequence[Progress], found: set[frozenset[Record]]) -> set[frozenset[Record]]:
    """The same without the records of a flush that a sync, given up, did not write before a later one."""
    left_out: set[frozenset[Record]] = {frozenset()}
    for one in syncs:
        if not one.complete and not one.sync.strategy.dedupes:
            open_ones = range(one.acknowledged, one.sent)
            left_out |= {
                frozenset(one.sync.records(start, end)) | others
                for start in open_ones
                for end in range(start + 1, one.sent + 1)
                for others in tuple(left_out)
            }
    return {table - gap for table in found for gap in left_out}


def _ends(one: Progress) -> Iterable[int]:
    if one.complete:
        return (one.sync.until,)
    given_up = range(one.acknowledged, one.sent + 1)
    # What was published and not acknowledged may have been sent again, or not.
    return {one.start, *given_up} if one.published else given_up


def _after(syncs: Sequence[tuple[Progress, int]]) -> Rows:
    """The final table after syncs that each ended at its item. `waiting`: a truncate's rows that are not published."""
    final: Rows = ()
    waiting: Rows = ()
    published: set[int] = set()
    for number, (one, end) in enumerate(syncs):
        sync, turn, later = one.sync, 2 * number, [other.sync for other, _ in syncs[number + 1 :]]
        rows = _arrived(one, end, turn)
        if sync.stream.replaces_each_time:
            # Given up, it leaves nothing: only published records of it were acknowledged.
            final = _arrived(one, sync.until, turn) if one.complete or one.published else final
        elif not sync.strategy.truncates or sync.generation in published:
            final = _added(rows, final, sync)
        elif one.complete or one.published:
            whole = (*waiting, *_arrived(one, sync.until, turn))
            final = deduped(whole, sync.recipe) if sync.strategy.dedupes else whole
            published.add(sync.generation)
            if not one.complete:
                final = _added(_arrived(one, end, turn + 1), final, sync)
        elif later and not later[0].strategy.truncates:
            # The truncate was cancelled: what it brought is added, and what waited for it.
            final, waiting = _added((*waiting, *rows), final, sync), ()
        elif later and later[0].generation == sync.generation:
            waiting = (*waiting, *rows)
    return final


def _added(rows: Rows, final: Rows, sync: Sync) -> Rows:
    return merged(rows, final, sync.recipe) if sync.strategy.dedupes else (*final, *rows)


def _arrived(one: Progress, end: int, turn: int) -> Rows:
    """What a sync's source sends up to an item, in its turn after all that was sent before."""
    records = one.sync.records(one.start, end)
    return tuple(Row(turn * PLACES + record.item, record) for record in records)
