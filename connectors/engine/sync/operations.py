"""Performs what a stream's lifecycle asks, as commits of a connector's client. Decides nothing.

Every commit first holds the stream's ledger entry and must find this run's epoch in it; what its parts did is written
into the entry before it ends. So a commit that went unanswered can be repeated: the entry says that there is nothing
left to do. A flush shares the entry, and writes a row of its own instead. An operation is as many commits as the
database's class needs (`machines.parts`).
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import cast

from attrs import evolve, frozen

from connectors.contract import Client, ClientOfStatements, Connector, InsertBuffer
from connectors.contract.ledger import LedgerEntry, Owner
from connectors.engine.sync.dropped_columns import expecting_columns
from connectors.engine.sync.faults import FLUSH, Strike, no_fault
from connectors.engine.sync.load_parts import LoadParts
from connectors.engine.sync.parts import Parts
from connectors.engine.sync.temp_tables import TempTables
from connectors.engine.sync.transactions import Transactions
from connectors.engine.sync.work import Work
from dataflow.errors import ConfigError, InternalError
from dataflow.flush import Flush
from dataflow.ownership import alike, claimed
from dataflow.raw_ids import first_at, first_raw_id
from dataflow.runtime.clock import milliseconds
from dataflow.types import TableName
from machines.flushes import FlushRow
from machines.operations import Answer, StreamOperation
from machines.parts import FLUSH as FLUSH_PARTS
from machines.parts import NAMING_TEMP, Part, commits, parts_of
from machines.stream import StreamLife

# How far ahead of the clock the ledger's highest raw id is written where it cannot be written with its rows. In
# milliseconds, as raw ids count them: about one small write a minute.
RESERVED = 60_000
# What a life does with the temp table that it has written to.
PUBLISHING = (StreamOperation.MERGE, StreamOperation.SWAP, StreamOperation.DEDUPE_AND_SWAP)


@frozen
class Claim:
    """This run's right to write to a final table: the epoch it took in the ledger."""

    table: TableName
    epoch: int
    owner: str


class StreamOperations:
    """The port of one stream's lifecycle, and of its inserts."""

    def __init__(
        self,
        connector: Connector,
        transactions: Transactions,
        run: str,
        strike: Strike = no_fault,
    ) -> None:
        """Uses `transactions` until `work_by` sets others. Their client holds the lock for the whole run."""
        self._connector = connector
        self._strike = strike
        self._lock = transactions.client.lock
        self._temps = TempTables(connector)
        self.work_by(transactions)
        self._run = run
        self._claim: Claim | None = None
        # The numbers of the flushes that are durable.
        self._flushed: set[int] = set()
        self.highest_raw_id: str | None = None
        # The ledger holds no raw id of this run beyond it.
        self._reserved: str | None = None

    def work_by(self, transactions: Transactions) -> None:
        """From here on perform by these."""
        self._transactions = transactions
        self._client = transactions.client
        self._loads = LoadParts(self._client, self._connector.runtime.clock)
        self._parts = Parts(self._connector, self._client, self._temps, self._loads)

    def perform(self, operation: StreamOperation, life: StreamLife) -> Answer:
        """Perform the operation as the commits of the database's class, each with retries."""
        if operation is StreamOperation.CLAIM:
            self._transactions.outside(
                f"locking {life.tables.final}", lambda: self._lock(life.tables.final, self._run)
            )
        self._strike("before", operation)
        work, attempts = Work(life=life, flushes=len(self._flushed)), 1
        for parts in commits(parts_of(operation, life.publishing), self._connector.atomic):
            work = self._commit(operation, parts, work)
            attempts = max(attempts, self._transactions.attempts)
        self._strike("after", operation)
        answer = work.answer
        return evolve(
            answer,
            attempts=attempts,
            altered=tuple(work.altered.values()),
            warnings=(*answer.warnings, *self._client.take_warnings()),
        )

    def insert(self, writer: Transactions, buffer: InsertBuffer, life: StreamLife, flush: Flush) -> None:
        """Make a flush durable on the writer's connection, with the checkpoint that rides along. Once, ever."""
        self._strike("before", FLUSH)
        for parts in commits(FLUSH_PARTS, self._connector.atomic):

            def attempt(parts: Sequence[Part] = parts) -> None:
                if Part.RESERVE_IDS in parts:
                    self._reserve_ids(writer, flush)
                else:
                    self._flush(parts, writer, buffer, life, flush)
                self._strike("during", FLUSH)

            with expecting_columns(writer, partial(self._target, life), life.tables.columns):
                writer.run(f"writing {flush.rows} rows of stream {life.stream.name}", attempt)
        self._flushed.add(flush.number)
        self._strike("after", FLUSH)

    def _flush(
        self,
        parts: Sequence[Part],
        writer: Transactions,
        buffer: InsertBuffer,
        life: StreamLife,
        flush: Flush,
    ) -> None:
        if self._shared(writer.client).last_flush >= flush.number:
            return
        # The entry before the table: so a transaction that holds it and alters the table cannot wait for this one.
        if Part.NOTE_FLUSH in parts and not self._noted(parts, writer, life, flush):
            return
        if Part.INSERT in parts and flush.batches:
            with self._temps.named(writer.client):
                target = self._target(life)
                if not self._is_there(parts, writer, target, flush):
                    _conserve(flush, buffer.insert(target, life.tables.columns, flush.batches))

    def _target(self, life: StreamLife) -> TableName:
        """The table that takes the rows of flushes."""
        return self._temps.now(life.tables.temp) if life.writes_to_temp else life.tables.final

    def _noted(self, parts: Sequence[Part], writer: Transactions, life: StreamLife, flush: Flush) -> bool:
        """Write the flush's own row; whether it is new."""
        claim = self._claimed()
        new = writer.client.ledger.flushed(claim.table, _row(flush, claim, life))
        if Part.INSERT not in parts:
            # Nothing was locked since the owner was asked. A claim that came before the row does not count it.
            self._shared(writer.client)
        return new

    def _is_there(self, parts: Sequence[Part], writer: Transactions, target: TableName, flush: Flush) -> bool:
        """Whether an attempt whose answer was lost has inserted the rows, which no row of the ledger can say yet."""
        if Part.NOTE_FLUSH in parts or writer.attempts == 1 or flush.highest_raw_id is None:
            return False
        client = cast("ClientOfStatements", writer.client)
        return client.holds_rows(target, first_raw_id(flush.batches), flush.highest_raw_id)

    def _reserve_ids(self, writer: Transactions, flush: Flush) -> None:
        """Have the ledger's highest raw id be beyond the flush's: a run that dies after its rows may write no other.

        A row of its own says so: the entry may be folded meanwhile, and is locked by nobody where this is needed.
        """
        highest = flush.highest_raw_id
        if highest is None or highest <= (self._reserved or self.highest_raw_id or ""):
            return
        claim = self._claimed()
        # Ahead of the clock and not of the rows: each run begins above what the one before it reserved.
        reserved = max(highest, first_at(milliseconds(self._connector.runtime.clock) + RESERVED))
        self._shared(writer.client)
        # No flush has such a number, so it is never one without a gap before it.
        row = FlushRow(epoch=claim.epoch, number=-flush.number, highest_raw_id=reserved)
        writer.client.ledger.flushed(claim.table, row)
        self._reserved = reserved

    def _commit(self, operation: StreamOperation, parts: Sequence[Part], before: Work) -> Work:
        """Perform these parts in one transaction; what was found and done, once they are durable."""
        work = before

        def attempt() -> None:
            nonlocal work
            work = before.again(work)
            held = self._found(work.life) if Part.TAKE_EPOCH in parts else self._held()
            with self._temps.named(self._client) if NAMING_TEMP & set(parts) else nullcontext():
                entry = self._performed(parts, held, work)
            if entry != held:
                self._client.ledger.save(entry)
            if operation is StreamOperation.CLAIM:
                # Its last part counts: until the others were ended, they may have written more.
                work.add(publishing=entry.publishing)
                self.highest_raw_id = entry.highest_raw_id
            self._strike("during", operation)

        doing = f"performing {operation} on stream {before.life.stream.name}"
        with self._expecting(operation, before.life):
            self._transactions.run(doing, attempt)
        return work

    def _expecting(self, operation: StreamOperation, life: StreamLife) -> AbstractContextManager[None]:
        """Around a publication: an earlier operation's temp may have another recipe's columns, or still be changed."""
        if operation not in PUBLISHING:
            return nullcontext()
        return expecting_columns(self._transactions, partial(self._target, life), life.tables.columns)

    def _performed(self, parts: Sequence[Part], held: LedgerEntry, work: Work) -> LedgerEntry:
        entry = held
        for part in parts:
            perform = self._take_epoch if part is Part.TAKE_EPOCH else self._parts.performer(part)
            entry = perform(entry, work)
        return entry

    # -- the claim

    def _found(self, life: StreamLife) -> LedgerEntry:
        """The stream's entry, locked; a new one where the ledger has none."""
        final, temp = life.tables.final, life.tables.temp
        entry = self._client.ledger.hold(final) or LedgerEntry(table=final)
        return self._temps.adopting(self._client, entry, temp)

    def _take_epoch(self, entry: LedgerEntry, work: Work) -> LedgerEntry:
        self._loads.expect_free(entry, work.life)
        owned = claimed(entry.owned, work.life.tables, self._alike(entry, work.life))
        self._claim = Claim(entry.table, entry.epoch + 1, self._run)
        return evolve(
            entry,
            stream=owned.stream,
            columns=owned.columns,
            epoch=entry.epoch + 1,
            owner=self._run,
            last_flush=0,
        )

    def _alike(self, entry: LedgerEntry, life: StreamLife) -> Collection[TableName]:
        """The tables that may not be beside this one, which only its first claim has to ask."""
        if entry.stream is not None or life.tables.stream is None:
            return ()
        found = self._client.ledger.like(entry.table, life.stream.name)
        return alike(entry.table, life.stream.name, found, self._connector.columns.naming)

    def _claimed(self) -> Claim:
        if self._claim is None:
            raise InternalError(
                "A stream was used before it was claimed.",
                remedy="Nothing was changed. Report this, with the journal of this sync.",
            )
        return self._claim

    def _is_ours(self, epoch: int, run: str) -> bool:
        """The fence, which keeps the ghost of a superseded run out: whether the ledger still has this run's claim."""
        claim = self._claimed()
        return (epoch, run) == (claim.epoch, claim.owner)

    def _shared(self, client: Client) -> Owner:
        """The owner of the stream's ledger entry, shared and fenced."""
        claim = self._claimed()
        owner = client.ledger.share(claim.table)
        if owner is None or not self._is_ours(owner.epoch, owner.run):
            raise _taken_over(claim, owner.run if owner else None)
        return owner

    def _held(self) -> LedgerEntry:
        """The stream's ledger entry, locked and fenced."""
        claim = self._claimed()
        entry = self._client.ledger.hold(claim.table)
        if entry is None or not self._is_ours(entry.epoch, entry.owner):
            raise _taken_over(claim, entry.owner if entry else None)
        return entry


def _taken_over(claim: Claim, run: str | None) -> ConfigError:
    return ConfigError(
        f"Another run ({run or 'unknown'}) has taken over the table {claim.table}; this run may no longer write to it.",
        remedy="Let only one sync write to this table at a time.",
    )


def _row(flush: Flush, claim: Claim, life: StreamLife) -> FlushRow[str]:
    """The flush's row in the ledger."""
    return FlushRow(
        epoch=claim.epoch,
        number=flush.number,
        rows=flush.rows,
        checkpoint=_checkpoint(flush, life),
        highest_raw_id=flush.highest_raw_id,
    )


def _checkpoint(flush: Flush, life: StreamLife) -> str | None:
    """How far a STATE may promise the rows of temp: not at all where the next sync drops them."""
    return None if life.stream.replaces_each_time else flush.checkpoint


def _conserve(flush: Flush, taken: int) -> None:
    if taken != flush.rows:
        raise InternalError(
            f"The destination took {taken} rows of stream {flush.stream} but {flush.rows} were read.",
            remedy="No record of this flush was acknowledged. Report this, with the journal of this sync.",
        )
