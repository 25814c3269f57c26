"""What is seen of a history from outside of its processes, and which law is asked of it then.

A law is asked on whatever thread its occasion comes. The first that is broken is kept, and ends the history.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from attrs import define, field

from connectors.simulation.log import Message, Record, record_of
from connectors.simulation.model import BrokenLawError, Known
from connectors.simulation.plan import Asked, Plan, Scope
from connectors.simulation.session import Session

TEMP_MARK = "_airbyte_tmp_"
EVERYTHING, ROWS = "everything", "rows"
# There a killed run's insert could come late, and all rows go to a temp table first.
STATEMENT = "statement"


@define(eq=False)
class Voice:
    """One run's source, as it was heard, and how much of what it sent is not durable yet."""

    witness: "Witness"
    asked: dict[str, Asked]
    # The streams whose records may stay before a STATE covers them.
    straight: set[str]
    session: Session
    # Bytes of memory that the run may hold; None where that is not asked.
    most: int | None
    # What no STATE has covered so far, by stream.
    uncovered: dict[str, list[int]] = field(factory=dict)
    # The bytes of the records up to each of them.
    _bytes: list[int] = field(factory=lambda: [0])

    def sent(self, messages: Iterable[Message]) -> None:
        """The source has sent these; all that it sent before was read."""
        if self.most is not None and not self.session.disturbed:
            held = self._bytes[-1] - self._bytes[min(self.session.rows, len(self._bytes) - 1)]
            self.witness.ask(partial(_within, held, self.most))
        for each in messages:
            if each.record is not None:
                self._record(each.stream, each.record)
                self._bytes.append(self._bytes[-1] + len(each.line))
            for stream in each.covers:
                self._cover(stream)
            if each.completes:
                self.witness.known[each.stream].complete(self.asked[each.stream])

    def _record(self, stream: str, record: Record) -> None:
        self.witness.known[stream].records[record.seq] = record
        self.uncovered.setdefault(stream, []).append(record.seq)
        if stream in self.straight:
            self._cover(stream)

    def looks_at(self, stream: str) -> None:
        """The run begins with the stream, and finds the tables as they are now: another may have published before."""
        if self.witness.goes_straight(self.asked[stream]):
            self.straight.add(stream)
            self._cover(stream)

    def _cover(self, stream: str) -> None:
        """What was sent may stay: a STATE covers it, or it goes straight into the final table."""
        self.witness.known[stream].copies.update(self.uncovered.pop(stream, ()))


class Witness:
    """Hears what sources and runs say, and looks at what is committed."""

    def __init__(self, plan: Plan, ended: Callable[[], None]) -> None:
        """`ended` is called once a law is broken."""
        self.broken: BrokenLawError | None = None
        self.known: dict[str, Known] = {}
        # The place in each log of each stream up to which the platform has received STATEs.
        self.heard: dict[tuple[str, int], int] = {}
        # The runs, each with a table that no request of another can be at work on.
        self.undisputed: Collection[tuple[str, Any]] = ()
        # Whether nothing that an earlier run has sent can take effect any more.
        self.quiet = plan.ends_others
        self._voices: list[Voice] = []
        # The runs, each with a stream that it has claimed.
        self._claims: set[tuple[str, str]] = set()
        self._content: Any = None
        self._plan = plan
        self._ended = ended

    def begin(self, asked: Sequence[Asked], session: Session) -> Voice:
        """A run of a sync is about to start: its source's voice."""
        for each in asked:
            self.known.setdefault(each.stream, Known(each.stream, self._plan.steady)).begin(each)
        # The STATE that covers a record may come before it.
        straight = {each.stream for each in asked if self._plan.scope is Scope.PARTITION}
        voice = Voice(self, {each.stream: each for each in asked}, straight, session, _most(self._plan))
        self._voices.append(voice)
        return voice

    def goes_straight(self, asked: Asked) -> bool:
        """Whether the records of a run that begins with the stream now go straight into the final table."""
        return self._plan.atomic != STATEMENT and self.known[asked.stream].goes_straight(asked)

    def hear(self, line: bytes) -> None:
        """A run has written a line: if it is a STATE, its records need not be sent again."""
        if not line.startswith(b'{"type":"STATE"'):
            return
        state = json.loads(line)["state"]
        listed = state["global"]["stream_states"] if "global" in state else [state["stream"]]
        covered = 0
        for each in listed:
            stream, body = each["stream_descriptor"]["name"], each["stream_state"]
            lineage, at = body["lineage"], body["at"]
            before = self.heard.get((stream, lineage), 0)
            self.ask(partial(_forward, before, at))
            self.heard[stream, lineage] = at
            covered += at - before
            known = self.known[stream]
            known.acknowledge(record_of(self._plan, stream, lineage, place) for place in range(before, at))
            self.ask(known.durable)
        self.ask(partial(_counted, covered, state["destinationStats"]["recordCount"]))

    def committed(self, run: str, content: Any) -> None:
        """A run has committed a transaction."""
        entries = {str(entry.stream): entry for entry in content.ledger.values()}
        before, self._content = self._content, content
        # The transaction of rows holds the ledger too.
        fenced = self._plan.atomic == EVERYTHING or (
            self._plan.atomic == ROWS and _same_shape(before, content)
        )
        for stream, known in self.known.items():
            entry = entries.get(stream)
            if entry is not None:
                self._claims.add((entry.owner, stream))
                if entry.temp is None:
                    self._begins(stream, entry.owner)
                final = content.tables.get(entry.table)
                waiting = _waiting(content.tables, entry.temp)
                if fenced or (entry.owner, entry.table) in self.undisputed:
                    self._one_writer(known, (final.rows if final else None, waiting), (run, entry.owner))
                self._look(known, final.rows if final else None, waiting)

    def _begins(self, stream: str, owner: str) -> None:
        """The stream is claimed, and nothing is left of a run before that did not end it."""
        for voice in self._voices:
            if voice.session.run == owner and stream in voice.asked:
                voice.looks_at(stream)

    def succeeded(self, run: str, asked: Sequence[Asked], content: Any) -> None:
        """A run has succeeded. Raises BrokenLawError."""
        for each in asked:
            self.known[each.stream].result(each)
        taken_over = tuple(self._taken_over(run, content))
        # A late statement may create a table. The next claim drops it.
        left = [
            f"table {name}"
            for name, table in content.tables.items()
            if TEMP_MARK in name.name
            and (table.rows or self.quiet)
            and not any(name.name.startswith(f"{each.table.name}{TEMP_MARK}") for each in taken_over)
        ]
        left += [
            f"entry of {each.temp}"
            for each in content.ledger.values()
            if each.temp is not None and each not in taken_over
        ]
        if left:
            raise BrokenLawError(f"law 4: the {left[0]} is left")

    def is_last(self, run: str, content: Any) -> bool:
        """Whether no other run has claimed a stream since this one claimed it."""
        return not any(self._taken_over(run, content))

    def _taken_over(self, run: str, content: Any) -> Iterator[Any]:
        """The entries of streams that another run has claimed since: what it leaves is dropped after the next claim."""
        for entry in content.ledger.values():
            if entry.owner != run and (run, str(entry.stream)) in self._claims:
                yield entry

    def _one_writer(self, known: Known, rows: tuple[Any, Any], runs: tuple[str, str]) -> None:
        if rows[0] is not known.final or rows[1] is not known.temp:
            self.ask(partial(known.one_writer, *runs))

    def _look(self, known: Known, final: Any, temp: Any) -> None:
        if final is known.final and temp is known.temp:
            return
        known.temp = temp
        self.ask(lambda: known.old_or_new(final))
        self.ask(known.durable)

    def ask(self, law: Callable[[], None]) -> None:
        """Ask a law, unless one is broken already."""
        if self.broken is not None:
            return
        try:
            law()
        except BrokenLawError as broken:
            self.broken = broken
            self._ended()


def _waiting(tables: Mapping[Any, Any], temp: Any) -> Any:
    """The rows of the temp table that the ledger names. A run may have given it a name that only begins so."""
    if temp is None or temp in tables:
        return tables[temp].rows if temp else ()
    opening = temp.name.partition(TEMP_MARK)[2]
    found = [
        each.rows for name, each in tables.items() if name.name.partition(TEMP_MARK)[2].startswith(opening)
    ]
    return found[0] if found else ()


def _same_shape(before: Any, now: Any) -> bool:
    """Whether no table was made, altered, renamed or dropped."""
    if before is None or before.tables.keys() != now.tables.keys():
        return False
    return all(table.columns is before.tables[name].columns for name, table in now.tables.items())


def _counted(covered: int, said: float) -> None:
    if said != covered:
        raise BrokenLawError(f"a STATE covers {covered} records, and says {said:.0f}")


def _forward(before: int, now: int) -> None:
    if now < before:
        raise BrokenLawError(f"a STATE went back, from {before} to {now}")


def _most(plan: Plan) -> int | None:
    """The bytes of records that may be on their way: a line is longer than the row that the engine counts.

    A stream with misfits fails, and its records become no rows.
    """
    sizes = plan.sizes
    if sizes.held_bytes is None or plan.misfits:
        return None
    return sizes.held_bytes * 3 // 2 + 2 * sizes.chunk_bytes


def _within(held: int, most: int) -> None:
    if held > most:
        raise BrokenLawError(
            f"{held} bytes of records were read and are not durable, where {most} may be held"
        )
