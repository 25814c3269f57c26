"""Writes one shard of an open load: its rows and its row in the ledger, in one transaction. Claims nothing.

A worker takes no lock on the stream and no epoch. What it is fenced by is the load: the shard's row is locked first, so
that a shard is written once however many are at it, and the entry is shared last, so that nothing waits for a worker
longer than its COMMIT takes. A load that was given up or published meanwhile is found there, and the rows are undone.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pyarrow as pa
from attrs import evolve, frozen

from connectors.contract import Connector, InsertBuffer
from connectors.contract.ledger import Owner
from connectors.contract.loads import OpenedLoad
from connectors.engine.sync.dropped_columns import expecting_columns
from connectors.engine.sync.faults import SHARD, Strike, no_fault
from connectors.engine.sync.transactions import Transactions
from dataflow.errors import ConfigError, InternalError
from dataflow.types import TableName
from machines.loads import ShardRow
from machines.parts import Atomic
from machines.refusals import load_is_over

# Gives a shard's rows, in parts, with their raw ids. It is called again where the transaction is tried again.
Reader = Callable[[ShardRow], Iterator[Sequence[pa.RecordBatch]]]


@frozen(kw_only=True)
class Written:
    """A shard that is durable. `found`: it was before, and nothing was read; `attempts` is how many it took."""

    shard: ShardRow
    found: bool
    attempts: int


def expect_loads(connector: Connector) -> None:
    """ConfigError where a shard's rows and its row in the ledger are not one commit."""
    if connector.atomic not in (Atomic.EVERYTHING, Atomic.ROWS):
        raise ConfigError(
            "This destination does not keep rows and its ledger in one commit, so a shard could be loaded twice.",
            doing="opening the load",
            remedy="Nothing was changed. Load through a source and a sync, or into another destination.",
        )


def opened_load(transactions: Transactions, table: TableName, load: str) -> OpenedLoad:
    """The load as the ledger has it. ConfigError unless it is open."""

    def look() -> OpenedLoad:
        return _expected(transactions.client.ledger.share(table), table, load)

    return transactions.run(f"looking at the load into {table}", look)


def write_shard(
    transactions: Transactions,
    buffer: InsertBuffer,
    table: TableName,
    load: str,
    number: int,
    read: Reader,
    strike: Strike = no_fault,
) -> Written:
    """Make the shard durable, once, ever. `buffer` is one of the transactions' client.

    Raises ConfigError if the load is not open, or no longer when the rows were inserted; and what `read` raises.
    """
    opened = opened_load(transactions, table, load)
    strike("before", SHARD)

    def attempt() -> Written:
        ledger = transactions.client.ledger
        shard = ledger.take_shard(table, load, number)
        if shard is None:
            # Its load may have ended since.
            _expected(ledger.share(table), table, load)
            raise _no_such_shard(table, load, number)
        if shard.rows is not None:
            return Written(shard=shard, found=True, attempts=transactions.attempts)
        rows = _inserted(buffer, opened, read(shard), shard)
        if _expected(ledger.share(table), table, load) != opened:
            raise load_is_over(table)
        ledger.end_shard(table, load, number, rows)
        strike("during", SHARD)
        return Written(shard=evolve(shard, rows=rows), found=False, attempts=transactions.attempts)

    with expecting_columns(transactions, partial(_named, opened), opened.recipe.columns):
        written = transactions.run(f"writing shard {number} of the load into {table}", attempt)
    strike("after", SHARD)
    return written


def _inserted(
    buffer: InsertBuffer, opened: OpenedLoad, parts: Iterator[Sequence[pa.RecordBatch]], shard: ShardRow
) -> int:
    rows = 0
    for batches in parts:
        given = sum(batch.num_rows for batch in batches)
        taken = buffer.insert(opened.temp, opened.recipe.columns, batches)
        if taken != given:
            raise InternalError(
                f"The destination took {taken} rows of shard {shard.number} but {given} were read.",
                remedy="Nothing of this shard was kept. Report this, with the journal of this load.",
            )
        rows += given
    return rows


def _named(opened: OpenedLoad) -> TableName:
    return opened.temp


def _expected(owner: Owner | None, table: TableName, load: str) -> OpenedLoad:
    """The load of the owner that was read, which must be this one, and open."""
    found = owner.load if owner is not None else None
    if found is None or found.recipe.load != load or found.publishing is not None:
        raise load_is_over(table)
    return found


def _no_such_shard(table: TableName, load: str, number: int) -> ConfigError:
    return ConfigError(
        f"The load {load} into {table} has no shard {number}.",
        remedy="Nothing was written. Shards count from 0; dataflow shards status says how many there are.",
    )
