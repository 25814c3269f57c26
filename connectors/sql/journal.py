"""The journal in a table of a database that speaks SQL. Opens no transaction."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg.sql import SQL, Composable, Composed, Identifier

from connectors.contract.journal import KEY, REPLACING, TABLE, Transition, moment_of, row_of, transition_of
from connectors.sql.session import Session
from dataflow.types import TableName

# What the columns are, by their names.
_TYPES = {
    "at": "timestamp with time zone not null",
    "run": "varchar not null",
    "number": "bigint not null",
    "machine": "varchar not null",
    "stream": "varchar",
    "generation": "bigint",
    "sync": "bigint",
    "from_state": "varchar not null",
    "event": "varchar not null",
    "to_state": "varchar not null",
    "operation": "varchar",
    "rows": "bigint",
    "read": "bigint",
    "written": "bigint",
    "rejected": "bigint",
    "nulled": "bigint",
    "bytes": "bigint",
    "milliseconds": "double precision",
    "attempt": "bigint",
    "reason": "varchar",
    "error": "varchar",
    "note": "varchar",
    "details": "varchar",
}


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
        columns = _list(SQL("{} {}").format(Identifier(name), SQL(kind)) for name, kind in _TYPES.items())
        self._session.execute(
            SQL("CREATE TABLE IF NOT EXISTS {} ({}, PRIMARY KEY ({}))").format(
                self._table, columns, _list(map(Identifier, KEY))
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
        return int(self._session.execute(statement, {"since": moment_of(since), "run": run})[0][0])

    def append(self, transitions: Sequence[Transition]) -> None:
        """Insert all of them with one statement, the same for any number."""
        statement = SQL("INSERT INTO {} ({}) VALUES ({})").format(
            self._table,
            _list(Identifier(name) for name in _TYPES),
            _list(self._session.parameter(name) for name in _TYPES),
        )
        self._session.execute_many(
            statement, [{**row_of(each), "at": moment_of(each.at)} for each in transitions]
        )

    def forget(self, before: float) -> None:
        """Delete by the index."""
        statement = SQL("DELETE FROM {} WHERE {} < {}").format(
            self._table, Identifier("at"), self._session.parameter("before")
        )
        self._session.execute(statement, {"before": moment_of(before)})

    def read(self, since: float, run: str | None = None) -> Sequence[Transition]:
        """Select by the index."""
        of_run = SQL(" AND {} = {}").format(Identifier("run"), self._session.parameter("run"))
        condition = SQL("{} >= {}{}").format(
            Identifier("at"), self._session.parameter("since"), SQL("") if run is None else of_run
        )
        return self._select(condition, {"since": moment_of(since)} | ({} if run is None else {"run": run}))

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
        at, *others = (Identifier(name) for name in _TYPES)
        statement = SQL("SELECT {} FROM {} WHERE {} ORDER BY {}").format(
            _list([SQL("CAST({} AS varchar)").format(at), *others]),
            self._table,
            condition,
            _list(map(Identifier, KEY)),
        )
        names = list(_TYPES)
        rows = self._session.execute(statement, parameters)
        return [transition_of(dict(zip(names, row, strict=True))) for row in rows]

    @property
    def _table(self) -> Composable:
        return self._session.table(self._place)


def _list(parts: Iterable[Composable]) -> Composed:
    return SQL(", ").join(parts)
