"""Somebody drops a column of a MySQL table while a sync is at work."""

from connectors.testkit.harness.warehouse import Warehouse
from tests.connectors import test_mysql as mysql
from tests.connectors.engine.sync.test_dropped_columns import DroppedColumnSuite, merged_without_name


class TestDroppedColumnOfMysql(DroppedColumnSuite):
    capabilities = mysql.CAPABILITIES
    destination = mysql.TestMysql.destination

    def test_a_column_that_a_publication_adds_to_a_temp_table_again_is_reported(
        self, warehouse: Warehouse
    ) -> None:
        outcome = merged_without_name(warehouse)

        (warning,) = outcome.warnings
        assert "values or columns were changed. column name (longtext) of kit.users_airbyte_tmp" in warning
