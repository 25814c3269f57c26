"""Somebody drops a column while a sync is at work: its error says so, and the next sync adds the column again."""

from attrs import evolve

from connectors.engine.sync.faults import FLUSH
from connectors.testkit.harness.interruptions import PRIOR, THEN, sync_users
from connectors.testkit.harness.messages import users
from connectors.testkit.harness.warehouse import Warehouse, WarehouseSuite
from dataflow.catalog import Strategy
from tests.connectors import test_duckdb as duckdb
from tests.connectors import test_postgres as postgres
from tests.connectors import test_sqlite as sqlite

APPEND = Strategy.APPEND


class DroppedColumnSuite(WarehouseSuite):
    def test_a_column_that_is_dropped_meanwhile_is_named_as_the_cause(self, warehouse: Warehouse) -> None:
        sync_users(warehouse, users(APPEND, 1), sent=PRIOR)
        table = warehouse.tables().final

        def drop(when: str, where: str) -> None:
            if (when, where) == ("before", FLUSH):
                assert warehouse.destination.drop_columns is not None
                warehouse.destination.drop_columns(table, ["name"])

        outcome = sync_users(evolve(warehouse, strike=drop), users(APPEND, 1), sent=THEN)
        again = sync_users(warehouse, users(APPEND, 1), sent=THEN)

        (error, *_) = outcome.errors
        assert "was renamed or dropped during the sync" in error["message"]
        assert outcome.failed == {"users": "config_error"}
        assert again.errors == []


class TestDroppedColumnOfSqlite(DroppedColumnSuite):
    destination = sqlite.TestSqlite.destination


class TestDroppedColumnOfDuckDb(DroppedColumnSuite):
    destination = duckdb.TestDuckDb.destination


class TestDroppedColumnOfPostgres(postgres.Postgres, DroppedColumnSuite):
    pass
