"""The suite of what an earlier sync left, and a later one of another kind finds: settled, resumed, dropped, refused."""

from collections.abc import Sequence

import pytest

from connectors.sql.ledger_rows import TABLE as LEDGER
from connectors.testkit.harness.destination import needs, open_bench
from connectors.testkit.harness.interruptions import (
    COVERED,
    CUT_OFF,
    PRIOR,
    THEN,
    TO_TEMP,
    cut_off,
    names_found,
    names_sent,
    sync_users,
)
from connectors.testkit.harness.messages import INTEGER, catalog, complete, record, state, stream, users
from connectors.testkit.harness.model import Stint, after_interruption, found, published
from connectors.testkit.harness.rows import Row, row
from connectors.testkit.harness.warehouse import Warehouse, WarehouseSuite
from dataflow.catalog import Strategy
from dataflow.types import TableName

APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE


class LeftoverSuite(WarehouseSuite):
    """The rules of the start of a stream, as a ledger and a temp table make them."""

    # -- a temp table of another recipe

    def test_a_temp_table_meets_every_sync_that_can_come_next(self, warehouse: Warehouse) -> None:
        """Resumed, settled by the recipe it was opened with, or dropped: each pair of strategies, with and without
        a new generation.

        Upstream: testTruncateRefresh, testTruncateRefreshChangeSyncMode, resumeAfterCancelledTruncate.
        """
        pairs = {
            f"{first} then {then} {'of the same' if same else 'of the next'} generation": (first, then, same)
            for first in Strategy
            for then in Strategy
            for same in (True, False)
        }
        names = list(pairs)
        cut = [users(first, 2, name) for name, (first, _, _) in pairs.items()]
        next_ = [users(then, 2 if same else 3, name) for name, (_, then, same) in pairs.items()]
        sync_users(warehouse, *(users(APPEND, 1, name) for name in names), sent=PRIOR)
        cut_off(warehouse, *cut)

        outcome = sync_users(warehouse, *next_, sent=THEN)

        expected = {
            name: sorted(
                after_interruption(
                    PRIOR, Stint(first, 2, CUT_OFF), COVERED, Stint(then, 2 if same else 3, THEN)
                )
            )
            for name, (first, then, same) in pairs.items()
        }
        assert outcome.errors == []
        assert {name: found(warehouse.rows(name)) for name in names} == expected
        assert warehouse.left_behind() == set()

    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_a_temp_table_of_another_schema_reaches_the_table_too(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """A column may come or change between a sync and its resumption."""
        before = {"id": INTEGER, "name": INTEGER, "to_drop": INTEGER}
        warehouse.sync(
            catalog(stream("users", strategy, before, generation=2)),
            record("users", id=1, name=42, to_drop=7),
            state("users", 1),
        )

        warehouse.sync(
            catalog(users(strategy, 2)), record("users", id=2, name="b", updated=2), complete("users")
        )

        assert warehouse.data() == [
            {"id": 1, "name": "42", "updated": None},
            {"id": 2, "name": "b", "updated": 2},
        ]
        assert warehouse.left_behind() == set()

    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_a_sync_of_which_nothing_was_acknowledged_leaves_the_tables_columns_alone(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """There is no row to publish, so no column goes for it; the next sync may well have that column again."""
        sync_users(warehouse, users(APPEND, 1), sent=PRIOR)
        narrow = stream("users", strategy, {"id": INTEGER}, generation=2)
        warehouse.sync(catalog(narrow), record("users", id=1))

        sync_users(warehouse, users(APPEND, 3), sent=THEN)

        assert names_found(warehouse.data()) == names_sent([*PRIOR, *THEN])
        assert warehouse.left_behind() == set()

    @pytest.mark.parametrize("truncate", [APPEND_TRUNCATE, DEDUP_TRUNCATE])
    def test_incremental_rows_are_in_the_table_before_a_truncate_begins(
        self, warehouse: Warehouse, truncate: Strategy
    ) -> None:
        """They were acknowledged, and the truncate may never be completed."""
        sync_users(warehouse, users(DEDUP, 1), sent=PRIOR)
        cut_off(warehouse, users(DEDUP, 2))

        cut_off(warehouse, users(truncate, 3))

        covered = Stint(DEDUP, 2, CUT_OFF[:COVERED])
        assert found(warehouse.rows()) == sorted(
            published(Stint(DEDUP, 1, PRIOR).users, DEDUP, covered.users)
        )

    def test_a_resumed_temp_table_is_settled_by_the_recipe_it_was_resumed_with(
        self, warehouse: Warehouse
    ) -> None:
        """The import type and the schema may change in between; the rows that came last need the new ones."""
        old = stream("users", APPEND_TRUNCATE, {"id": INTEGER}, generation=2)
        warehouse.sync(catalog(old), record("users", id=1), record("users", id=1), state("users", 1))
        warehouse.sync(
            catalog(users(DEDUP_TRUNCATE, 2)), record("users", id=2, name="new"), state("users", 2)
        )

        warehouse.sync(catalog(users(APPEND, 3)), complete("users"))

        assert [(row["id"], row["name"]) for row in warehouse.data()] == [(1, None), (2, "new")]

    # -- acknowledged rows that somebody removed

    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_a_temp_table_that_somebody_dropped_with_rows_under_a_state_fails_its_stream(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """Starting over would silently lose rows that may have been acknowledged."""
        sync_users(warehouse, users(strategy, 1), users(strategy, 1, "others"), sent=PRIOR)
        cut_off(warehouse, users(strategy, 2))
        _drop(warehouse, warehouse.temp())

        for _ in range(2):
            outcome = sync_users(warehouse, users(strategy, 2), users(strategy, 2, "others"), sent=THEN)

            (error,) = outcome.errors
            assert error["stream_descriptor"]["name"] == "users"
            assert "is gone. According to the ledger it held rows that a STATE covers" in error["message"]
            assert found(warehouse.rows()) == sorted(PRIOR)

    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_a_refresh_goes_on_after_a_temp_table_was_dropped(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """It loads all of the stream's records again."""
        sync_users(warehouse, users(strategy, 1), sent=PRIOR)
        cut_off(warehouse, users(strategy, 2))
        _drop(warehouse, warehouse.temp())

        outcome = sync_users(warehouse, users(APPEND_TRUNCATE, 3), sent=THEN)

        assert outcome.errors == []
        assert names_found(warehouse.data()) == names_sent(THEN)

    def test_an_empty_table_in_place_of_a_dropped_one_lets_the_stream_go_on_without_its_rows(
        self, warehouse: Warehouse
    ) -> None:
        sync_users(warehouse, users(DEDUP, 1), sent=PRIOR)
        cut_off(warehouse, users(DEDUP, 2))
        temp = warehouse.temp()
        _drop(warehouse, temp)
        with open_bench(warehouse.destination) as bench:
            bench.make(temp, warehouse.tables().columns)

        outcome = sync_users(warehouse, users(DEDUP, 2), sent=THEN)

        expected = published(Stint(DEDUP, 1, PRIOR).users, DEDUP, Stint(DEDUP, 2, THEN).users)
        assert outcome.errors == []
        assert found(warehouse.rows()) == sorted(expected)
        assert any("was emptied, although a STATE" in warning for warning in outcome.warnings)

    # -- a generation that was published already

    @pytest.mark.parametrize("strategy", [APPEND_TRUNCATE, DEDUP_TRUNCATE])
    def test_the_retry_of_a_published_truncate_adds_and_never_swaps_again(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """The crash came between the swap's COMMIT and the platform's hearing of it: acknowledged rows are in the
        table.
        """
        sync_users(warehouse, users(strategy, 2), sent=CUT_OFF)

        outcome = sync_users(warehouse, users(strategy, 2), sent=THEN)

        table, then = Stint(strategy, 2, CUT_OFF), Stint(strategy, 2, THEN)
        expected = published(published([], strategy, table.users), strategy.incremental, then.users)
        assert found(warehouse.rows()) == sorted(expected)
        assert not {"swap", "dedupe_and_swap"} & set(outcome.operations())
        assert warehouse.left_behind() == set()

    @pytest.mark.parametrize("strategy", [APPEND_TRUNCATE, DEDUP_TRUNCATE])
    def test_an_interrupted_retry_of_a_published_truncate_is_resumed_as_what_it_is(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        sync_users(warehouse, users(strategy, 2), sent=PRIOR)
        cut_off(warehouse, users(strategy, 2))

        outcome = sync_users(warehouse, users(strategy, 2), sent=THEN)

        prior = Stint(strategy, 2, PRIOR).users
        first, then = Stint(strategy.incremental, 2, CUT_OFF), Stint(strategy.incremental, 2, THEN)
        assert found(warehouse.rows()) == sorted(after_interruption(prior, first, COVERED, then))
        assert not {"swap", "dedupe_and_swap"} & set(outcome.operations())

    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_table_of_a_newer_generation_is_no_reason_to_doubt_the_catalogs(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """The platform counts; a connection that was made again begins at one, over the table of the old one."""
        sync_users(warehouse, users(APPEND_TRUNCATE, 7), sent=PRIOR)

        outcome = sync_users(warehouse, users(strategy, 1), sent=THEN)

        before, then = Stint(APPEND_TRUNCATE, 7, PRIOR).users, Stint(strategy, 1, THEN).users
        assert outcome.exit_code == 0
        assert found(warehouse.rows()) == sorted(published(before, strategy, then))
        assert warehouse.left_behind() == set()

    # -- what nobody can account for

    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_temp_table_the_ledger_does_not_know_is_kept_and_refused(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """Its rows may have been acknowledged; to drop them, or to guess how they belong, would lose them."""
        sync_users(warehouse, users(APPEND, 1), sent=PRIOR)
        tables = warehouse.tables()
        _make(warehouse, [row(1, id=7, name="unknown", updated=1)])

        outcome = sync_users(warehouse, users(strategy, 2), sent=THEN)

        assert (outcome.exit_code, set(outcome.failed.values())) == (1, {"config_error"})
        assert str(tables.temp) in outcome.errors[-1]["message"]
        assert names_found(warehouse.waiting()) == ["unknown"]
        assert names_found(warehouse.data()) == names_sent(PRIOR)

    @pytest.mark.parametrize("strategy", Strategy)
    def test_an_empty_temp_table_the_ledger_does_not_know_is_dropped(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        sync_users(warehouse, users(APPEND, 1), sent=PRIOR)
        _make(warehouse, [])

        outcome = sync_users(warehouse, users(strategy, 2), sent=THEN)

        assert outcome.exit_code == 0
        assert warehouse.left_behind() == set()

    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_temp_table_that_somebody_dropped_without_a_row_under_a_state_is_no_obstacle(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """The source sends all of its rows again."""
        warehouse.sync(catalog(users(strategy, 2)), *(user.message() for user in CUT_OFF))
        _drop(warehouse, warehouse.temp())

        outcome = sync_users(warehouse, users(strategy, 2), sent=THEN)

        assert outcome.exit_code == 0
        assert warehouse.left_behind() == set()

    # -- a ledger that a person has touched

    @needs(ledger_table=True)
    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_rows_that_wait_are_kept_and_reported_if_the_ledger_was_lost(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """Its temp table holds acknowledged rows, and nothing says how they should reach the final table."""
        sync_users(warehouse, users(APPEND, 1), sent=PRIOR)
        cut_off(warehouse, users(strategy, 2))
        _drop(warehouse, _ledger(warehouse))

        outcome = sync_users(warehouse, users(strategy, 2), sent=THEN)

        assert (outcome.exit_code, set(outcome.failed.values())) == (1, {"config_error"})
        assert str(warehouse.temp()) in outcome.errors[-1]["message"]
        assert names_found(warehouse.waiting()) == names_sent(CUT_OFF)
        assert names_found(warehouse.data()) == names_sent(PRIOR)

    @needs(ledger_table=True)
    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_table_is_reported_and_synced_on_if_the_ledger_was_lost(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        sync_users(warehouse, users(DEDUP, 1), sent=PRIOR)
        _drop(warehouse, _ledger(warehouse))

        outcome = sync_users(warehouse, users(strategy, 2), sent=THEN)

        expected = published(Stint(DEDUP, 1, PRIOR).users, strategy, Stint(strategy, 2, THEN).users)
        assert outcome.exit_code == 0
        assert found(warehouse.rows()) == sorted(expected)
        (note,) = [e["note"] for e in outcome.journal if e.get("operation") == "inspect" and "note" in e]
        assert "the ledger had no entry" in note

    @needs(ledger_table=True)
    def test_a_table_in_the_ledgers_place_is_refused_and_nothing_is_touched(
        self, warehouse: Warehouse
    ) -> None:
        """A damaged ledger, or that of another version: what it would decide is not guessed."""
        sync_users(warehouse, users(DEDUP, 1), sent=PRIOR)
        cut_off(warehouse, users(DEDUP, 2))
        ledger, columns = _ledger(warehouse), warehouse.tables().columns
        with open_bench(warehouse.destination) as bench, bench.client.transaction():
            bench.client.drop_table(ledger)
            bench.client.create_table(ledger, columns, ())

        outcome = sync_users(warehouse, users(DEDUP, 2), sent=THEN)

        assert (outcome.exit_code, outcome.failed) == (1, {None: "config_error"})
        assert str(ledger) in outcome.errors[0]["message"]
        assert names_found(warehouse.waiting()) == names_sent(CUT_OFF)
        assert names_found(warehouse.data()) == names_sent(PRIOR)


def _ledger(warehouse: Warehouse) -> TableName:
    connector = warehouse.destination.connector()
    connector.close()
    return TableName(connector.internal_namespace, LEDGER)


def _drop(warehouse: Warehouse, table: TableName) -> None:
    """As a person would, past the ledger."""
    connector = warehouse.destination.connector()
    client = connector.client()
    with client.transaction():
        client.drop_table(table)
    client.close()
    connector.close()


def _make(warehouse: Warehouse, rows: Sequence[Row]) -> None:
    """Create the stream's temp table without a word in the ledger."""
    tables = warehouse.tables()
    with open_bench(warehouse.destination) as bench:
        bench.make(tables.temp, tables.columns, *rows)
