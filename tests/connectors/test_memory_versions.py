"""The memory ledger of class C, where nothing is locked: what other runs may do between two requests of one."""

from contextlib import closing

import pytest
from attrs import define, evolve

from connectors.contract import FlushRow
from connectors.contract.ledger import LedgerEntry
from connectors.memory.connector import MemoryConnector
from connectors.testkit.harness.destination import open_bench
from connectors.testkit.harness.rows import raw_id, row
from connectors.testkit.harness.runs import open_run
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError
from dataflow.types import TableName
from machines.operations import StreamOperation as Op
from machines.parts import Atomic
from tests.connectors.memory import memory_destination

TABLE = TableName("public", "users")
ENTRY = LedgerEntry(table=TABLE, epoch=1, owner="first")


def flush(number: int, *, epoch: int = 1) -> FlushRow[str]:
    return FlushRow(epoch=epoch, number=number, checkpoint=raw_id(number), highest_raw_id=raw_id(number))


def test_whoever_reads_an_entry_leaves_the_flushes_beyond_a_gap_to_its_run() -> None:
    with open_bench(memory_destination(Atomic.STATEMENT)) as bench:
        ledger = bench.client.ledger
        ledger.save(ENTRY)
        ledger.flushed(TABLE, flush(2))
        before = ledger.hold(TABLE)
        ledger.flushed(TABLE, flush(1))

        after = ledger.hold(TABLE)

    assert before is not None
    assert (before.last_flush, before.checkpoint) == (0, None)
    assert after is not None
    assert (after.last_flush, after.checkpoint) == (2, raw_id(2))


def test_an_entry_that_is_saved_keeps_the_flushes_that_it_does_not_have_in_it() -> None:
    with open_bench(memory_destination(Atomic.STATEMENT)) as bench:
        ledger = bench.client.ledger
        ledger.save(ENTRY)
        ledger.flushed(TABLE, flush(1))
        ledger.flushed(TABLE, flush(3))
        held = ledger.hold(TABLE)
        assert held is not None
        ledger.save(held)
        ledger.flushed(TABLE, flush(2))

        entry = ledger.hold(TABLE)

    assert entry is not None
    assert (entry.last_flush, entry.checkpoint) == (3, raw_id(3))


def test_a_claim_keeps_the_checkpoint_of_a_flush_that_landed_after_it_read_the_entry() -> None:
    with open_bench(memory_destination(Atomic.STATEMENT)) as bench:
        ledger = bench.client.ledger
        ledger.save(ENTRY)
        found = ledger.hold(TABLE)
        assert found is not None
        ledger.flushed(TABLE, flush(1))

        ledger.save(evolve(found, epoch=2, owner="second", last_flush=0))
        ledger.flushed(TABLE, flush(2))
        entry = ledger.hold(TABLE)

    assert entry is not None
    assert (entry.epoch, entry.last_flush, entry.checkpoint) == (2, 0, raw_id(1))
    assert entry.highest_raw_id == raw_id(2)


@define
class Claims:
    """A listener of requests. Another run claims the table before the request of this number."""

    at: int = 0
    seen: int = 0
    others: object = None

    def sending(self, what: str) -> None:
        """A request of any client."""
        self.seen += 1
        if self.seen == self.at and callable(self.others):
            self.others()

    def answered(self, what: str) -> None:
        """Its answer."""


@pytest.mark.parametrize("strategy", Strategy)
def test_a_flush_is_not_durable_for_its_run_if_a_claim_came_before_its_row(strategy: Strategy) -> None:
    """The run would let a STATE be emitted for it, and the next run cuts its rows."""
    claims, destination = Claims(), memory_destination(Atomic.STATEMENT)

    def claim() -> None:
        with (
            closing(destination.connector()) as connector,
            open_run(connector, strategy, run="second") as run,
        ):
            assert isinstance(connector, MemoryConnector)
            # The first run has lost its locks.
            connector.database.owners.clear()
            run.do(Op.CLAIM)

    claims.others = claim
    with (
        closing(destination.connector(requests=claims)) as connector,
        open_run(connector, strategy, run="first") as first,
    ):
        first.do(Op.CLAIM, Op.INSPECT, Op.OPEN_TEMP)
        # A flush reserves raw ids, inserts its rows and then writes its own row.
        claims.at = claims.seen + 3

        with pytest.raises(ConfigError, match=r"Another run .second. has taken over"):
            first.do(first.flush(1, row(1, id=1, name="a"), checkpoint=1))
