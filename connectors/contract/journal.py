"""The journal as a table of the destination's internal namespace: one row per transition. Decides nothing.

A client offers it as its `journal`, on its own connection and in its transactions, like the ledger. `connectors.sql`
has one for databases that speak SQL. `connectors.engine.journal.writer` says when it is written.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from attrs import frozen

from machines.journal.entries import Entry
from machines.operations import StreamOperation

TABLE = "_airbyte_journal"
# The operations that put other rows in a final table's place.
REPLACING = (StreamOperation.SWAP, StreamOperation.DEDUPE_AND_SWAP)
# Those after which rows wait in a temp table of the life's recipe.
OPENING = (StreamOperation.OPEN_TEMP, StreamOperation.RESUME_TEMP)
# What `lives` lists of a life besides its beginning.
LISTED = (
    *OPENING,
    StreamOperation.COMPLETE,
    StreamOperation.SETTLE,
    StreamOperation.MERGE,
    *REPLACING,
)


@frozen
class Transition:
    """An entry of the journal, and its place among those of its run: the first has the number 1."""

    number: int
    entry: Entry

    @property
    def run(self) -> str:
        """The run it belongs to."""
        return str(self.entry["run"])

    @property
    def at(self) -> float:
        """When it ended, in seconds since 1970."""
        return float(self.entry["at"])


class JournalTable(Protocol):
    """The table in which transitions are kept. Every method runs in the client's current transaction."""

    def prepare(self) -> None:
        """Afterwards the journal exists in the internal namespace, with what it held before."""
        ...

    def last(self, run: str, since: float) -> int:
        """The highest number that is kept of a run, looking no further back than `since`; 0 for none."""
        ...

    def append(self, transitions: Sequence[Transition]) -> None:
        """Keep transitions that are not kept yet."""
        ...

    def forget(self, before: float) -> None:
        """Delete what ended before a moment, in seconds since 1970."""
        ...

    def read(self, since: float, run: str | None = None) -> Sequence[Transition]:
        """What ended at that moment or later, of one run or of all: the runs' transitions in their order."""
        ...

    def lives(self) -> Sequence[Transition]:
        """The transitions in which a stream's life begins, a temp table is opened or continued, or its rows are
        published (the operations LISTED), by their moments.
        """
        ...


# A column of the table, and the entry's member that it holds.
COLUMNS = (
    ("at", "at"),
    ("run", "run"),
    ("number", "number"),
    ("machine", "machine"),
    ("stream", "stream"),
    ("generation", "generation"),
    ("sync", "sync"),
    ("from_state", "from"),
    ("event", "event"),
    ("to_state", "to"),
    ("operation", "operation"),
    ("rows", "rows"),
    ("read", "read"),
    ("written", "written"),
    ("rejected", "rejected"),
    ("nulled", "nulled"),
    ("bytes", "bytes"),
    ("milliseconds", "milliseconds"),
    ("attempt", "attempt"),
    ("reason", "reason"),
    ("error", "error"),
    ("note", "note"),
    # What only a replay needs, as JSON: what was found, the life's beginning, failed streams.
    ("details", "details"),
)
# Led by the moment, so that the one index serves both what deletes and what asks for the last of a run.
KEY = ("at", "run", "number")
_MEMBERS = frozenset(member for _, member in COLUMNS)


def row_of(transition: Transition) -> Mapping[str, Any]:
    """A transition by the names of its columns; the moment as text of ISO 8601."""
    entry = transition.entry
    details = {member: value for member, value in entry.items() if member not in _MEMBERS}
    values = {
        **entry,
        "number": transition.number,
        "at": moment_of(transition.at).isoformat(),
        "details": json.dumps(details) if details else None,
    }
    return {name: values.get(member) for name, member in COLUMNS}


def transition_of(row: Mapping[str, Any]) -> Transition:
    """The transition whose row it is, its moment as text of ISO 8601."""
    entry = {member: row[name] for name, member in COLUMNS if row[name] is not None}
    number, details = entry.pop("number"), json.loads(entry.pop("details", "{}"))
    moment = datetime.fromisoformat(entry["at"])
    return Transition(number, {**entry, **details, "at": round(moment.timestamp(), 3)})


def moment_of(seconds: float) -> datetime:
    """A moment in UTC, from seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
