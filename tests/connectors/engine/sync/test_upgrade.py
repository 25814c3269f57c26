"""A destination that an earlier version left, with temp tables and STATE in it: this version goes on with it.

The first version kept its entries in the table that holds the format now, and wrote down neither streams nor columns.
The version before this one updated the entry with each flush.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, cast

import pytest
from attrs import evolve

from connectors.contract import Client, Connector
from connectors.contract.ledger import LedgerEntry
from connectors.engine.dry_run.doctor import examine
from connectors.engine.dry_run.plan import plan
from connectors.engine.dry_run.repair import RepairOutcome, try_repairs
from connectors.sql.dialect import Dialect
from connectors.sql.ledger_rows import CHECKPOINT, FLUSH_TABLE, FORMAT_TABLE, TABLE
from connectors.sql.session import Session
from connectors.sql.text import Name, sql
from connectors.template.sqlite import test_contract as sqlite
from connectors.testkit.harness.destination import open_bench
from connectors.testkit.harness.interruptions import COVERED, CUT_OFF, PRIOR, THEN, cut_off, sync_users
from connectors.testkit.harness.messages import (
    INTEGER,
    STRING,
    catalog,
    complete,
    record,
    state,
    stream,
    users,
)
from connectors.testkit.harness.model import Stint, after_interruption, found
from connectors.testkit.harness.warehouse import Outcome, Warehouse, WarehouseSuite
from dataflow.catalog import Strategy, read_catalog
from dataflow.types import StreamName, TableName
from machines.operations import StreamOperation
from tests.connectors import test_duckdb as duckdb
from tests.connectors import test_postgres as postgres
from tests.connectors.sql.formats import leave_the_first_format, leave_the_second_format

DEDUP, APPEND = Strategy.DEDUP, Strategy.APPEND
TO_TEMP = [strategy for strategy in Strategy if strategy is not APPEND]


class UpgradeSuite(WarehouseSuite):
    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_rows_under_a_state_of_the_first_version_reach_the_table(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        sync_users(warehouse, users(strategy, 1), sent=PRIOR)
        cut_off(warehouse, users(strategy, 2))
        _as_the_first_version_left_it(warehouse)

        outcome = sync_users(warehouse, users(strategy, 2), sent=THEN)

        first, then = Stint(strategy, 2, CUT_OFF), Stint(strategy, 2, THEN)
        assert outcome.errors == []
        assert "resume_temp" in outcome.operations()
        assert found(warehouse.rows()) == sorted(after_interruption(PRIOR, first, COVERED, then))
        assert warehouse.left_behind() == set()

    @pytest.mark.parametrize("strategy", [each for each in Strategy if each.truncates])
    def test_a_generation_that_the_first_version_published_is_not_published_again(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        sync_users(warehouse, users(strategy, 1), sent=PRIOR)
        _as_the_first_version_left_it(warehouse)

        sync_users(warehouse, users(strategy, 1), sent=THEN)

        ids = {row["id"] for row in warehouse.data()}
        assert ids == {user.id for user in (*PRIOR, *THEN)}

    def test_a_ledger_of_the_first_version_is_read_without_being_changed(self, warehouse: Warehouse) -> None:
        cut_off(warehouse, users(DEDUP, 2))
        _as_the_first_version_left_it(warehouse)
        streams = read_catalog(catalog(users(DEDUP, 2)))

        with closing(warehouse.destination.connector()) as connector:
            (finding,) = examine(connector, streams).findings
        with closing(warehouse.destination.connector()) as connector:
            (planned,) = plan(connector, streams).streams

        assert (finding.state, finding.acknowledged) == ("resuming_temp", True)
        assert planned.path[2] == "resuming_temp"
        assert "epoch" in _columns(warehouse, FORMAT_TABLE)

    @pytest.mark.parametrize("first", ["my-orders", "my_orders"])
    def test_tables_and_columns_of_twins_stay_whose_they_were(self, warehouse: Warehouse, first: str) -> None:
        names = ("my-orders", "my_orders")
        _sync_twins(warehouse, names, 1)
        tables = {name: warehouse.tables(name).final for name in names}
        _as_the_first_version_left_it(warehouse)

        outcome = _sync_twins(warehouse, (first,), 2)
        _sync_twins(warehouse, names, 3)

        assert outcome.errors == []
        assert {name: warehouse.tables(name).final for name in names} == tables
        for name in names:
            columns = {column.field: column.name for column in warehouse.tables(name).columns}
            rows = {row["id"]: row for row in warehouse.data(name)}
            assert list(rows) == ([1, 2, 3] if name == first else [1, 3])
            assert [row[columns["a-b"]] for row in rows.values()] == [f"a-b of {name}"] * len(rows)
            assert [row[columns["a_b"]] for row in rows.values()] == [f"a_b of {name}"] * len(rows)

    def test_a_table_that_either_of_two_streams_may_own_is_given_to_neither(
        self, warehouse: Warehouse
    ) -> None:
        """The first version would have given it to the newcomer, with the other's rows."""
        _sync_twins(warehouse, ("My-orders",), 1)
        final = warehouse.tables("My-orders").final
        _as_the_first_version_left_it(warehouse)

        outcome = _sync_twins(warehouse, ("My-orders", "My_orders"), 2)

        apart = warehouse.tables("My-orders").final.name == "My-orders"
        errors = [error["message"] for error in outcome.errors]
        assert bool(errors) is not apart
        assert apart or any("fits each of My-orders and My_orders" in error for error in errors)
        ids = sorted(row["id"] for row in warehouse.destination.read(final))
        assert ids == ([1, 2] if apart else [1])

    @pytest.mark.parametrize("names", [("my_orders",), ("my_orders", "my-orders")])
    def test_rows_that_wait_are_their_streams_by_the_name_of_their_temp_table(
        self, warehouse: Warehouse, names: tuple[str, ...]
    ) -> None:
        fields = {"id": INTEGER}
        waiting = stream("my-orders", DEDUP, fields, key=("id",))
        warehouse.sync(catalog(waiting), record("my-orders", id=1), state("my-orders", 1))
        _as_the_first_version_left_it(warehouse)

        for number, synced in enumerate((names, ("my-orders",)), 2):
            outcome = warehouse.sync(
                catalog(*(stream(name, DEDUP, fields, key=("id",)) for name in synced)),
                *(record(name, id=number) for name in synced),
                *map(complete, synced),
            )

            assert outcome.errors == []
        found = {name: {row["id"] for row in warehouse.data(name)} for name in ("my-orders", "my_orders")}
        assert found == {"my-orders": {1, 3} | ({2} if "my-orders" in names else set()), "my_orders": {2}}

    def test_columns_that_wait_are_their_fields_by_the_recipe_of_their_temp_table(
        self, warehouse: Warehouse
    ) -> None:
        def sync(number: int, fields: Sequence[str], *end: bytes) -> Outcome:
            values: dict[str, Any] = {name: f"{name} {number}" for name in fields}
            kinds = {"id": INTEGER, **dict.fromkeys(fields, STRING)}
            return warehouse.sync(
                catalog(stream("users", DEDUP, kinds, key=("id",))),
                record("users", id=number, **values),
                *end,
            )

        sync(1, ["a-b"], state("users", 1))
        _as_the_first_version_left_it(warehouse)

        outcome = sync(2, ["a-b", "a_b"], complete("users"))

        columns = {each.field: each.name for each in warehouse.tables().columns}
        rows = {row["id"]: row for row in warehouse.data()}
        assert outcome.errors == []
        assert [rows[number][columns["a-b"]] for number in (1, 2)] == ["a-b 1", "a-b 2"]
        assert [rows[number][columns["a_b"]] for number in (1, 2)] == [None, "a_b 2"]

    def test_twins_that_cannot_be_distinguished_do_not_end_the_others(self, warehouse: Warehouse) -> None:
        _sync_twins(warehouse, ("My-orders",), 1)
        _as_the_first_version_left_it(warehouse)

        outcome = _sync_twins(warehouse, ("My-orders", "My_orders", "users"), 2)

        failed = {error["stream_descriptor"]["name"] for error in outcome.errors}
        assert failed <= {"My-orders", "My_orders"}
        assert [row["id"] for row in warehouse.data("users")] == [2]

    def test_a_table_that_is_repaired_before_its_stream_comes_stays_the_streams(
        self, warehouse: Warehouse
    ) -> None:
        """The ledger may be upgraded by another stream's sync, and then knows no owner of this table."""
        cut_off(warehouse, users(DEDUP, 2))
        final = warehouse.tables().final
        _as_the_first_version_left_it(warehouse)
        others = users(APPEND, 1, "others")
        sync_users(warehouse, others, sent=PRIOR)
        with closing(warehouse.destination.connector()) as connector:
            (attempt,) = try_repairs(connector, examine(connector, read_catalog(catalog(others))), "repair")

        outcome = sync_users(warehouse, users(DEDUP, 2), sent=THEN)

        assert attempt.outcome is RepairOutcome.FIXED
        assert outcome.errors == []
        assert warehouse.tables().final == final
        assert {user.id for user in CUT_OFF[:COVERED]} <= {row["id"] for row in warehouse.data()}

    def test_what_the_first_version_left_is_repaired_before_any_sync(self, warehouse: Warehouse) -> None:
        cut_off(warehouse, users(DEDUP, 2))
        _as_the_first_version_left_it(warehouse)
        others = read_catalog(catalog(users(APPEND, 1, "others")))
        with closing(warehouse.destination.connector()) as connector:
            (attempt,) = try_repairs(connector, examine(connector, others), "repair")

        assert (attempt.outcome, attempt.step) == (RepairOutcome.FIXED, StreamOperation.SETTLE)

    def test_an_upgraded_ledger_knows_the_streams(self, warehouse: Warehouse) -> None:
        sync_users(warehouse, users(DEDUP, 1), sent=PRIOR)
        _as_the_first_version_left_it(warehouse)

        sync_users(warehouse, users(DEDUP, 2), sent=THEN)

        with open_bench(warehouse.destination) as bench, bench.client.transaction():
            (entry,) = bench.client.ledger.entries()
        assert entry.stream == StreamName(None, "users")
        assert {each.field for each in entry.columns} == {"id", "name", "updated"}

    # -- the version before

    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_rows_that_wait_under_a_checkpoint_of_the_version_before_reach_the_table(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        sync_users(warehouse, users(strategy, 1), sent=PRIOR)
        cut_off(warehouse, users(strategy, 2))
        _as_the_version_before_left_it(warehouse)

        outcome = sync_users(warehouse, users(strategy, 2), sent=THEN)

        first, then = Stint(strategy, 2, CUT_OFF), Stint(strategy, 2, THEN)
        assert outcome.errors == []
        assert "resume_temp" in outcome.operations()
        assert found(warehouse.rows()) == sorted(after_interruption(PRIOR, first, COVERED, then))
        assert warehouse.left_behind() == set()

    def test_an_entry_of_the_version_before_is_kept_whole(self, warehouse: Warehouse) -> None:
        cut_off(warehouse, users(DEDUP, 2))
        sync_users(warehouse, users(Strategy.APPEND_TRUNCATE, 7, "others"), sent=PRIOR)
        before = _entries(warehouse)
        _as_the_version_before_left_it(warehouse)
        read = _entries(warehouse)

        with open_bench(warehouse.destination) as bench, bench.client.transaction():
            bench.client.ledger.prepare()

        assert [each.checkpoint is not None for each in before] == [False, True]
        assert (read, _entries(warehouse)) == (before, before)

    def test_a_ledger_of_the_version_before_is_read_without_being_upgraded(
        self, warehouse: Warehouse
    ) -> None:
        cut_off(warehouse, users(DEDUP, 2))
        _as_the_version_before_left_it(warehouse)
        streams = read_catalog(catalog(users(DEDUP, 2)))

        with closing(warehouse.destination.connector()) as connector:
            (finding,) = examine(connector, streams).findings
        with closing(warehouse.destination.connector()) as connector:
            (planned,) = plan(connector, streams).streams

        assert (finding.state, finding.acknowledged) == ("resuming_temp", True)
        assert planned.path[2] == "resuming_temp"
        assert "checkpoint" in _columns(warehouse, TABLE)

    def test_the_version_before_finds_that_its_column_is_gone(self, warehouse: Warehouse) -> None:
        """It would cut temp to a checkpoint that is no longer written, and lose rows that a STATE covers."""
        cut_off(warehouse, users(DEDUP, 2))
        _as_the_version_before_left_it(warehouse)

        sync_users(warehouse, users(DEDUP, 2), sent=THEN)

        columns = _columns(warehouse, TABLE)
        assert columns
        assert "checkpoint" not in columns

    @pytest.mark.parametrize(("moment", "place"), [("before", "flush"), ("before", "merge")])
    def test_a_run_whose_ledger_is_upgraded_meanwhile_ends_with_what_happened_and_what_to_do(
        self, warehouse: Warehouse, moment: str, place: str
    ) -> None:
        def upgrade(when: str, where: str) -> None:
            if (when, where) == (moment, place):
                _rename_columns_as_a_later_version_would(warehouse)

        outcome = sync_users(evolve(warehouse, strike=upgrade), users(DEDUP, 1), sent=PRIOR)

        (error, *_) = outcome.errors
        assert "is no longer in this version's format" in error["message"]
        assert "run the sync again with that version" in error["message"]
        assert "Report this" not in error["message"]
        assert outcome.failed == {"users": "config_error"}


class TestUpgradeOfSqlite(UpgradeSuite):
    destination = sqlite.TestSqlite.destination


class TestUpgradeOfDuckDb(UpgradeSuite):
    destination = duckdb.TestDuckDb.destination


class TestUpgradeOfPostgres(postgres.Postgres, UpgradeSuite):
    pass


def _entries(warehouse: Warehouse) -> Sequence[LedgerEntry]:
    with _transaction(warehouse) as (_, client):
        return sorted(client.ledger.entries(), key=lambda entry: entry.table.name)


def _columns(warehouse: Warehouse, table: str) -> Collection[str]:
    with _transaction(warehouse) as (connector, client):
        return cast("Session", client).column_names(TableName(connector.internal_namespace, table))


@contextmanager
def _transaction(warehouse: Warehouse) -> Iterator[tuple[Connector, Client]]:
    """A transaction on the destination as it is; nothing is prepared."""
    with (
        closing(warehouse.destination.connector()) as connector,
        closing(connector.client()) as client,
        client.transaction(),
    ):
        yield connector, client


def _sync_twins(warehouse: Warehouse, names: tuple[str, ...], number: int) -> Any:
    """Two fields that are twins, in streams that may be."""
    fields = {"id": INTEGER, "a-b": STRING, "a_b": STRING}
    return warehouse.sync(
        catalog(*(stream(name, DEDUP, fields, key=("id",)) for name in names)),
        *(
            record(name, **{"id": number, "a-b": f"a-b of {name}", "a_b": f"a_b of {name}"})  # type: ignore[arg-type]
            for name in names
        ),
        *map(complete, names),
    )


def _rename_columns_as_a_later_version_would(warehouse: Warehouse) -> None:
    """The checkpoint: it is what the last upgrade renamed."""
    with _transaction(warehouse) as (connector, client):
        session = cast("Session", client)
        for name in (TABLE, FLUSH_TABLE):
            table = session.table(TableName(connector.internal_namespace, name))
            renamed = sql("ALTER TABLE {} RENAME COLUMN {} TO {}", table, Name(CHECKPOINT), Name("renamed"))
            session.execute(renamed)


def _as_the_first_version_left_it(warehouse: Warehouse) -> None:
    _leave(warehouse, leave_the_first_format)


def _as_the_version_before_left_it(warehouse: Warehouse) -> None:
    _leave(warehouse, leave_the_second_format)


def _leave(warehouse: Warehouse, leave: Callable[[Client, Dialect, str], None]) -> None:
    with _transaction(warehouse) as (connector, client):
        ledger: Any = client.ledger
        leave(client, ledger._dialect, connector.internal_namespace)
