"""What a run writes when it has read up to some item, and which of its records are there twice with good reason."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

from machines.verify.database import Database, Record, Row
from machines.verify.requests import Flush
from machines.verify.world import Flight, Run, handed

Records = frozenset[Record]


def next_flights(database: Database, run: Run, at_once: int) -> Iterator[tuple[Run, Flight]]:
    """The flushes that a run may hand out next and that may be the next to commit, each with the run as it is then.

    One that commits before another is handed out together with that.
    """
    until, room = run.knowledge.sync.until, at_once - len(run.flights)
    number = _next_number(database, run)
    for before in range(room):
        for cuts in combinations(range(run.at + 1, until + 1), before + 1):
            going = run
            for more, cut in enumerate(cuts):
                going = handed(going, Flight(number + more, going.at, cut, going.given, 0))
            yield going, going.flights[-1]


def _next_number(database: Database, run: Run) -> int:
    written = (row.number for row in database.flushes)
    return max([database.entry.last_flush, *written, *(flight.number for flight in run.flights)]) + 1


def flush_of(run: Run, flight: Flight) -> Flush:
    """What a run writes when it has read up to an item; `dataflow/pipeline/aggregate.py` makes the real ones."""
    sync, given = run.knowledge.sync, flight.given
    records = sync.records(flight.start, flight.until)
    covered = sync.covered(flight.until)
    return Flush(
        number=flight.number,
        rows=tuple(Row(given + n + 1, record) for n, record in enumerate(records)),
        checkpoint=given + len(sync.records(flight.start, covered)) if covered > flight.start else None,
        highest_raw_id=given + len(records),
        reserves=given + len(sync.records(flight.start, sync.until)),
    )


def name_of(flush: Flush) -> str:
    """A flush in a history."""
    rows = ", ".join(str(row.record) for row in flush.rows) or "no rows"
    return f"{rows} with a checkpoint" if flush.checkpoint is not None else rows


class Sent:
    """Which records may be there twice, remembered for each flush that was looked at."""

    def __init__(self) -> None:
        self._known: dict[tuple[Records, Database, Database, frozenset[int], tuple[Row, ...]], Records] = {}

    def again(
        self,
        before: Records,
        old: Database,
        new: Database,
        uncovered: frozenset[int],
        brought: tuple[Row, ...],
    ) -> Records:
        """The records that are there twice with good reason: they came again, and their row was one to be kept."""
        asked = (before, old, new, uncovered, brought)
        known = self._known.get(asked)
        if known is None:
            own = uncovered.union(row.raw_id for row in brought)
            kept = {row.record for row in old.rows if row.raw_id not in own}
            again = before.union(kept.intersection(row.record for row in brought))
            found = Counter(row.record for row in set(new.rows)) if again else {}
            known = self._known[asked] = frozenset(record for record in again if found[record] > 1)
        return known
