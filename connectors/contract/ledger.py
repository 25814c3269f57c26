"""The ledger: what decides every start. It has one entry for each final table, written in the transaction of the work.

Every transaction on a stream first locks the entry. That lock is the fence (a transaction whose epoch is not the
entry's changes nothing), it makes a retry wait for an attempt whose COMMIT went unanswered, and it lets the entry say
what that attempt achieved. Flushes share the lock and write rows of their own, so several of one stream may be at work
at once. Every other operation waits for them, and folds their rows into the entry. The journal records what happened;
nothing here is for reading.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from attrs import evolve, field, frozen

from connectors.contract.loads import LoadLedger, OpenedLoad
from dataflow.stream_tables import OwnedColumn, OwnedTable
from dataflow.types import StreamName, TableName
from machines.flushes import FlushRow, fold
from machines.operations import Publishing, Recipe


@frozen(kw_only=True)
class LedgerEntry:
    """What the destination knows of one final table.

    `stream` is the stream that owns it, and `columns` says whose field each of its columns is; None and empty where
    a version made the entry that did not write them down. `epoch` counts its claims, and `owner` names the run that
    made the last. `temp` and `recipe` describe the temp table, if there is one. `last_flush` numbers the last committed
    flush of this epoch that has no gap before it. `checkpoint` is the highest raw id in temp that a durable STATE
    covers, `highest_raw_id` the highest ever given. `finalised` is the last generation that replaced the final table.
    `publishing` is set while the temp table is being published, and says how.
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
    publishing: Publishing | None = None

    def with_flushes(self, rows: Iterable[FlushRow[str]]) -> "LedgerEntry":
        """The entry with these flushes in it; what they say beyond a gap counts for nothing."""
        folded = fold(self.last_flush, self.epoch, rows)
        known = [each for each in (self.highest_raw_id, folded.highest_raw_id) if each is not None]
        return evolve(
            self,
            last_flush=folded.last_flush,
            checkpoint=folded.checkpoint or self.checkpoint,
            highest_raw_id=max(known, default=None),
        )

    def without_temp(self) -> "LedgerEntry":
        """The entry of a table that has no temp table."""
        return evolve(self, temp=None, recipe=None, checkpoint=None, publishing=None)

    @property
    def load(self) -> OpenedLoad | None:
        """The load that the temp table belongs to, if it is a load's."""
        if self.recipe is None or self.recipe.load is None or self.temp is None:
            return None
        return OpenedLoad(recipe=self.recipe, temp=self.temp, publishing=self.publishing)

    @property
    def shared(self) -> "Owner":
        """What a transaction that shares the entry reads of it."""
        return Owner(epoch=self.epoch, run=self.owner, last_flush=self.last_flush, load=self.load)

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


@frozen(kw_only=True)
class Owner:
    """What is read of an entry that is shared: the last claim's epoch and run, and the last folded flush.

    `load` is set while the temp table is a load's. By it a worker finds whether its load is still open.
    """

    epoch: int
    run: str
    last_flush: int
    load: OpenedLoad | None = None


class Ledger(LoadLedger, Protocol):
    """The tables in which the entries are kept. Every method runs in the client's current transaction."""

    def prepare(self) -> None:
        """Afterwards the ledger exists in the internal namespace in today's format, with what it held before.

        ConfigError when something that is no ledger has its place, or one of a format that is not known here.
        """
        ...

    def hold(self, table: TableName) -> LedgerEntry | None:
        """The table's entry, locked until the transaction ends; waits for another holder, and for those that share it.

        Folds the rows of its flushes into it, and deletes them. None: no entry yet.

        If a change of tables ends the locks of rows, something else locks the entry until the transaction ends, on the
        connection that changes the tables: a dead client's statement may go on for as long as it takes, and the
        next holder must find it ended.

        If `Connector.atomic` is STATEMENT, nothing is locked and nothing is changed: the entry may be that of another
        run, whose flushes are under way. If it is TABLE, nothing is locked either, and a commit is refused if another
        run has changed the entry since this one read it.
        """
        ...

    def share(self, table: TableName) -> Owner | None:
        """The owner of the table's entry, which nobody can hold until the transaction ends; waits for a holder.

        Others may share it too, where the database has such a lock; elsewhere this is the lock of `hold`. None: no
        entry yet.
        """
        ...

    def flushed(self, table: TableName, row: FlushRow[str]) -> bool:
        """Write the row of a flush, whose entry this transaction shares; False if its number was written before.

        Waits for a transaction that is writing the same row.
        """
        ...

    def save(self, entry: LedgerEntry) -> None:
        """Replace the table's entry. It is held by this transaction, or new.

        If `Connector.atomic` is STATEMENT, nothing is held. There an entry of an earlier epoch than the ledger's, or
        of another owner's equal one, changes nothing. One of a later epoch is a claim: it changes `stream`, `columns`,
        `epoch`, `owner` and `last_flush`, and keeps the rest as the ledger has it by then, with the flushes that are
        there by then. The rows of flushes that the entry has in it are deleted, and those beyond a gap stay.
        """
        ...

    def like(self, table: TableName, stream: StreamName) -> Sequence[OwnedTable]:
        """The tables that were claimed and whose names differ from this one's by case at most, or that the stream owns.

        Their columns are left out. Until the transaction ends, every other that asks waits: what it then claims for
        the first time is seen by the next.
        """
        ...

    def entries(self) -> Sequence[LedgerEntry]:
        """All entries with their flushes folded in, by their tables' names; locks and changes none.

        None where no ledger was prepared yet.
        """
        ...
