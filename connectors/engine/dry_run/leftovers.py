"""Finds the temp tables, as the ledger describes them and as they are, and the runs that hold final tables.

Only reads the database. `connectors.engine.dry_run.doctor` says what follows.
"""

from collections.abc import Sequence

from attrs import frozen

from connectors.contract import Client, Writer
from connectors.contract.ledger import LedgerEntry
from connectors.engine.sync.naming import Named
from connectors.engine.sync.temp_tables import is_of_no_claim_up_to, is_opening
from dataflow.catalog import DestinationStream
from dataflow.names import TEMP_MARK, NamingRules, temp_mark, temp_name
from dataflow.stream_tables import StreamTables
from dataflow.types import StreamName, TableName
from machines.loads import ShardRow


@frozen(kw_only=True)
class Trace:
    """A temp table, as the ledger describes it and as it is; one of them may be missing. `wanted` is its next sync.

    `owner` is the stream that its final table belongs to, if the ledger says, and `claimed` says that a claim which the
    ledger counts may have made it. `entry` is the one that names this temp table.
    """

    entry: LedgerEntry | None
    claimed: bool
    final: TableName
    owner: StreamName | None
    temp: TableName
    exists: bool
    empty: bool
    rows: int | None
    wanted: tuple[DestinationStream, StreamTables] | None
    # Those of the load that is open, if one is.
    shards: tuple[ShardRow, ...] = ()

    @property
    def open_load(self) -> bool:
        """Whether it belongs to a load whose shards are being written."""
        load = self.entry.load if self.entry is not None else None
        return load is not None and load.publishing is None

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
    by_table = {each.table: each for each in entries}
    spaces |= {each.table.namespace for each in entries} | {tables.temp.namespace for _, tables in wanted}
    by_final = {tables.final: (stream, tables) for stream, tables in wanted}
    by_temp = {_stream_of(tables.temp): (stream, tables) for stream, tables in wanted}
    # Elsewhere another connection may have its own, with a ledger of its own.
    found = [table for table in client.tables_named(TEMP_MARK) if table.namespace in spaces]
    known = {_now(entry.temp, found): entry for entry in entries if entry.temp is not None}
    owners = {stream: entry for entry in entries for stream in _streams_of(entry, rules)}
    traces = [
        _trace(client, temp, entry, by_final.get(entry.table), named=True) for temp, entry in known.items()
    ]
    # A stream's own table may bear the mark too.
    for temp in (each for each in found if each not in known and each not in by_table):
        stream = _stream_of(temp)
        next_sync = by_temp.get(stream)
        owner = owners.get(stream) or (by_table.get(next_sync[1].final) if next_sync else None)
        if client.writer(owner.table if owner else _final_of(temp)) is None:
            traces.append(_trace(client, temp, owner, next_sync, named=False))
    held = ((entry, client.writer(entry.table)) for entry in entries)
    return traces, [Held(entry, writer) for entry, writer in held if writer is not None]


def _stream_of(temp: TableName) -> TableName:
    """What all temp tables of one stream have in common."""
    return TableName(temp.namespace, temp_mark(temp.name))


def _streams_of(entry: LedgerEntry, rules: NamingRules) -> Sequence[TableName]:
    """What the temp tables of an entry's stream have in common, as far as the ledger knows it."""
    of_stream = [TableName(entry.table.namespace, temp_name(entry.stream, rules))] if entry.stream else []
    return [_stream_of(each) for each in (*of_stream, *filter(None, [entry.temp]))]


def _now(temp: TableName, found: Sequence[TableName]) -> TableName:
    """The name that the ledger's temp table has now: a run may have renamed it."""
    return next((each for each in found if is_opening(each, temp)), temp)


def _trace(
    client: Client,
    temp: TableName,
    owner: LedgerEntry | None,
    wanted: tuple[DestinationStream, StreamTables] | None,
    *,
    named: bool,
) -> Trace:
    exists = client.table_exists(temp)
    return Trace(
        entry=owner if named else None,
        claimed=owner is not None and not is_of_no_claim_up_to(owner.epoch, temp),
        final=owner.table if owner else _final_of(temp),
        owner=owner.stream if owner else None,
        temp=temp,
        exists=exists,
        empty=exists and client.table_is_empty(temp),
        rows=client.statistics(temp).rows if exists else None,
        wanted=wanted,
        shards=tuple(client.ledger.shards(owner.table)) if named and owner and owner.load else (),
    )


def _final_of(temp: TableName) -> TableName:
    """The final table of a temp table that no entry names, as far as its name says."""
    return TableName(temp.namespace, temp.name.rpartition(TEMP_MARK)[0] or temp.name)
