"""What a run writes when it has read up to some item, and which of its records are there twice with good reason."""

from collections import Counter

from machines.verify.database import Database, Record, Row
from machines.verify.transactions import Flush
from machines.verify.world import Run, World


def flush_of(run: Run, until: int) -> Flush:
    """What a run writes when it has read up to an item; `dataflow/pipeline/aggregate.py` makes the real ones."""
    sync = run.knowledge.sync
    rows = tuple(Row(run.given + n + 1, record) for n, record in enumerate(sync.records(run.at, until)))
    covered = sync.covered(until)
    return Flush(
        number=1,
        rows=rows,
        checkpoint=run.given + len(sync.records(run.at, covered)) if covered > run.at else None,
        highest_raw_id=run.given + len(rows),
    )


def name_of(flush: Flush) -> str:
    """A flush in a history."""
    rows = ", ".join(str(row.record) for row in flush.rows) or "no rows"
    return f"{rows} with a checkpoint" if flush.checkpoint is not None else rows


def sent_again(before: World, after: Database, run: Run, sent: tuple[Record, ...]) -> frozenset[Record]:
    """The records that are there twice with good reason: they came again, and their row was one to be kept."""
    kept = {row.record for row in before.database.rows if row.raw_id not in run.uncovered}
    again = before.again.union(kept.intersection(sent))
    found = Counter(row.record for row in after.rows) if again else {}
    return frozenset(record for record in again if found[record] > 1)
