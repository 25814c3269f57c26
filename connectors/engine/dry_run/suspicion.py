"""Which tables earlier versions may have mixed, and whose keys they may have collapsed. Changes nothing, repairs
nothing.

An earlier version named tables and columns by the catalog at hand, so that a name could change hands, and let a key's
value that its column did not hold become null. The journal shows the first, for as long as it is kept; a row's
`_airbyte_meta` shows the second. A table that was replaced as a whole since then is right again.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any

from attrs import define, field, frozen

from connectors.contract import Client, Connector
from connectors.contract.journal import REPLACING
from connectors.engine.journal.reader import has_journal
from connectors.engine.sync.transactions import RetryPolicy, Transactions
from dataflow.errors import DataflowError
from dataflow.names import NamingRules, comparable
from dataflow.types import Column, Kind, Scalar, StreamName, TableName
from machines.journal.entries import Entry

DOING = "looking for damage by earlier versions"


@frozen(kw_only=True)
class Suspicion:
    """Something about a table that may be wrong, in a sentence, and what repairs it. Names only, never a value."""

    table: TableName
    says: str
    fix: str


@define
class _Past:
    """What the journal says about one final table since it was last replaced. `old`: an earlier version wrote to it."""

    old: bool = False
    streams: dict[StreamName, None] = field(factory=dict)
    fields: dict[str, dict[str, None]] = field(factory=dict)
    key: tuple[Column, ...] = ()

    def written(self, life: Entry, *, old: bool) -> None:
        """A stream began to write to the table."""
        recipe: Mapping[str, Any] = life["recipe"]
        self.old |= old
        self.streams[StreamName(life["namespace"], life["name"])] = None
        for column in recipe["columns"]:
            self.fields.setdefault(column["name"], {})[column["field"]] = None
        self.key = tuple(
            Column(each["name"], each["field"], Scalar(Kind(each["type"])))
            for each in recipe["columns"]
            if each["name"] in recipe["primary_key"]
        )


def suspected(connector: Connector) -> Sequence[Suspicion]:
    """What may be wrong, as far as the journal and the rows show. Raises the DataflowError of a look that failed."""
    if not has_journal(connector):
        return ()
    looking = Transactions(connector, RetryPolicy(attempts=2), lambda *_: None)
    with closing(looking.client) as client:
        lives = looking.run(DOING, client.journal.lives)
        pasts = _pasts((each.entry for each in lives), connector.columns.naming)
        return [
            found for table, past in pasts.items() if past.old for found in _of_table(looking, table, past)
        ]


def _of_table(looking: Transactions, table: TableName, past: _Past) -> Sequence[Suspicion]:
    """What may be wrong with one table; one that is no more is right."""
    client = looking.client

    def look() -> Sequence[Suspicion]:
        if not client.table_exists(table):
            return ()
        return (*_mixed(table, past), *_lost(client, table, past))

    try:
        return looking.run(DOING, look)
    except DataflowError as error:
        return [
            Suspicion(
                table=table,
                says=f"An earlier version wrote to it, and it could not be inspected. {error.message}",
                fix="Run the doctor again once that is fixed.",
            )
        ]


def _pasts(entries: Iterable[Entry], rules: NamingRules) -> Mapping[TableName, _Past]:
    """What was written to each final table, by one of the names that it was given.

    A version that remembers names numbers the journal's format. A COMPLETE does not count as a replacement here: it
    occurs outside class A alone, and no earlier version wrote to such a database.
    """
    pasts: dict[TableName, _Past] = {}
    called: dict[TableName, TableName] = {}
    lives: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        run = entry["run"], entry["stream"]
        if "life" in entry:
            lives[run] = entry
            final = TableName(*entry["life"]["final"])
            final = called.setdefault(comparable(final, rules), final)
            pasts.setdefault(final, _Past()).written(entry["life"], old="format" not in entry)
        elif entry.get("operation") in REPLACING and "error" not in entry and run in lives:
            final = called[comparable(TableName(*lives[run]["life"]["final"]), rules)]
            pasts[final] = _Past()
            pasts[final].written(lives[run]["life"], old="format" not in lives[run])
    return pasts


def _mixed(table: TableName, past: _Past) -> Sequence[Suspicion]:
    """What the journal says about names that changed hands."""
    streams = ", ".join(sorted(map(str, past.streams)))
    found = []
    if len(past.streams) > 1:
        found.append(
            Suspicion(
                table=table,
                says=f"The table may hold rows of {len(past.streams)} streams: {streams}.",
                fix="Refresh each of them.",
            )
        )
    for column, fields in past.fields.items():
        if len(fields) > 1:
            names = ", ".join(sorted(fields))
            found.append(
                Suspicion(
                    table=table,
                    says=f"The column {column} may hold values of {len(fields)} fields: {names}.",
                    fix=f"Refresh the stream {streams}.",
                )
            )
    return found


def _lost(client: Client, table: TableName, past: _Past) -> Sequence[Suspicion]:
    """The columns of the primary key in which a row has lost its value."""
    there = client.discover_schema(table).columns
    return [
        Suspicion(
            table=table,
            says=f"At least one row lost its value in the primary key column {column.name}, which could not hold it: "
            "distinct records may have been merged into one.",
            fix=f"Refresh the stream {', '.join(sorted(map(str, past.streams)))}.",
        )
        for column in past.key
        if column.name in there and client.has_lost_value(table, column)
    ]
