"""What a destination knows of a load before anything is done: the open load of its table, and the files that it has.
Changes nothing.
"""

from collections.abc import Sequence
from contextlib import closing

from attrs import frozen

from connectors.contract import Connector
from connectors.contract.loads import OpenedLoad
from connectors.engine.sync.naming import tables_of
from connectors.engine.sync.transactions import RetryPolicy, Transactions
from dataflow.catalog import Append, DestinationStream
from dataflow.types import StreamName, TableName
from machines.loads import LoadedFile, ShardRow


@frozen(kw_only=True)
class Survey:
    """A stream's table as a load of some name finds it.

    `exists` says whether there is such a table. `opened` is the load that is open on it, whatever its name, and
    `shards` are that load's. `known` are the files that published loads of the name have brought.
    """

    table: TableName
    exists: bool = True
    opened: OpenedLoad | None = None
    shards: tuple[ShardRow, ...] = ()
    known: tuple[LoadedFile, ...] = ()

    @property
    def loaded(self) -> tuple[LoadedFile, ...]:
        """The files whose rows are in the table, or in a publication that was decided.

        None where somebody has dropped the table, and with it the rows of files that the ledger knows.
        """
        begun = self.opened is not None and self.opened.publishing is not None
        return self.known if self.exists or begun else ()

    def is_open(self, load: str) -> bool:
        """Whether the load of this id is open: its publication is not decided."""
        return self.opened is not None and self.opened.recipe.load == load and self.opened.publishing is None

    def is_being_published(self, load: str) -> bool:
        """Whether the publication of the load of this id was decided and has not ended: any claim completes it."""
        return self.opened is not None and self.opened.recipe.load == load and not self.is_open(load)

    def was_published(self, load: str) -> bool:
        """Whether files of the load of this id are in the table, or in a publication that was decided."""
        return self.is_being_published(load) or any(file.load == load for file in self.known)


def survey(connector: Connector, stream: StreamName, name: str, retry: RetryPolicy | None = None) -> Survey:
    """Look at the table of the stream, for loads of this name. Looks as a dry run does, and so changes nothing."""
    with closing(connector.rehearse(lambda _: None)) as twin:
        return _survey(twin, stream, name, retry or RetryPolicy())


def _survey(connector: Connector, stream: StreamName, name: str, retry: RetryPolicy) -> Survey:
    transactions = Transactions(connector, retry, lambda *_: None)
    client = transactions.client
    looked_for = DestinationStream(name=stream, fields=(), import_type=Append())

    def look() -> Survey:
        table = tables_of(connector, client, [looked_for])[stream].final
        entry = next((each for each in client.ledger.entries() if each.table == table), None)
        if entry is None:
            return Survey(table=table)
        shards: Sequence[ShardRow] = client.ledger.shards(table) if entry.load is not None else ()
        return Survey(
            table=table,
            exists=client.table_exists(table),
            opened=entry.load,
            shards=tuple(shards),
            known=tuple(client.ledger.files(table, name)),
        )

    with closing(client):
        return transactions.run("looking for open loads", look)
