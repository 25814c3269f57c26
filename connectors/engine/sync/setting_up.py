"""Readies a destination for a sync's streams: its ledger, their names, their namespaces. Starts no stream.

What is found against one stream is that stream's failure, and the others go on.
"""

from collections.abc import Mapping, Sequence

from connectors.contract import Connector
from connectors.engine.sync.members import expect_members
from connectors.engine.sync.naming import Named, name_stream, tables_of, unnamed
from connectors.engine.sync.temp_tables import expect_room
from connectors.engine.sync.transactions import Transactions
from dataflow.catalog import DestinationStream
from dataflow.errors import ConfigError, DataflowError
from dataflow.stream_tables import NamedTables
from dataflow.types import StreamName

DOING = "setting up the destination"


def set_up(
    connector: Connector, transactions: Transactions, streams: Sequence[DestinationStream]
) -> Sequence[Named]:
    """The streams with their tables, in their order; afterwards there is a ledger, and namespaces for those without
    failure. Raises the DataflowError of what concerns all of them.
    """
    expect_room(connector)
    client = transactions.client
    expect_members(connector, client)

    def tables() -> Mapping[StreamName, NamedTables]:
        client.create_namespace(connector.internal_namespace)
        client.ledger.prepare()
        return tables_of(connector, client, streams)

    def everything() -> Sequence[Named]:
        of = tables()
        for namespace in sorted({each.final.namespace for each in of.values()}):
            client.create_namespace(namespace)
        return [name_stream(connector, client, each, of[each.name]) for each in streams]

    try:
        return transactions.run(DOING, everything)
    except ConfigError:
        # What a person must see to may concern one stream alone: each by itself shows which.
        of = transactions.run(DOING, tables)
        return [_by_itself(connector, transactions, each, of[each.name]) for each in streams]


def _by_itself(
    connector: Connector, transactions: Transactions, stream: DestinationStream, tables: NamedTables
) -> Named:
    client = transactions.client

    def work() -> Named:
        client.create_namespace(tables.final.namespace)
        return name_stream(connector, client, stream, tables)

    try:
        return transactions.run(f"readying the tables of stream {stream.name}", work)
    except DataflowError as error:
        return unnamed(stream, tables, error)
