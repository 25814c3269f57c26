"""What a run writes when it has read up to some item, and which of its records are there twice with good reason."""

from collections import Counter

from machines.verify.database import Database, Record, Row
from machines.verify.transactions import Flush
from machines.verify.world import Run

Records = frozenset[Record]


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


class Sent:
    """Which records may be there twice, remembered for each flush that was looked at."""

    def __init__(self) -> None:
        self._known: dict[
            tuple[Records, Database, Database, frozenset[int], tuple[Record, ...]], Records
        ] = {}

    def again(
        self,
        before: Records,
        old: Database,
        new: Database,
        uncovered: frozenset[int],
        brought: tuple[Record, ...],
    ) -> Records:
        """The records that are there twice with good reason: they came again, and their row was one to be kept."""
        asked = (before, old, new, uncovered, brought)
        known = self._known.get(asked)
        if known is None:
            kept = {row.record for row in old.rows if row.raw_id not in uncovered}
            again = before.union(kept.intersection(brought))
            found = Counter(row.record for row in new.rows) if again else {}
            known = self._known[asked] = frozenset(record for record in again if found[record] > 1)
        return known
