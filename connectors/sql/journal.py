"""The journal in a table of a database that speaks SQL. Opens no transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.contract.journal import KEY, LISTED, TABLE, Transition, moment_of, row_of, transition_of
from connectors.sql.dialect import Dialect, Holds, InternalColumn
from connectors.sql.session import Session
from connectors.sql.text import Name, Param, Sql, join, listed, names, sql
from dataflow.types import TableName

_COLUMNS = (
    InternalColumn("at", Holds.MOMENT, nullable=False),
    InternalColumn("run", Holds.KEY, nullable=False),
    InternalColumn("number", Holds.INTEGER, nullable=False),
    InternalColumn("machine", Holds.TEXT, nullable=False),
    InternalColumn("stream", Holds.TEXT),
    InternalColumn("generation", Holds.INTEGER),
    InternalColumn("sync", Holds.INTEGER),
    InternalColumn("from_state", Holds.TEXT, nullable=False),
    InternalColumn("event", Holds.TEXT, nullable=False),
    InternalColumn("to_state", Holds.TEXT, nullable=False),
    InternalColumn("operation", Holds.TEXT),
    InternalColumn("rows", Holds.INTEGER),
    InternalColumn("read", Holds.INTEGER),
    InternalColumn("written", Holds.INTEGER),
    InternalColumn("rejected", Holds.INTEGER),
    InternalColumn("nulled", Holds.INTEGER),
    InternalColumn("bytes", Holds.INTEGER),
    InternalColumn("milliseconds", Holds.REAL),
    InternalColumn("attempt", Holds.INTEGER),
    InternalColumn("reason", Holds.TEXT),
    InternalColumn("error", Holds.TEXT),
    InternalColumn("note", Holds.TEXT),
    InternalColumn("details", Holds.TEXT),
)
_NAMES = tuple(column.name for column in _COLUMNS)


class SqlJournal:
    """A journal in a table of an SQL database."""

    def __init__(self, session: Session, internal_namespace: str, dialect: Dialect) -> None:
        self._session = session
        self._place = TableName(internal_namespace, TABLE)
        self._dialect = dialect

    def prepare(self) -> None:
        """Create the table if it is missing."""
        # IF NOT EXISTS alone would demand the right to make it even where it exists.
        if self._session.column_names(self._place):
            return
        self._session.execute(
            sql(
                "CREATE TABLE IF NOT EXISTS {} ({}, PRIMARY KEY ({})){}",
                self._table,
                listed(map(self._dialect.internal_definition, _COLUMNS)),
                names(KEY),
                self._dialect.table_options,
            )
        )

    def last(self, run: str, since: float) -> int:
        """Select the highest number."""
        statement = sql(
            "SELECT coalesce(max({}), 0) FROM {} WHERE {} AND {}",
            Name("number"),
            self._table,
            _SINCE,
            _OF_RUN,
        )
        return int(self._session.execute(statement, {"since": moment_of(since), "run": run})[0][0])

    def append(self, transitions: Sequence[Transition]) -> None:
        """Insert all of them with one statement, the same for any number."""
        statement = sql(
            "INSERT INTO {} ({}) VALUES ({})", self._table, names(_NAMES), listed(map(Param, _NAMES))
        )
        self._session.execute_many(
            statement, [{**row_of(each), "at": moment_of(each.at)} for each in transitions]
        )

    def forget(self, before: float) -> None:
        """Delete by the index."""
        statement = sql("DELETE FROM {} WHERE {} < {}", self._table, Name("at"), Param("before"))
        self._session.execute(statement, {"before": moment_of(before)})

    def read(self, since: float, run: str | None = None) -> Sequence[Transition]:
        """Select by the index."""
        if run is None:
            return self._select(_SINCE, {"since": moment_of(since)})
        return self._select(join(" AND ", [_SINCE, _OF_RUN]), {"since": moment_of(since), "run": run})

    def lives(self) -> Sequence[Transition]:
        """Select all of that kind."""
        operations = {f"operation_{number}": str(each) for number, each in enumerate(LISTED)}
        condition = sql(
            "{} = {} AND ({} = {} OR {} IN ({}))",
            Name("machine"),
            Param("machine"),
            Name("from_state"),
            Param("idle"),
            Name("operation"),
            listed(map(Param, operations)),
        )
        return self._select(condition, {"machine": "stream", "idle": "idle"} | operations)

    def _select(self, condition: Sql, parameters: Mapping[str, Any]) -> Sequence[Transition]:
        # The moment as text: some drivers need another package to make one of it.
        at, *others = map(Name, _NAMES)
        statement = sql(
            "SELECT {} FROM {} WHERE {} ORDER BY {}",
            listed([self._dialect.moment_as_text(at), *others]),
            self._table,
            condition,
            names(KEY),
        )
        rows = self._session.execute(statement, parameters)
        return [transition_of(dict(zip(_NAMES, row, strict=True))) for row in rows]

    @property
    def _table(self) -> Name:
        return self._session.table(self._place)


_SINCE = sql("{} >= {}", Name("at"), Param("since"))
_OF_RUN = sql("{} = {}", Name("run"), Param("run"))
