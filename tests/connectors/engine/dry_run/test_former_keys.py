"""A plan of a stream whose primary key was changed names the rows that may be lost by it."""

from contextlib import closing

import pytest

from connectors.engine.dry_run.effects import Deed
from connectors.engine.dry_run.plan import Plan, plan
from connectors.testkit.harness.faulty import Script
from connectors.testkit.harness.messages import catalog, complete, record, stream
from connectors.testkit.harness.warehouse import Outcome, Warehouse, WarehouseSuite
from dataflow.catalog import Strategy, read_catalog
from tests.connectors import test_memory as memory
from tests.connectors import test_postgres as postgres
from tests.connectors import test_sqlite as sqlite

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


class TestFormerKeysInMemory(FormerKeySuite):
    destination = memory.TestMemory.destination


class TestFormerKeysOfSqlite(FormerKeySuite):
    destination = sqlite.TestSqlite.destination


class TestFormerKeysOfPostgres(postgres.Postgres, FormerKeySuite):
    pass


def _sync(
    warehouse: Warehouse, strategy: Strategy, *key: str, generation: int = 1, script: Script | None = None
) -> Outcome:
    users = stream("users", strategy, key=key, generation=generation)
    return warehouse.sync(catalog(users), record("users", id=1, name="Ada"), complete("users"), script=script)


def _plan(warehouse: Warehouse, strategy: Strategy, *key: str, generation: int = 1) -> Plan:
    users = stream("users", strategy, key=key, generation=generation)
    with closing(warehouse.destination.connector()) as connector:
        return plan(connector, read_catalog(catalog(users)))
