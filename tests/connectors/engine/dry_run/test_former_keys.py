"""A plan of a stream whose primary key was changed names the rows that may be lost by it."""

from contextlib import closing
from uuid import uuid4

import pytest
from attrs import evolve

from connectors.engine.dry_run.effects import Deed
from connectors.engine.dry_run.plan import Plan, plan
from connectors.testkit.harness.faulty import Script
from connectors.testkit.harness.messages import catalog, complete, record, state, stream
from connectors.testkit.harness.warehouse import Outcome, Warehouse, WarehouseSuite
from dataflow.catalog import Strategy, read_catalog
from dataflow.errors import TransientError
from machines.operations import StreamOperation
from machines.parts import Atomic
from tests.connectors import test_memory as memory
from tests.connectors import test_postgres as postgres
from tests.connectors import test_sqlite as sqlite
from tests.connectors.memory import memory_destination

DEDUP, DEDUP_TRUNCATE = Strategy.DEDUP, Strategy.DEDUP_TRUNCATE


class FormerKeySuite(WarehouseSuite):
    @pytest.mark.parametrize("strategy", [DEDUP, DEDUP_TRUNCATE])
    def test_a_merge_by_another_key_than_before_is_destructive(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        _sync(warehouse, strategy, "id")

        planned = _plan(warehouse, DEDUP, "name")

        (effect,) = planned.destructive
        assert effect.deed is Deed.MERGE_BY_ANOTHER_KEY
        assert "by name, whose rows were merged by id before" in effect.words

    def test_a_merge_by_more_columns_than_before_is_harmless(self, warehouse: Warehouse) -> None:
        _sync(warehouse, DEDUP, "id")

        assert _plan(warehouse, DEDUP, "name", "id").destructive == ()

    def test_a_merge_by_the_same_key_is_harmless_also_after_the_key_was_changed(
        self, warehouse: Warehouse
    ) -> None:
        _sync(warehouse, DEDUP, "id")
        first = _plan(warehouse, DEDUP, "id").destructive
        _sync(warehouse, DEDUP, "name")

        again = _plan(warehouse, DEDUP, "name").destructive

        assert (first, again) == ((), ())

    def test_a_run_that_published_nothing_has_changed_no_key(self, warehouse: Warehouse) -> None:
        _sync(warehouse, DEDUP, "id")
        failed = _sync(warehouse, DEDUP, "name", script=Script(refused=("merge_table",)))

        planned = _plan(warehouse, DEDUP, "name")

        assert failed.exit_code == 1
        assert [each.deed for each in planned.destructive] == [Deed.MERGE_BY_ANOTHER_KEY]

    def test_a_table_that_was_replaced_without_a_key_has_no_former_one(self, warehouse: Warehouse) -> None:
        _sync(warehouse, DEDUP, "id")
        _sync(warehouse, Strategy.APPEND_TRUNCATE, generation=2)

        assert _plan(warehouse, DEDUP, "name", generation=2).destructive == ()

    def test_a_merge_whose_answer_was_lost_may_have_changed_the_key(self, warehouse: Warehouse) -> None:
        def lose(when: str, where: str) -> None:
            if (when, where) == ("after", StreamOperation.MERGE):
                raise TransientError("The answer was lost.")

        _sync(warehouse, DEDUP, "id")
        failed = _sync(evolve(warehouse, strike=lose), DEDUP, "name")

        assert failed.exit_code == 1
        assert "merged by name before" in _words(_plan(warehouse, DEDUP, "id"))
        assert "merged by id before" in _words(_plan(warehouse, DEDUP, "name"))

    def test_rows_that_were_settled_were_merged_by_the_key_of_their_temp_table(
        self, warehouse: Warehouse
    ) -> None:
        _sync(warehouse, DEDUP, "id")
        _sync(warehouse, DEDUP, "name", script=Script(refused=("merge_table",)))
        settled = _sync(warehouse, DEDUP, "id", script=Script(refused=("expect_meta",)))

        assert StreamOperation.SETTLE in settled.operations()
        assert "merged by name before" in _words(_plan(warehouse, DEDUP, "id"))
        assert _plan(warehouse, DEDUP, "name").destructive == ()

    def test_an_append_does_not_hide_an_earlier_key(self, warehouse: Warehouse) -> None:
        _sync(warehouse, DEDUP, "id")
        _sync(warehouse, Strategy.APPEND)

        assert "merged by id before" in _words(_plan(warehouse, DEDUP, "name"))


class TestFormerKeysInMemory(FormerKeySuite):
    destination = memory.TestMemory.destination


@pytest.mark.parametrize("atomic", [Atomic.ROWS, Atomic.STATEMENT, Atomic.TABLE])
class TestFormerKeysInParts:
    def test_rows_whose_publication_was_completed_were_merged_by_the_key_of_their_temp_table(
        self, atomic: Atomic
    ) -> None:
        warehouse = Warehouse(memory_destination(atomic))
        _sync(warehouse, DEDUP, "id")
        _sync(warehouse, DEDUP, "name", script=Script(refused=("merge_table",)))
        completed = _sync(warehouse, Strategy.APPEND)

        assert StreamOperation.COMPLETE in completed.operations()
        assert "merged by name before" in _words(_plan(warehouse, DEDUP, "id"))
        assert _plan(warehouse, DEDUP, "name").destructive == ()

    def test_an_append_hides_no_earlier_key_though_it_goes_through_temp(self, atomic: Atomic) -> None:
        warehouse = Warehouse(memory_destination(atomic))
        _sync(warehouse, DEDUP, "id")
        _sync(warehouse, Strategy.APPEND)

        assert "merged by id before" in _words(_plan(warehouse, DEDUP, "name"))


class TestFormerKeysOfSqlite(FormerKeySuite):
    destination = sqlite.TestSqlite.destination


class TestFormerKeysOfPostgres(postgres.Postgres, FormerKeySuite):
    pass


def _sync(
    warehouse: Warehouse, strategy: Strategy, *key: str, generation: int = 1, script: Script | None = None
) -> Outcome:
    users = stream("users", strategy, key=key, generation=generation)
    sent = (record("users", id=1, name="Ada"), state("users", 1), complete("users"))
    return evolve(warehouse, run=uuid4().hex).sync(catalog(users), *sent, script=script)


def _plan(warehouse: Warehouse, strategy: Strategy, *key: str, generation: int = 1) -> Plan:
    users = stream("users", strategy, key=key, generation=generation)
    with closing(warehouse.destination.connector()) as connector:
        return plan(connector, read_catalog(catalog(users)))


def _words(planned: Plan) -> str:
    (effect,) = planned.destructive
    return effect.words
