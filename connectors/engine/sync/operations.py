"""Performs what a stream's lifecycle asks, as transactions of a connector's client. Decides nothing.

Every transaction first holds the stream's ledger entry and must find this run's epoch in it; what the operation
did is written into the entry before the commit. So an operation whose COMMIT went unanswered can be repeated:
the entry says that there is nothing left to do. A flush shares the entry, and writes a row of its own instead.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from attrs import evolve, frozen

from connectors.contract import Connector, InsertBuffer
from connectors.contract.ledger import LedgerEntry
from connectors.engine.sync.faults import FLUSH, Strike, no_fault
from connectors.engine.sync.key_columns import keys_of_final, keys_of_temp
from connectors.engine.sync.transactions import Transactions
from dataflow.batch import clean_meta
from dataflow.errors import ConfigError, InternalError
from dataflow.evolution import Altered, ColumnChangeset, ColumnType, TableSchema, altered, diff
from dataflow.flush import Flush
from dataflow.ownership import alike, claimed, ours, widened, without
from dataflow.types import Column, Kind, TableName
from machines.flushes import FlushRow
from machines.operations import Answer, Facts, KeyFacts, Recipe, StreamOperation, TempFacts
from machines.stream import StreamLife


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
        self.work_by(transactions)
        self._run = run
        self._claim: Claim | None = None
        # The numbers of the flushes that are durable.
        self._flushed: set[int] = set()
        # By all attempts of the operation that is performed: the answer of one that altered them may be lost.
        self._altered: dict[tuple[str, str], Altered] = {}
        self.highest_raw_id: str | None = None
        self._performers: dict[StreamOperation, Callable[[StreamLife], Answer]] = {
            StreamOperation.CLAIM: self._take,
            StreamOperation.INSPECT: self._inspect,
            StreamOperation.SETTLE: self._settle,
            StreamOperation.DISCARD: self._discard,
            StreamOperation.OPEN_FINAL: self._open_final,
            StreamOperation.OPEN_TEMP: self._open_temp,
            StreamOperation.RESUME_TEMP: self._resume_temp,
            StreamOperation.MERGE: self._merge,
            StreamOperation.SWAP: self._swap,
            StreamOperation.DEDUPE_AND_SWAP: self._dedupe_and_swap,
            StreamOperation.ABANDON: self._abandon,
        }

    def work_by(self, transactions: Transactions) -> None:
        """From here on perform by these."""
        self._transactions = transactions
        self._client = transactions.client

    def perform(self, operation: StreamOperation, life: StreamLife) -> Answer:
        """Perform the operation in a transaction of its own, with retries."""
        if operation is StreamOperation.CLAIM:
            self._transactions.outside(
                f"locking {life.tables.final}", lambda: self._lock(life.tables.final, self._run)
            )

        def work() -> Answer:
            answer = self._performers[operation](life)
            self._strike("during", operation)
            return answer

        self._altered = {}
        self._strike("before", operation)
        answer = self._transactions.run(f"performing {operation} on stream {life.stream.name}", work)
        self._strike("after", operation)
        return evolve(
            answer,
            attempts=self._transactions.attempts,
            altered=tuple(self._altered.values()),
            warnings=(*answer.warnings, *self._client.take_warnings()),
        )

    def insert(self, writer: Transactions, buffer: InsertBuffer, life: StreamLife, flush: Flush) -> None:
        """Make a flush durable on the writer's connection, with the checkpoint that rides along. Once, ever."""

        def work() -> None:
            claim, ledger = self._claimed(), writer.client.ledger
            owner = ledger.share(claim.table)
            if owner is None or not self._is_ours(owner.epoch, owner.run):
                raise _taken_over(claim, owner.run if owner else None)
            # The entry before the table: so a transaction that holds it and alters the table cannot wait for this one.
            row = _row(flush, claim, life)
            if owner.last_flush >= flush.number or not ledger.flushed(claim.table, row):
                return
            if flush.batches:
                target = life.tables.temp if life.writes_to_temp else life.tables.final
                _conserve(flush, buffer.insert(target, life.tables.columns, flush.batches))
            self._strike("during", FLUSH)

        self._strike("before", FLUSH)
        writer.run(f"writing {flush.rows} rows of stream {life.stream.name}", work)
        self._flushed.add(flush.number)
        self._strike("after", FLUSH)

    # -- the start

    def _take(self, life: StreamLife) -> Answer:
        ledger, table = self._client.ledger, life.tables.final
        entry = ledger.hold(table) or LedgerEntry(table=table)
        owned = claimed(entry.owned, life.tables, self._alike(entry, life))
        ledger.save(
            evolve(
                entry,
                stream=owned.stream,
                columns=owned.columns,
                epoch=entry.epoch + 1,
                owner=self._run,
                last_flush=0,
            )
        )
        self._claim = Claim(table, entry.epoch + 1, self._run)
        self.highest_raw_id = entry.highest_raw_id
        return Answer()

    def _alike(self, entry: LedgerEntry, life: StreamLife) -> Collection[TableName]:
        """The tables that may not be beside this one, which only its first claim has to ask."""
        if entry.stream is not None or life.tables.stream is None:
            return ()
        found = self._client.ledger.like(entry.table, life.stream.name)
        return alike(entry.table, life.stream.name, found, self._connector.columns.naming)

    def _inspect(self, life: StreamLife) -> Answer:
        entry, final, note = self._held(), life.tables.final, ""
        found: Mapping[str, ColumnType] = {}
        if self._client.table_exists(final):
            # Refuses a table that is not Airbyte's: a swap would put ours in the place of a person's.
            found = self._client.discover_schema(final).columns
            if added := self._client.complete_metadata(final):
                note = f"added {' and '.join(added)} to {final}, which an older destination created"
            elif entry.epoch == 1:
                note = f"the ledger had no entry for {final}, which already existed: it is kept as it is"
        temp_name = entry.temp if entry.temp != life.tables.temp else None
        temp = self._found(entry, life)
        facts = Facts(
            temp=temp,
            finalised=False,
            temp_name=temp_name,
            final_keys=keys_of_final(self._connector.columns, life, found),
            temp_keys=self._keys_of_temp(entry, life, temp),
        )
        if facts.temp is None and entry.checkpoint is not None:
            facts = evolve(facts, lost=entry.recipe)
        if life.stream.replaces_each_time:
            return Answer(facts=evolve(facts, generation=_own_generation(entry)), note=note)
        if life.stream.strategy.truncates and entry.finalised == life.stream.generation_id:
            note = f"generation {entry.finalised} was published already: this sync adds to the table"
            facts = evolve(facts, finalised=True)
        return Answer(facts=facts, note=note)

    def _found(self, entry: LedgerEntry, life: StreamLife) -> TempFacts | None:
        temp = _temp_of(entry, life)
        if not self._client.table_exists(temp):
            return None
        return TempFacts(
            empty=self._client.table_is_empty(temp),
            recipe=entry.recipe,
            # Without a recipe the checkpoint is one of the final table.
            covered=entry.recipe is not None and entry.checkpoint is not None,
        )

    def _keys_of_temp(self, entry: LedgerEntry, life: StreamLife, temp: TempFacts | None) -> KeyFacts | None:
        if temp is None or temp.empty or temp.recipe is None:
            return None
        name = _temp_of(entry, life)
        return keys_of_temp(self._connector.columns, self._client, life, name, temp.recipe)

    def _settle(self, life: StreamLife) -> Answer:
        entry = self._held()
        temp = _temp_of(entry, life)
        if entry.recipe is None:
            return Answer(note="settled by an earlier attempt whose reply was lost")
        self._client.trim_table(temp, entry.checkpoint)
        dropped = self._publish_rows(entry, temp, entry.recipe)
        self._forget_temp(_without_columns(entry, dropped, life), temp)
        return Answer(note=f"a temp table of {entry.recipe}")

    def _discard(self, life: StreamLife) -> Answer:
        entry = self._held()
        temp = _temp_of(entry, life)
        self._forget_temp(entry, temp)
        return Answer(warnings=(_emptied(temp),) if life.temp_was_emptied else ())

    def _open_temp(self, life: StreamLife) -> Answer:
        entry, temp = self._held(), life.tables.temp
        if self._client.table_exists(temp):
            if (entry.temp, entry.recipe) == (temp, life.recipe):
                return Answer(note="opened by an attempt whose reply was lost")
            raise InternalError(
                f"The temp table {temp} should be new, and already exists.",
                remedy="Nothing was changed. Report this, with the journal of this sync.",
            )
        self._client.create_table(temp, life.tables.columns, ())
        self._client.expect_meta(temp, clean_meta(life.stream.sync_id))
        self._client.ledger.save(evolve(entry, temp=temp, recipe=life.recipe, checkpoint=None))
        return Answer()

    def _resume_temp(self, life: StreamLife) -> Answer:
        entry = self._held()
        temp = _temp_of(entry, life)
        trimmed = self._client.trim_table(temp, entry.checkpoint)
        changeset = self._difference(temp, life.tables.columns)
        if not changeset.is_noop:
            self._alter(temp, changeset)
        self._client.expect_meta(temp, clean_meta(life.stream.sync_id))
        self._client.ledger.save(evolve(entry, recipe=life.recipe))
        return Answer(rows=trimmed)

    def _open_final(self, life: StreamLife) -> Answer:
        entry = self._held()
        dropped = self._ensure(entry, life.tables.columns, ())
        self._client.expect_meta(life.tables.final, clean_meta(life.stream.sync_id))
        self._client.ledger.save(_without_columns(entry, dropped, life).without_temp())
        return Answer()

    # -- the end

    def _merge(self, life: StreamLife) -> Answer:
        entry = self._held()
        temp = _temp_of(entry, life)
        if entry.recipe is None:
            return Answer(note="merged by an earlier attempt whose reply was lost")
        self._expect_all_flushes(entry)
        dropped = self._publish_rows(entry, temp, life.recipe)
        self._forget_temp(_without_columns(entry, dropped, life), temp)
        return Answer()

    def _swap(self, life: StreamLife) -> Answer:
        entry = self._held()
        if entry.recipe is None:
            return Answer(note="swapped by an earlier attempt whose reply was lost")
        self._expect_all_flushes(entry)
        return Answer(note=self._replace(entry, life))

    def _dedupe_and_swap(self, life: StreamLife) -> Answer:
        entry = self._held()
        if entry.recipe is None:
            return Answer(note="swapped by an earlier attempt whose reply was lost")
        self._expect_all_flushes(entry)
        self._client.dedupe_table(_temp_of(entry, life), life.recipe)
        return Answer(note=self._replace(entry, life))

    def _abandon(self, life: StreamLife) -> Answer:
        entry = self._held()
        if life.needs:
            entry = evolve(entry, columns=widened(entry.columns, life.needs))
            self._client.ledger.save(entry)
        left = self._found(entry, life)
        rows_wait = left is not None and not left.empty
        return Answer(
            left=left,
            note=f"rows wait in {_temp_of(entry, life)} for the next run" if rows_wait else "",
            warnings=tuple(map(_to_be_widened, life.needs.items())),
        )

    # -- what they share

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

    def _held(self) -> LedgerEntry:
        """The stream's ledger entry, locked and fenced."""
        claim = self._claimed()
        entry = self._client.ledger.hold(claim.table)
        if entry is None or not self._is_ours(entry.epoch, entry.owner):
            raise _taken_over(claim, entry.owner if entry else None)
        return entry

    def _expect_all_flushes(self, entry: LedgerEntry) -> None:
        """What is published must have no gap: InternalError when a flush that was made durable does not count."""
        if entry.last_flush != len(self._flushed):
            raise InternalError(
                f"{len(self._flushed)} flushes were made durable, and the ledger counts {entry.last_flush} without a "
                "gap: rows between them are missing.",
                remedy="Nothing was published, and all acknowledged records are safe. Report this, with the journal of "
                "this sync.",
            )

    def _publish_rows(self, entry: LedgerEntry, temp: TableName, by: Recipe) -> Collection[str]:
        """Bring temp's rows into the final table; which of its columns were dropped for it."""
        if by.strategy.dedupes:
            dropped = self._ensure(entry, by.columns, by.primary_key)
            self._client.merge_table(temp, entry.table, by)
        else:
            dropped = self._ensure(entry, by.columns, ())
            self._client.copy_table(temp, entry.table, by.columns)
        return dropped

    def _replace(self, entry: LedgerEntry, life: StreamLife) -> str:
        note = self._client.overwrite_table(_temp_of(entry, life), life.tables.final)
        # A generation of our own means nothing to a catalog, should one of its come to be equal.
        finalised = None if life.stream.replaces_each_time else life.recipe.generation_id
        entry = _without_columns(entry, [each.name for each in entry.columns], life)
        self._client.ledger.save(evolve(entry.without_temp(), finalised=finalised))
        return note

    def _forget_temp(self, entry: LedgerEntry, temp: TableName) -> None:
        self._client.drop_table(temp)
        self._client.ledger.save(entry.without_temp())

    def _ensure(
        self, entry: LedgerEntry, columns: Sequence[Column], primary_key: Sequence[str]
    ) -> Collection[str]:
        """Afterwards the final table has these columns; which of its own were dropped for it.

        A column that the ledger does not know was made by somebody else, and is kept.
        """
        final = entry.table
        if not self._client.table_exists(final):
            self._client.create_table(final, columns, primary_key)
            return ()
        changeset = ours(self._difference(final, columns), entry.columns)
        if not changeset.is_noop:
            self._alter(final, changeset)
        return changeset.drop

    def _difference(self, table: TableName, columns: Sequence[Column]) -> ColumnChangeset:
        expected = TableSchema({c.name: self._connector.columns.column_type(c.kind) for c in columns})
        return diff(self._client.discover_schema(table), expected)

    def _alter(self, table: TableName, changeset: ColumnChangeset) -> None:
        rows = self._client.statistics(table).rows
        self._client.apply_changeset(table, changeset)
        self._altered |= {(each.table, each.column): each for each in altered(table, changeset, rows)}


def _temp_of(entry: LedgerEntry, life: StreamLife) -> TableName:
    """The stream's temp table, by the name the ledger has for it: an earlier version may have chosen another."""
    return entry.temp or life.tables.temp


def _emptied(temp: TableName) -> str:
    return (
        f"the temp table {temp} was emptied, although a STATE covers rows of it. The sync continues without them; "
        "refresh the stream to load them again."
    )


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


def _to_be_widened(need: tuple[str, Kind]) -> str:
    return f'the next sync makes the column of "{need[0]}" one of the kind {need[1]}'


def _without_columns(entry: LedgerEntry, dropped: Collection[str], life: StreamLife) -> LedgerEntry:
    """The entry once these columns are nowhere any more."""
    return evolve(entry, columns=without(entry.columns, dropped, life.tables.columns))


def _own_generation(entry: LedgerEntry) -> int:
    """This claim's number, as a generation; above that of any temp table, which is thereby superseded."""
    return max(entry.epoch, entry.recipe.generation_id + 1 if entry.recipe else 0)


def _conserve(flush: Flush, taken: int) -> None:
    if taken != flush.rows:
        raise InternalError(
            f"The destination took {taken} rows of stream {flush.stream} but {flush.rows} were read.",
            remedy="Nothing of this flush was kept. Report this, with the journal of this sync.",
        )
