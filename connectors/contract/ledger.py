"""The ledger: what decides every start, one row per final table, written in the transaction of the work it describes.

One row suffices because every transaction on a stream first locks it. That lock is the fence (a transaction
whose epoch is not the row's changes nothing), it makes a retry wait for an attempt whose COMMIT went unanswered,
and it lets the row say what that attempt achieved. The journal records what happened; nothing here is for reading.
"""

from collections.abc import Sequence
from typing import Protocol

from attrs import evolve, field, frozen

from dataflow.stream_tables import OwnedColumn, OwnedTable
from dataflow.types import StreamName, TableName
from machines.operations import Recipe


@frozen(kw_only=True)
class LedgerEntry:
    """What the destination knows of one final table.

    `stream` is the stream that owns it, and `columns` says whose field each of its columns is; None and empty where
    a version made the entry that did not write them down. `epoch` counts its claims, and `owner` names the run that
    made the last. `temp` and `recipe` describe the temp table, if there is one. `last_flush` numbers the last committed
    flush of this epoch. `checkpoint` is the highest raw id in temp that a durable STATE covers, `highest_raw_id` the
    highest ever given. `finalised` is the last generation that replaced the final table.
    """

    table: TableName
    stream: StreamName | None = None
    columns: tuple[OwnedColumn, ...] = field(default=(), repr=lambda columns: f"<{len(columns)}>")
    epoch: int = 0
    owner: str = ""
    temp: TableName | None = None
    recipe: Recipe | None = None
    last_flush: int = 0
    checkpoint: str | None = None
    highest_raw_id: str | None = None
    finalised: int | None = None

    def without_temp(self) -> "LedgerEntry":
        """The entry of a table that has no temp table."""
        return evolve(self, temp=None, recipe=None, checkpoint=None)

    @property
    def owned(self) -> OwnedTable:
        """Whose the table and its columns are."""
        waiting = self.recipe.columns if self.recipe is not None else ()
        return OwnedTable(
            final=self.table,
            stream=self.stream,
            columns=self.columns,
            temp=self.temp,
            waiting=tuple(OwnedColumn(field=each.field, name=each.name) for each in waiting),
        )


class Ledger(Protocol):
    """The table in which the entries are kept. Every method runs in the client's current transaction."""

    def prepare(self) -> None:
        """Afterwards the ledger exists in the internal namespace in today's format, with what it held before.

        ConfigError when something that is no ledger has its place, or one of a format that is not known here.
        """
        ...

    def hold(self, table: TableName) -> LedgerEntry | None:
        """The table's entry, locked until the transaction ends; waits for another holder. None: no entry yet."""
        ...

    def save(self, entry: LedgerEntry) -> None:
        """Replace the table's entry. It is held by this transaction, or new."""
        ...

    def like(self, table: TableName, stream: StreamName) -> Sequence[OwnedTable]:
        """The tables that were claimed and whose names differ from this one's by case at most, or that the stream owns.

        Their columns are left out. Until the transaction ends, every other that asks waits: what it then claims for
        the first time is seen by the next.
        """
        ...

    def entries(self) -> Sequence[LedgerEntry]:
        """All entries, by their tables' names; locks none. None where no ledger was prepared yet."""
        ...
