"""What the log and the journal say of an operation: all that there is to say, and only what is so."""

from contextlib import closing
from uuid import uuid4

import pytest

from connectors.memory.client import MemoryClient
from connectors.memory.config import MemoryConfig
from connectors.memory.connector import MemoryConnector
from connectors.testkit.harness.interruptions import PRIOR, THEN, sync_users
from connectors.testkit.harness.messages import users
from connectors.testkit.harness.rows import columns, row
from connectors.testkit.harness.runs import USERS, open_run
from connectors.testkit.harness.warehouse import Warehouse, WarehouseSuite
from dataflow.catalog import Strategy
from dataflow.names import TEMP_MARK
from dataflow.runtime import SYSTEM
from dataflow.types import ADDED_LATER, Kind, TableName
from machines.journal.history import runs
from machines.operations import StreamOperation
from machines.parts import Atomic
from tests.connectors import test_sqlite as sqlite

IN_PARTS = [each for each in Atomic if each is not Atomic.EVERYTHING]


class Unable(MemoryClient):
    """A client of a database that does not know what other runs have at work."""

    def end_others(self, table: TableName, claim: str) -> bool:
        return False


class UnableConnector(MemoryConnector):
    def client(self) -> MemoryClient:
        return Unable(self._database, self.atomic, self.runtime.requests, deletes=True)


def _connector(kind: type[MemoryConnector], atomic: Atomic) -> MemoryConnector:
    return kind(MemoryConfig(database=uuid4().hex, atomic=atomic), SYSTEM)


class TestNotes(WarehouseSuite):
    destination = sqlite.TestSqlite.destination

    def test_an_operation_with_two_things_to_say_says_both(self, warehouse: Warehouse) -> None:
        sync_users(warehouse, users(Strategy.APPEND_TRUNCATE, 3), sent=PRIOR)
        assert warehouse.destination.drop_columns is not None
        warehouse.destination.drop_columns(warehouse.tables().final, list(ADDED_LATER))

        outcome = sync_users(warehouse, users(Strategy.APPEND_TRUNCATE, 3), sent=THEN)

        (life,) = runs(outcome.journal)[0].streams
        assert "which an older destination created" in life.notes[0]
        assert "generation 3 was published already" in life.notes[0]


@pytest.mark.parametrize("atomic", IN_PARTS)
@pytest.mark.parametrize("claims", [1, 2])
def test_a_claim_that_could_not_end_the_statements_of_earlier_ones_says_what_they_may_do(
    atomic: Atomic, claims: int
) -> None:
    with closing(_connector(UnableConnector, atomic)) as connector:
        for number in range(claims):
            with open_run(connector, Strategy.DEDUP, run=f"run {number}") as run:
                note = run.do(StreamOperation.CLAIM).note

    # Nothing of anyone else's can be at work before the table's first claim.
    assert ("an earlier run is still at work" in note) is (claims > 1)
    # A table that changed is no longer the one that a late commit has seen.
    assert ("columns" in note) is (claims > 1 and atomic is not Atomic.TABLE)


@pytest.mark.parametrize("atomic", IN_PARTS)
def test_a_claim_that_ended_the_statements_of_earlier_ones_says_nothing(atomic: Atomic) -> None:
    with closing(_connector(MemoryConnector, atomic)) as connector:
        for number in range(2):
            with open_run(connector, Strategy.DEDUP, run=f"run {number}") as run:
                note = run.do(StreamOperation.CLAIM).note

    assert note == ""


@pytest.mark.parametrize("atomic", Atomic)
def test_the_final_table_stays_as_it_is_when_no_row_is_left_to_be_settled(atomic: Atomic) -> None:
    """Somebody deleted those that a STATE covers; the others are sent again."""
    wider = (*USERS, *columns(more=Kind.STRING))
    with closing(_connector(MemoryConnector, atomic)) as connector, closing(connector.client()) as client:
        with open_run(connector, Strategy.APPEND, run="first") as run:
            run.do(StreamOperation.CLAIM, StreamOperation.INSPECT, StreamOperation.OPEN_FINAL)
        with open_run(connector, Strategy.DEDUP, run="second", of=wider) as run:
            run.do(StreamOperation.CLAIM, StreamOperation.INSPECT, StreamOperation.OPEN_TEMP)
            run.do(run.flush(1, row(1, id=1), row(2, id=2), checkpoint=1))
        with client.transaction():
            (temp,) = client.tables_named(TEMP_MARK)
            client.replace(temp, client.rows(temp)[1:])
        with open_run(connector, Strategy.APPEND, run="third") as run:
            answer = run.do(StreamOperation.CLAIM, StreamOperation.INSPECT, StreamOperation.SETTLE)
            repeated = run.do(StreamOperation.SETTLE)
            final = run.life.tables.final

        with client.transaction():
            tables = dict(connector.database.content.tables)
            (entry,) = client.ledger.entries()

    assert list(tables) == [final]
    assert "more" not in tables[final].columns
    assert (entry.temp, entry.publishing) == (None, None)
    assert (answer.rows, answer.altered) == (0, ())
    assert any("was emptied, although a STATE" in warning for warning in answer.warnings)
    assert repeated.note == "done by an earlier attempt whose reply was lost"
