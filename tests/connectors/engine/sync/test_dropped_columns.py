"""Somebody drops a column while a sync is at work: its error says so, and the next sync adds the column again."""

from contextlib import closing

import pytest
from attrs import evolve

from connectors.engine.sync.faults import FLUSH
from connectors.testkit.harness.interruptions import PRIOR, THEN, sync_users
from connectors.testkit.harness.messages import users
from connectors.testkit.harness.warehouse import Outcome, Warehouse, WarehouseSuite
from dataflow.catalog import Strategy
from dataflow.errors import InternalError
from dataflow.types import INTEGER, Column
from machines.operations import StreamOperation
from tests.connectors import test_duckdb as duckdb
from tests.connectors import test_postgres as postgres
from tests.connectors import test_sqlite as sqlite

APPEND = Strategy.APPEND


def merged_without_name(warehouse: Warehouse) -> Outcome:
    """A sync whose temp table loses the column `name` just before it is merged."""
    dedup = Strategy.DEDUP
    sync_users(warehouse, users(dedup, 1), sent=PRIOR)

    def drop(when: str, where: str) -> None:
        if (when, where) == ("before", StreamOperation.MERGE):
            assert warehouse.destination.drop_columns is not None
            warehouse.destination.drop_columns(warehouse.temp(), ["name"])

    return sync_users(evolve(warehouse, strike=drop), users(dedup, 1), sent=THEN)


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
        assert f"A column of {table} was renamed or dropped during the sync: name." in error["message"]
        assert outcome.failed == {"users": "config_error"}
        assert again.errors == []

    def test_a_statement_that_names_a_column_which_never_was_there_is_a_defect_of_ours(
        self, warehouse: Warehouse
    ) -> None:
        sync_users(warehouse, users(APPEND, 1), sent=PRIOR)
        table, gone = warehouse.tables().final, Column("gone", "gone", INTEGER)

        with closing(warehouse.destination.connector()) as connector, closing(connector.client()) as client:
            with pytest.raises(Exception, match="gone") as caught, client.transaction():
                client.copy_table(table, table, [gone])
            found = connector.explain(caught.value)

        assert type(found) is InternalError


class UndoneTableSuite(DroppedColumnSuite):
    """A database that undoes tables: its publication supposes the columns that the start has seen."""

    def test_a_column_that_a_temp_table_lacks_at_its_publication_is_named_too(
        self, warehouse: Warehouse
    ) -> None:
        outcome = merged_without_name(warehouse)

        (error, *_) = outcome.errors
        assert "was renamed or dropped during the sync: name." in error["message"]
        assert outcome.failed == {"users": "config_error"}


class TestDroppedColumnOfSqlite(UndoneTableSuite):
    destination = sqlite.TestSqlite.destination


class TestDroppedColumnOfDuckDb(UndoneTableSuite):
    destination = duckdb.TestDuckDb.destination


class TestDroppedColumnOfPostgres(postgres.Postgres, UndoneTableSuite):
    pass
