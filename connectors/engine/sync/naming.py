"""Looks up in a database what the names of a catalog's streams and fields mean there. Writes nothing.

The ledger says whose each table and column is. A table is looked at only where the ledger does not know all of a
stream's fields: a column that is there and that the ledger does not know was made by somebody else.
"""

from collections.abc import Collection, Mapping, Sequence

from attrs import frozen

from connectors.contract import Client, Connector
from connectors.engine.sync.unfit import expect_order
from dataflow.catalog import DestinationStream
from dataflow.errors import ConfigError, DataflowError
from dataflow.stream_tables import NamedTables, StreamTables
from dataflow.table_catalog import name_tables, unsettled, with_columns
from dataflow.types import Column, StreamName, TableName


@frozen
class Named:
    """A stream with its tables. `failure` is what was found against it before it started, and is its own."""

    stream: DestinationStream
    tables: StreamTables
    failure: DataflowError | None = None


def name_streams(
    connector: Connector, client: Client, streams: Sequence[DestinationStream]
) -> Sequence[Named]:
    """The streams with their tables, in their order, within the client's transaction.

    Raises ConfigError when the catalog as a whole contradicts what the ledger remembers.
    """
    tables = tables_of(connector, client, streams)
    return [name_stream(connector, client, each, tables[each.name]) for each in streams]


def tables_of(
    connector: Connector, client: Client, streams: Sequence[DestinationStream]
) -> Mapping[StreamName, NamedTables]:
    """Each stream's tables, as the ledger has them or would have them."""
    # An entry that nobody has claimed yet owns nothing.
    owned = [entry.owned for entry in client.ledger.entries() if entry.epoch]
    names = [each.name for each in streams]
    return name_tables(names, connector.columns.naming, connector.default_namespace, owned)


def name_stream(
    connector: Connector, client: Client, stream: DestinationStream, tables: NamedTables
) -> Named:
    """A stream with its tables and their columns; a ConfigError about either is its failure."""
    if tables.failure is not None:
        return unnamed(stream, tables, tables.failure)
    found = _columns_of(client, tables.final) if unsettled(stream.fields, tables) else ()
    try:
        columns = with_columns(stream.name, stream.fields, tables, connector.columns.naming, found)
        expect_order(columns, stream.roles)
    except ConfigError as error:
        return unnamed(stream, tables, error)
    return Named(stream, columns)


def unnamed(stream: DestinationStream, tables: NamedTables, failure: DataflowError) -> Named:
    """A stream that will not start. Its columns are named as their fields: no table gets them, messages alone do."""
    columns = tuple(Column(each.name, each.name, each.type) for each in stream.fields)
    named = StreamTables(stream=stream.name, final=tables.final, temp=tables.temp, columns=columns)
    return Named(stream, named, failure)


def _columns_of(client: Client, table: TableName) -> Collection[str]:
    if not client.table_exists(table):
        return ()
    try:
        return tuple(client.discover_schema(table).columns)
    except ConfigError:
        # Not Airbyte's. The start of its stream refuses it, in words.
        return ()
