"""Finds the temp tables, as the ledger describes them and as they are, and the runs that hold final tables.

Only reads the database. `connectors.engine.dry_run.doctor` says what follows.
"""

from collections.abc import Sequence

from attrs import frozen

from connectors.contract import Client, Writer
from connectors.contract.ledger import LedgerEntry
from connectors.engine.sync.naming import Named
from dataflow.catalog import DestinationStream
from dataflow.names import TEMP_MARK, NamingRules, temp_name
from dataflow.stream_tables import StreamTables
from dataflow.types import StreamName, TableName


@frozen(kw_only=True)
class Trace:
    """A temp table, as the ledger describes it and as it is; one of them may be missing. `wanted` is its next sync.

    `owner` is the stream that its final table belongs to, if the ledger says.
    """

    entry: LedgerEntry | None
    final: TableName
    owner: StreamName | None
    temp: TableName
    exists: bool
    empty: bool
    rows: int | None
    wanted: tuple[DestinationStream, StreamTables] | None

    @property
    def part_of_refresh(self) -> bool:
        """Whether it is to take the final table's place, once the rest of its rows has come."""
        recipe = self.entry.recipe if self.entry else None
        return recipe is not None and recipe.strategy.truncates


@frozen
class Held:
    """A final table that the ledger knows, and its holder."""

    entry: LedgerEntry
    writer: Writer


def find_leftovers(
    client: Client, named: Sequence[Named], rules: NamingRules, spaces: set[str]
) -> tuple[Sequence[Trace], Sequence[Held]]:
    """Every temp table that the ledger knows, or that lies where its tables do, in `spaces` or the catalog's; and
    the holders of tables that the ledger knows.
    """
    entries = client.ledger.entries()
    wanted = [(each.stream, each.tables) for each in named]
    spaces |= {each.table.namespace for each in entries} | {tables.temp.namespace for _, tables in wanted}
    by_final = {tables.final: (stream, tables) for stream, tables in wanted}
    by_temp = {tables.temp: (stream, tables) for stream, tables in wanted}
    known = {entry.temp: entry for entry in entries if entry.temp is not None}
    owners = {_temp_of(entry, rules): entry for entry in entries}
    # Elsewhere another connection may have its own, with a ledger of its own.
    found = (table for table in client.tables_named(TEMP_MARK) if table.namespace in spaces)
    unknown = [
        (temp, owners.get(temp) or LedgerEntry(table=_final_of(temp))) for temp in found if temp not in known
    ]
    traces = [
        _trace(client, temp, entry, by_final.get(entry.table), known=True) for temp, entry in known.items()
    ]
    traces += [
        _trace(client, temp, owner, by_temp.get(temp), known=False)
        for temp, owner in unknown
        if client.writer(owner.table) is None
    ]
    held = ((entry, client.writer(entry.table)) for entry in entries)
    return traces, [Held(entry, writer) for entry, writer in held if writer is not None]


def _temp_of(entry: LedgerEntry, rules: NamingRules) -> TableName | None:
    """What the temp table of an entry's stream is called, where the ledger knows the stream."""
    return TableName(entry.table.namespace, temp_name(entry.stream, rules)) if entry.stream else None


def _trace(
    client: Client,
    temp: TableName,
    owner: LedgerEntry,
    wanted: tuple[DestinationStream, StreamTables] | None,
    *,
    known: bool,
) -> Trace:
    exists = client.table_exists(temp)
    return Trace(
        entry=owner if known else None,
        final=owner.table,
        owner=owner.stream,
        temp=temp,
        exists=exists,
        empty=exists and client.table_is_empty(temp),
        rows=client.statistics(temp).rows if exists else None,
        wanted=wanted,
    )


def _final_of(temp: TableName) -> TableName:
    """The final table of a temp table that no entry names, as far as its name says."""
    return TableName(temp.namespace, temp.name.rpartition(TEMP_MARK)[0] or temp.name)
