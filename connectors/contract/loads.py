"""The side tables of the ledger: the shards of the load that is open on a table, and the files whose rows it has.

They are made by the first load, and no sync reads them unless it finds a load open. An open load's shards are read and
written by any process: the row of a shard, in the transaction of its rows, says that they are there. Files are recorded
in the transaction that decides their load's publication, and outlive it.
"""

from collections.abc import Sequence
from typing import Protocol

from attrs import frozen

from dataflow.types import TableName
from machines.loads import LoadedFile, ShardRow
from machines.operations import Publishing, Recipe


@frozen(kw_only=True)
class OpenedLoad:
    """The load that the temp table of an entry belongs to; once `publishing` is set, it takes no more shards."""

    recipe: Recipe
    temp: TableName
    publishing: Publishing | None = None


class LoadLedger(Protocol):
    """What the ledger keeps of loads. Every method runs in the client's current transaction.

    No load is opened if `Connector.atomic` is STATEMENT or TABLE, and these methods are not called then.
    """

    def prepare_loads(self) -> None:
        """Afterwards both tables exist, with what they held before. The ledger was prepared.

        ConfigError when something else has the place of one of them.
        """
        ...

    def open_shards(self, table: TableName, shards: Sequence[ShardRow]) -> None:
        """Keep these, and no others of the table. Its entry is held by this transaction."""
        ...

    def shards(self, table: TableName) -> Sequence[ShardRow]:
        """The shards of the load that is open on the table, by their numbers; none where no load was prepared.

        Waits for nobody, and locks nothing.
        """
        ...

    def take_shard(self, table: TableName, load: str, number: int) -> ShardRow | None:
        """The shard, locked until the transaction ends. None: the load has no such shard, or is not open.

        Waits for another transaction that has taken it, and reads what that one wrote. Others may take other shards
        meanwhile, if the database has locks of rows.
        """
        ...

    def end_shard(self, table: TableName, load: str, number: int, rows: int) -> None:
        """Write how many rows the shard has. It was taken by this transaction, which inserted them."""
        ...

    def forget_shards(self, table: TableName) -> None:
        """Delete the table's shards. Its entry is held by this transaction, and a load was open on it."""
        ...

    def files(self, table: TableName, name: str) -> Sequence[LoadedFile]:
        """The files that loads of this name brought to the table, by their URIs; none where no load was prepared."""
        ...

    def add_files(self, table: TableName, name: str, files: Sequence[LoadedFile]) -> None:
        """Keep these too, each in place of an earlier one of its URI. The table's entry is held by this transaction."""
        ...

    def forget_files(self, table: TableName) -> None:
        """Delete all files of the table, whose rows are replaced; nothing where no load was prepared.

        The table's entry is held by this transaction.
        """
        ...
