"""The suite of what a sync says it did: what it changed of values and columns, and what is in the table now."""

import pytest

from connectors.testkit.harness.faulty import Script
from connectors.testkit.harness.interruptions import COVERED, CUT_OFF, PRIOR, TO_TEMP, cut_off, sync_users
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
from connectors.testkit.harness.warehouse import Outcome, Warehouse, WarehouseSuite
from dataflow.catalog import Strategy
from machines.journal.entries import Entry
from machines.journal.history import Life, runs
from machines.operations import StreamOperation

BEFORE = {"id": INTEGER, "weight": INTEGER, "height": STRING}
AFTER = {"id": INTEGER, "height": INTEGER, "phone": INTEGER}


class AccountSuite(WarehouseSuite):
    """Nothing is changed in silence, and no error says of a table what is not so."""

    def test_what_was_changed_is_one_warning_at_the_end_of_the_stream(self, warehouse: Warehouse) -> None:
        records = [record("users", id=n, phone="none", extra="x") for n in range(3)]
        outcome = warehouse.sync(
            catalog(stream("users", Strategy.APPEND, AFTER)), *records, complete("users")
        )

        (warning,) = outcome.warnings
        assert warning == (
            "Stream users: values or columns were changed. phone: 3 of 3 values became null (not a whole number); "
            "1 field of the records is not in the schema: extra."
        )

    def test_a_sync_that_changes_nothing_warns_of_nothing(self, warehouse: Warehouse) -> None:
        outcome = sync_users(warehouse, users(Strategy.DEDUP), sent=PRIOR)

        assert outcome.warnings == []

    @pytest.mark.parametrize("strategy", [Strategy.APPEND, Strategy.DEDUP])
    def test_each_column_that_was_altered_is_warned_of_and_kept_in_the_journal(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        warehouse.sync(
            catalog(stream("users", strategy, BEFORE)),
            record("users", id=1, weight=5, height="7"),
            complete("users"),
        )

        outcome = warehouse.sync(
            catalog(stream("users", strategy, AFTER)), record("users", id=2, height=8), complete("users")
        )

        (warning,) = outcome.warnings
        table = str(warehouse.tables().final)
        for column in (
            "column phone (",
            f"of {table} was added",
            "column weight (",
            f"of {table} was dropped",
            f"column height of {table} was changed from ",
        ):
            assert column in warning
        altered = [
            (each["column"], each["how"])
            for entry in outcome.journal
            if entry.get("operation") in ("open_final", "merge")
            for each in entry["altered"]
        ]
        assert sorted(altered) == [("height", "retyped"), ("phone", "added"), ("weight", "dropped")]

    def test_the_columns_of_a_lost_answer_are_reported_once(self, warehouse: Warehouse) -> None:
        warehouse.sync(
            catalog(stream("users", Strategy.APPEND, BEFORE)),
            record("users", id=1, weight=5, height="7"),
            complete("users"),
        )
        script = Script()

        def keep(entry: Entry) -> None:
            if entry.get("operation") == StreamOperation.INSPECT:
                script.lose_next_answer()

        outcome = warehouse.sync(
            catalog(stream("users", Strategy.APPEND, AFTER)), complete("users"), keep=keep, script=script
        )

        account = _of_users(outcome).account
        assert script.lost == 1
        assert account is not None
        assert sorted(each.column for each in account.altered) == ["height", "phone", "weight"]

    def test_an_append_that_is_cut_off_reports_what_it_added_and_what_comes_again(
        self, warehouse: Warehouse
    ) -> None:
        outcome = cut_off(warehouse, users(Strategy.APPEND))

        table = warehouse.tables().final
        words = (
            f"This run added {len(CUT_OFF)} rows to {table}. "
            f"No STATE covers {len(CUT_OFF) - COVERED} of them: "
            "where the source sends it again, the next sync adds it again."
        )
        assert _error(outcome).endswith(words)
        assert _of_users(outcome).standing == words
        assert len(warehouse.rows()) == len(CUT_OFF)

    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_a_stream_that_is_cut_off_reports_that_its_rows_wait(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        sync_users(warehouse, users(strategy, 1), sent=PRIOR)

        outcome = cut_off(warehouse, users(strategy, 2))

        tables = warehouse.tables()
        words = (
            f"{tables.final} holds nothing of this run. "
            f"Waiting in {warehouse.temp()} for the next sync: {len(CUT_OFF)} rows of this run."
        )
        assert _error(outcome).endswith(words)
        assert _of_users(outcome).standing == words
        assert len(warehouse.waiting()) == len(CUT_OFF)
        assert len(warehouse.rows()) == len(PRIOR)

    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_a_stream_that_could_not_be_published_reports_that_its_rows_wait(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        publishing = {
            Strategy.DEDUP: "merge_table",
            Strategy.APPEND_TRUNCATE: "overwrite_table",
            Strategy.DEDUP_TRUNCATE: "dedupe_table",
        }
        script = Script(refused=(publishing[strategy],))

        outcome = sync_users(warehouse, users(strategy), sent=PRIOR, script=script)

        assert f"Waiting in {warehouse.temp()}" in _error(outcome)
        assert len(warehouse.waiting()) == len(PRIOR)

    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_stream_that_is_done_reports_where_its_rows_are(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        outcome = sync_users(warehouse, users(strategy), sent=PRIOR)

        table = warehouse.tables().final
        assert (
            _of_users(outcome).standing
            == {
                Strategy.APPEND: f"This run added 3 rows to {table}.",
                Strategy.DEDUP: f"Merged into {table} by primary key: 3 rows of this run.",
                Strategy.APPEND_TRUNCATE: f"In {table}, in place of its old rows: 3 rows of this run.",
                Strategy.DEDUP_TRUNCATE: (
                    f"In {table}, in place of its old rows: the latest of each primary key of 3 rows of this run."
                ),
            }[strategy]
        )

    def test_a_refresh_that_was_published_before_reports_that_it_adds(self, warehouse: Warehouse) -> None:
        sync_users(warehouse, users(Strategy.APPEND_TRUNCATE), sent=PRIOR)

        outcome = sync_users(warehouse, users(Strategy.APPEND_TRUNCATE), sent=PRIOR)

        assert _of_users(outcome).standing == f"This run added 3 rows to {warehouse.tables().final}."

    def test_what_was_read_is_counted_though_nothing_of_it_is_durable(self, warehouse: Warehouse) -> None:
        script = Script(refused=("insert",))

        outcome = warehouse.sync(
            catalog(users(Strategy.DEDUP)),
            *(user.message("users") for user in PRIOR),
            state("users", 3),
            script=script,
        )

        counts = _of_users(outcome).counts
        assert (counts.read, counts.written) == (len(PRIOR), 0)
        assert counts.bytes > 0


def _of_users(outcome: Outcome) -> Life:
    """The stream's life, as its journal records it."""
    (run,) = runs(outcome.journal)
    (life,) = run.streams
    return life


def _error(outcome: Outcome) -> str:
    (error,) = outcome.errors
    return str(error["message"])
