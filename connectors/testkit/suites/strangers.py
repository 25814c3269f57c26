"""The suite for what others made: a name that is taken, and tables of the first destinations."""

import pytest

from connectors.testkit.harness.destination import needs
from connectors.testkit.harness.messages import catalog, complete, record, state, users
from connectors.testkit.harness.warehouse import Warehouse, WarehouseSuite
from dataflow.catalog import Strategy
from dataflow.types import ADDED_LATER, GENERATION_ID, META, RAW_ID, TableName


class StrangersSuite(WarehouseSuite):
    """Syncs into a place where somebody was before."""

    @needs(foreign_tables=True)
    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_view_of_the_tables_name_is_named_before_any_state_is_emitted(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """No table could be published under it, and rows that were acknowledged would wait for ever."""
        warehouse.sync(catalog(users(Strategy.APPEND, name="others")), complete("others"))
        others = warehouse.tables("others").final
        assert warehouse.destination.make_view is not None
        warehouse.destination.make_view(TableName(others.namespace, "users"))

        outcome = warehouse.sync(
            catalog(users(strategy)), record("users", id=1), state("users", 1), complete("users")
        )

        (message,) = {error["message"] for error in outcome.errors if "stream_descriptor" in error} or {""}
        assert "is a view, not a table" in message
        assert set(outcome.failed.values()) == {"config_error"}
        assert outcome.states == []
        assert warehouse.destination.tables() == {others}

    @needs(foreign_tables=True)
    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_table_of_an_older_destination_gets_the_columns_that_it_lacks_and_keeps_its_rows(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        warehouse.sync(catalog(users(Strategy.APPEND)), record("users", id=1, name="old"), complete("users"))
        assert warehouse.destination.drop_columns is not None
        warehouse.destination.drop_columns(warehouse.tables().final, list(ADDED_LATER))

        outcome = warehouse.sync(
            catalog(users(strategy, 2)), record("users", id=2, name="new"), complete("users")
        )

        rows = {row["name"]: row for row in warehouse.rows()}
        assert outcome.errors == []
        assert rows.keys() == ({"new"} if strategy.truncates else {"old", "new"})
        for row in (rows[name] for name in rows if name == "old"):
            assert (row[META], row[GENERATION_ID]) == ({"changes": []}, 0)

    @needs(foreign_tables=True)
    def test_a_table_without_raw_ids_is_nobodys_of_ours(self, warehouse: Warehouse) -> None:
        warehouse.sync(catalog(users(Strategy.APPEND)), record("users", id=1), complete("users"))
        assert warehouse.destination.drop_columns is not None
        warehouse.destination.drop_columns(warehouse.tables().final, [RAW_ID])

        outcome = warehouse.sync(catalog(users(Strategy.APPEND)), record("users", id=2), complete("users"))

        assert outcome.exit_code == 1
        assert any(RAW_ID in error["message"] for error in outcome.errors)
        assert len(warehouse.destination.read(warehouse.tables().final)) == 1
