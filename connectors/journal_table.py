"""The journal as a table of the destination's internal namespace: one row per transition. Decides nothing.

A client offers it as its `journal`, on its own connection and in its transactions, like the ledger: for an SQL
database `SqlJournal` over the same session. `connectors.journal_keeper` says when it is written.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from attrs import frozen
from psycopg.sql import SQL, Composable, Composed, Identifier

from connectors.ledger import Session
from dataflow.types import TableName
from machines.journal import Entry
from machines.operations import StreamOperation

TABLE = "_airbyte_journal"
# The operations that put other rows in a final table's place.
REPLACING = (StreamOperation.SWAP, StreamOperation.DEDUPE_AND_SWAP)


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
    """Where transitions are kept. Every method runs in the client's current transaction."""

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
        """The transitions in which a stream's life begins or a final table is replaced, by their moments."""
        ...


# Our name of a column, its type, and the entry's member where it has another name.
_COLUMNS = (
    ("at", "timestamp with time zone not null", "at"),
    ("run", "varchar not null", "run"),
    ("number", "bigint not null", "number"),
    ("machine", "varchar not null", "machine"),
    ("stream", "varchar", "stream"),
    ("generation", "bigint", "generation"),
    ("sync", "bigint", "sync"),
    ("from_state", "varchar not null", "from"),
    ("event", "varchar not null", "event"),
    ("to_state", "varchar not null", "to"),
    ("operation", "varchar", "operation"),
    ("rows", "bigint", "rows"),
    ("read", "bigint", "read"),
    ("written", "bigint", "written"),
    ("rejected", "bigint", "rejected"),
    ("nulled", "bigint", "nulled"),
    ("bytes", "bigint", "bytes"),
    ("milliseconds", "double precision", "milliseconds"),
    ("attempt", "bigint", "attempt"),
    ("reason", "varchar", "reason"),
    ("error", "varchar", "error"),
    ("note", "varchar", "note"),
    # What only a replay needs, as JSON: facts, the life's beginning, failed streams.
    ("details", "varchar", "details"),
)
# Led by the moment, so that the one index serves both who forgets and who asks for a run's last.
_KEY = ("at", "run", "number")
_MEMBERS = frozenset(member for _, _, member in _COLUMNS)


class SqlJournal:
    """A journal in a table of an SQL database."""

    def __init__(self, session: Session, internal_namespace: str) -> None:
        self._session = session
        self._place = TableName(internal_namespace, TABLE)

    def prepare(self) -> None:
        """Create the table if it is missing."""
        # IF NOT EXISTS alone would demand the right to make it even where it exists.
        if self._session.column_names(self._place):
            return
        columns = _list(SQL("{} {}").format(Identifier(name), SQL(kind)) for name, kind, _ in _COLUMNS)
        self._session.execute(
            SQL("CREATE TABLE IF NOT EXISTS {} ({}, PRIMARY KEY ({}))").format(
                self._table, columns, _list(map(Identifier, _KEY))
            )
        )

    def last(self, run: str, since: float) -> int:
        """Select the highest number."""
        statement = SQL("SELECT coalesce(max({}), 0) FROM {} WHERE {} >= {} AND {} = {}").format(
            Identifier("number"),
            self._table,
            Identifier("at"),
            self._session.parameter("since"),
            Identifier("run"),
            self._session.parameter("run"),
        )
        return int(self._session.execute(statement, {"since": _moment(since), "run": run})[0][0])

    def append(self, transitions: Sequence[Transition]) -> None:
        """Insert all of them with one statement, the same for any number."""
        statement = SQL("INSERT INTO {} ({}) VALUES ({})").format(
            self._table,
            _list(Identifier(name) for name, _, _ in _COLUMNS),
            _list(self._session.parameter(name) for name, _, _ in _COLUMNS),
        )
        self._session.execute_many(
            statement, [{**row_of(each), "at": _moment(each.at)} for each in transitions]
        )

    def forget(self, before: float) -> None:
        """Delete by the index."""
        statement = SQL("DELETE FROM {} WHERE {} < {}").format(
            self._table, Identifier("at"), self._session.parameter("before")
        )
        self._session.execute(statement, {"before": _moment(before)})

    def read(self, since: float, run: str | None = None) -> Sequence[Transition]:
        """Select by the index."""
        of_run = SQL(" AND {} = {}").format(Identifier("run"), self._session.parameter("run"))
        condition = SQL("{} >= {}{}").format(
            Identifier("at"), self._session.parameter("since"), SQL("") if run is None else of_run
        )
        return self._select(condition, {"since": _moment(since)} | ({} if run is None else {"run": run}))

    def lives(self) -> Sequence[Transition]:
        """Select all of that kind."""
        replacing = {f"replacing_{number}": str(each) for number, each in enumerate(REPLACING)}
        condition = SQL("{} = {} AND ({} = {} OR {} IN ({}))").format(
            Identifier("machine"),
            self._session.parameter("machine"),
            Identifier("from_state"),
            self._session.parameter("idle"),
            Identifier("operation"),
            _list(map(self._session.parameter, replacing)),
        )
        return self._select(condition, {"machine": "stream", "idle": "idle"} | replacing)

    def _select(self, condition: Composable, parameters: Mapping[str, Any]) -> Sequence[Transition]:
        # The moment as text: some drivers need another package to make one of it.
        at, *others = (Identifier(name) for name, _, _ in _COLUMNS)
        statement = SQL("SELECT {} FROM {} WHERE {} ORDER BY {}").format(
            _list([SQL("CAST({} AS varchar)").format(at), *others]),
            self._table,
            condition,
            _list(map(Identifier, _KEY)),
        )
        names = [name for name, _, _ in _COLUMNS]
        rows = self._session.execute(statement, parameters)
        return [transition_of(dict(zip(names, row, strict=True))) for row in rows]

    @property
    def _table(self) -> Composable:
        return self._session.table(self._place)


def row_of(transition: Transition) -> Mapping[str, Any]:
    """A transition by the names of its columns; the moment as text of ISO 8601."""
    entry = transition.entry
    details = {member: value for member, value in entry.items() if member not in _MEMBERS}
    values = {
        **entry,
        "number": transition.number,
        "at": _moment(transition.at).isoformat(),
        "details": json.dumps(details) if details else None,
    }
    return {name: values.get(member) for name, _, member in _COLUMNS}


def transition_of(row: Mapping[str, Any]) -> Transition:
    """The transition whose row it is, its moment as text of ISO 8601."""
    entry = {member: row[name] for name, _, member in _COLUMNS if row[name] is not None}
    number, details = entry.pop("number"), json.loads(entry.pop("details", "{}"))
    moment = datetime.fromisoformat(entry["at"])
    return Transition(number, {**entry, **details, "at": round(moment.timestamp(), 3)})


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _list(parts: Iterable[Composable]) -> Composed:
    return SQL(", ").join(parts)
