"""The memory connector keeps the contract in the classes whose databases commit an operation in parts.

`test_memory` holds it to the whole contract where one commit holds everything. Here are the suites of what the class
decides: merges, the ledger, whose tables are whose, whole syncs, syncs that come again, and runs that are cut between
two commits.
"""

from contextlib import closing
from typing import ClassVar

import pytest

from connectors.engine.sync.undoing import TRIED, expect_undone
from connectors.testkit import (
    Capabilities,
    CheckSuite,
    CutSuite,
    Destination,
    LedgerSuite,
    LoadPublicationSuite,
    LoadSuite,
    LoadTablesSuite,
    MergeSuite,
    OwnershipSuite,
    RecoverySuite,
    SyncSuite,
)
from connectors.testkit.harness.faulty import Script, faulty
from connectors.testkit.harness.messages import catalog, complete, record, state, users
from connectors.testkit.harness.warehouse import Warehouse
from dataflow.catalog import Strategy
from dataflow.errors import InternalError
from machines.parts import Atomic
from tests.connectors.memory import memory_destination


class InParts(MergeSuite, LedgerSuite, OwnershipSuite, SyncSuite, RecoverySuite, CheckSuite, CutSuite):
    capabilities: ClassVar = Capabilities(foreign_tables=False, ledger_table=False)
    atomic: ClassVar[Atomic]

    @pytest.fixture
    def destination(self) -> Destination:
        return memory_destination(self.atomic)


class TestRows(InParts, LoadTablesSuite, LoadSuite, LoadPublicationSuite):
    atomic = Atomic.ROWS


class TestStatement(InParts):
    atomic = Atomic.STATEMENT


class TestTable(InParts):
    atomic = Atomic.TABLE


@pytest.mark.parametrize("atomic", [Atomic.ROWS, Atomic.STATEMENT, Atomic.TABLE])
def test_no_rollback_is_tried_of_a_connector_that_does_not_claim_to_undo_a_create(atomic: Atomic) -> None:
    with (
        closing(memory_destination(atomic).connector()) as real,
        closing(outliving := faulty(real, Script(tables_outlive=True))),
        closing(outliving.client()) as client,
    ):
        expect_undone(outliving, client)

        with client.transaction():
            assert list(client.tables_named(TRIED)) == []


@pytest.mark.parametrize("atomic", [Atomic.ROWS, Atomic.STATEMENT, Atomic.TABLE])
@pytest.mark.parametrize("strategy", [Strategy.DEDUP, Strategy.APPEND_TRUNCATE])
def test_a_stream_whose_final_table_refuses_its_publication_fails_before_its_state(
    atomic: Atomic, strategy: Strategy
) -> None:
    warehouse = Warehouse(memory_destination(atomic))
    sent = [catalog(users(strategy, 2)), record("users", id=1), state("users", 1), complete("users")]
    warehouse.sync(catalog(users(strategy, 1)), complete("users"))

    outcome = warehouse.sync(*sent, script=Script(refused=("expect_publication",)))

    assert (outcome.failed["users"], outcome.states) == ("config_error", [])
    assert warehouse.sync(*sent).exit_code == 0


def test_a_rollback_that_keeps_a_table_is_refused_where_everything_is_claimed() -> None:
    with (
        closing(memory_destination().connector()) as real,
        closing(outliving := faulty(real, Script(tables_outlive=True))),
        closing(outliving.client()) as client,
        pytest.raises(InternalError, match="keeps a table after the transaction"),
    ):
        expect_undone(outliving, client)
