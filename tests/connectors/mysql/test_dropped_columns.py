"""Somebody drops a column of a MySQL table while a sync is at work."""

from attrs import evolve

from connectors.testkit.harness.interruptions import PRIOR, THEN, sync_users
from connectors.testkit.harness.messages import users
from connectors.testkit.harness.warehouse import Warehouse
from dataflow.catalog import Strategy
from machines.operations import StreamOperation
from tests.connectors import test_mysql as mysql
from tests.connectors.engine.sync.test_dropped_columns import DroppedColumnSuite


class TestDroppedColumnOfMysql(DroppedColumnSuite):
    capabilities = mysql.CAPABILITIES
    destination = mysql.TestMysql.destination

    def test_a_column_that_a_publication_adds_to_a_temp_table_again_is_reported(
        self, warehouse: Warehouse
    ) -> None:
        dedup = Strategy.DEDUP
        sync_users(warehouse, users(dedup, 1), sent=PRIOR)

        def drop(when: str, where: str) -> None:
            if (when, where) == ("before", StreamOperation.MERGE):
                assert warehouse.destination.drop_columns is not None
                warehouse.destination.drop_columns(warehouse.temp(), ["name"])

        outcome = sync_users(evolve(warehouse, strike=drop), users(dedup, 1), sent=THEN)

        (warning,) = outcome.warnings
        assert "values or columns were changed. column name (longtext) of kit.users_airbyte_tmp" in warning
