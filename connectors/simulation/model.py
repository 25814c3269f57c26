"""The five laws, asked from outside: after each commit, each emitted STATE and each run that succeeded.

It knows what a source sent, what the platform received and what readers of the tables see. Nothing here is taken from
the engine.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from attrs import define, field

from connectors.simulation.log import Record
from connectors.simulation.plan import Asked

Rows = tuple[Mapping[str, Any], ...]


class BrokenLawError(Exception):
    """What the engine must never do was seen."""


@define
class Known:
    """What is known of one stream from outside."""

    stream: str
    # Whether all of its columns stay as they are.
    steady: bool
    # How many rows each record may have become: it is sent again only after the last STATE that was received, and what
    # no STATE covered in a run does not outlive the run in a temp table.
    copies: Counter[int] = field(factory=Counter)
    records: dict[int, Record] = field(factory=dict)
    # The records that were acknowledged, and must be kept.
    owed: dict[int, Record] = field(factory=dict)
    # The logs that replace earlier ones; whether all of one was sent.
    replacing: dict[int, bool] = field(factory=dict)
    # The logs of which readers have seen anything.
    shown: set[int] = field(factory=set)
    dedupes: bool = False
    appends: bool = False
    # As they were seen last.
    final: Rows | None = None
    temp: Rows = ()

    def begin(self, asked: Asked) -> None:
        """A run of a sync of it has started."""
        self.dedupes = self.dedupes or asked.dedupes
        self.appends = self.appends or not asked.dedupes
        if asked.truncates and asked.lineage not in self.replacing:
            self.replacing[asked.lineage] = False
            self._forget()

    def goes_straight(self, asked: Asked) -> bool:
        """Whether a run's records go straight into the final table, where none goes to a temp table first."""
        return not asked.dedupes and (not asked.truncates or asked.lineage in self.shown)

    def complete(self, asked: Asked) -> None:
        """The source has completed the stream."""
        if asked.truncates:
            self.replacing[asked.lineage] = True
            self._forget()

    def acknowledge(self, records: Iterable[Record]) -> None:
        """The platform has received that these need not be sent again."""
        self.owed.update((each.seq, each) for each in records)
        self._forget()

    # -- the laws

    def durable(self) -> None:
        """1. What was acknowledged is in a table."""
        if lost := self._missing(self.final or (), self.temp):
            raise BrokenLawError(f"law 1: {self.stream}: {lost[0]} was acknowledged, and is in no table")

    def old_or_new(self, final: Rows | None) -> None:
        """2. The final table is as it was and more, or wholly new."""
        old, self.final = self.final, final
        if final is None:
            if old is not None:
                raise BrokenLawError(f"law 2: {self.stream}: the final table is missing")
            return
        now = {row["seq"] for row in final}
        self.shown.update(self.records[seq].lineage for seq in now)
        if old is None or now == {row["seq"] for row in old}:
            return
        if half := self._missing(final):
            raise BrokenLawError(f"law 2: {self.stream}: the final table was published without {half[0]}")
        latest = self._latest(now)
        for row in old:
            record = self.records[row["seq"]]
            outranked = self.dedupes and record.id in latest and latest[record.id].rank >= record.rank
            if record.seq not in now and not outranked and not self._is_new(now):
                raise BrokenLawError(f"law 2: {self.stream}: the final table lost {record}")

    def result(self, asked: Asked) -> None:
        """3. A sync that succeeded has left what it would have left undisturbed."""
        rows = self.final
        if rows is None:
            raise BrokenLawError(f"law 3: {self.stream}: there is no table")
        self.acknowledge(each for each in self.records.values() if each.lineage == asked.lineage)
        if lost := self._missing(rows):
            raise BrokenLawError(f"law 3: {self.stream}: {lost[0]} is missing")
        for row in rows:
            record = self.records[row["seq"]]
            if not self._is_held(record, row):
                raise BrokenLawError(f"law 3: {self.stream}: {record} became another")
            if asked.truncates and record.lineage < asked.lineage:
                raise BrokenLawError(f"law 3: {self.stream}: {record} was to be replaced")
        for seq, count in Counter(row["seq"] for row in rows).items():
            if count > self.copies[seq]:
                times = f"is there {count} times, and may be there {self.copies[seq]} times"
                raise BrokenLawError(f"law 3: {self.stream}: {self.records[seq]} {times}")
        keys = Counter(row["id"] for row in rows)
        if not self.appends and keys and keys.most_common(1)[0][1] > 1:
            raise BrokenLawError(f"law 3: {self.stream}: key {keys.most_common(1)[0][0]} is there twice")

    def one_writer(self, by: str, owner: str) -> None:
        """5. Only the run that claimed a stream last changes its tables."""
        if by != owner:
            raise BrokenLawError(f"law 5: {self.stream}: {by} changed a table that {owner} has claimed")

    # -- what they ask

    def _forget(self) -> None:
        """Nothing is owed of what a refresh may have replaced."""
        self.owed = {seq: each for seq, each in self.owed.items() if not self._may_be_gone(each.lineage)}

    def _may_be_gone(self, lineage: int) -> bool:
        """Whether a refresh has replaced a log, or begins while that log's own refresh is not published."""
        later = [whole for other, whole in self.replacing.items() if other > lineage]
        unpublished = lineage in self.replacing and lineage not in self.shown
        return any(later) or (bool(later) and unpublished)

    def _missing(self, *tables: Rows) -> list[Record]:
        """The records that are owed, and neither they nor later ones of their keys are in the tables."""
        kept = {row["seq"] for rows in tables for row in rows}
        lost = [each for seq, each in self.owed.items() if seq not in kept]
        if not lost or not self.dedupes:
            return lost
        latest = self._latest(kept)
        return [each for each in lost if each.id not in latest or latest[each.id].rank < each.rank]

    def _latest(self, seqs: Collection[int]) -> dict[str, Record]:
        found: dict[str, Record] = {}
        for record in (self.records[seq] for seq in seqs):
            if record.id not in found or found[record.id].rank < record.rank:
                found[record.id] = record
        return found

    def _is_new(self, seqs: Collection[int]) -> bool:
        """Whether this is a log that was to replace the table, and what came after it."""
        wholes = [lineage for lineage, whole in self.replacing.items() if whole]
        return any(all(self.records[seq].lineage >= lineage for seq in seqs) for lineage in wholes)

    def _is_held(self, record: Record, row: Mapping[str, Any]) -> bool:
        """Whether a row holds what its record said."""
        same = (str(row["id"]), row["updated"], row["name"]) == (record.id, record.updated, record.name)
        return same and (not self.steady or row["n"] == record.n)
