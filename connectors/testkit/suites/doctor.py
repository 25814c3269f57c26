"""The suite of the doctor: what it says is what the next sync does, and what it repairs loses nothing acknowledged."""

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, cast

import pytest
from attrs import define

from connectors.contract import Client, Connector
from connectors.engine.dry_run.diagnosis import Diagnosis, Kind
from connectors.engine.dry_run.doctor import examine
from connectors.engine.dry_run.doctor_text import as_json, as_text
from connectors.engine.dry_run.repair import Attempt, RepairOutcome, try_repairs
from connectors.testkit.harness.destination import needs, open_bench
from connectors.testkit.harness.faulty import Script, faulty
from connectors.testkit.harness.interruptions import (
    COVERED,
    CUT_OFF,
    PRIOR,
    THEN,
    TO_TEMP,
    cut_off,
    sync_users,
)
from connectors.testkit.harness.messages import catalog, complete, record, users
from connectors.testkit.harness.model import Stint, found, published
from connectors.testkit.harness.rows import row
from connectors.testkit.harness.warehouse import Outcome, Warehouse, WarehouseSuite
from dataflow.catalog import Strategy, read_catalog
from machines.operations import StreamOperation

APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE
OTHERS = users(APPEND, 1, "others")


class DoctorSuite(WarehouseSuite):
    """`connectors.engine.dry_run.doctor` against a destination."""

    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_complete_sync_leaves_nothing_to_fix(self, warehouse: Warehouse, strategy: Strategy) -> None:
        first = examined(warehouse)
        sync_users(warehouse, users(strategy), sent=PRIOR)

        assert (first.findings, examined(warehouse).findings) == ((), ())

    def test_what_is_found_is_what_every_next_sync_does(self, warehouse: Warehouse) -> None:
        """Both kinds, with and without a new generation."""
        pairs = {
            f"{first} then {then} {'of the same' if same else 'of the next'} generation": (first, then, same)
            for first in (DEDUP, DEDUP_TRUNCATE)
            for then in Strategy
            for same in (True, False)
        }
        cut_off(warehouse, *(users(first, 2, name) for name, (first, _, _) in pairs.items()))
        next_ = [users(then, 2 if same else 3, name) for name, (_, then, same) in pairs.items()]

        diagnosis = examined(warehouse, *next_)
        outcome = warehouse.sync(catalog(*next_), *map(complete, pairs))

        assert {each.stream: each.state for each in diagnosis.findings} == after_inspection(outcome)
        assert {each.state for each in diagnosis.findings} == {"resuming_temp", "settling", "discarding"}
        assert all(each.acknowledged and each.kind is Kind.WAITING for each in diagnosis.findings)

    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_without_a_catalog_the_same_sync_is_supposed_to_come_again(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        cut_off(warehouse, users(strategy, 2))

        (finding,) = examined(warehouse).findings
        outcome = sync_users(warehouse, users(strategy, 2), sent=THEN)

        assert {"users": finding.state} == after_inspection(outcome)
        assert (finding.acknowledged, finding.fix, finding.run) == (True, None, "kit")

    @needs(foreign_tables=True)
    def test_no_step_is_offered_that_a_view_of_the_tables_name_forbids(self, warehouse: Warehouse) -> None:
        cut_off(warehouse, users(DEDUP, 2))
        assert warehouse.destination.make_view is not None
        warehouse.destination.make_view(warehouse.tables().final)

        (finding,) = examined(warehouse, OTHERS).findings

        assert finding.fix is None
        assert "is a view, not a table" in finding.failure

    def test_rows_of_a_stream_that_left_the_catalog_are_settled_by_their_recipe(
        self, warehouse: Warehouse
    ) -> None:
        sync_users(warehouse, users(DEDUP, 1), OTHERS, sent=PRIOR)
        cut_off(warehouse, users(DEDUP, 2))

        (finding,) = examined(warehouse, OTHERS).findings
        came = repaired(warehouse, OTHERS)

        prior, covered = Stint(DEDUP, 1, PRIOR).users, Stint(DEDUP, 2, CUT_OFF[:COVERED]).users
        expected = published(published([], DEDUP, prior), DEDUP, covered)
        assert (finding.left, finding.state, finding.fix) == (True, "settling", StreamOperation.SETTLE)
        assert len(came) == 1
        assert found(warehouse.rows()) == sorted(expected)
        assert (warehouse.left_behind(), examined(warehouse, OTHERS).findings) == (set(), ())

    @pytest.mark.parametrize("strategy", [APPEND_TRUNCATE, DEDUP_TRUNCATE])
    def test_a_refresh_of_a_stream_that_another_catalog_has_is_left_to_its_own_sync(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """If it were settled, its acknowledged rows would be replaced by those that the source still sends."""
        sync_users(warehouse, users(DEDUP, 1), OTHERS, sent=PRIOR)
        before = warehouse.rows()
        cut_off(warehouse, users(strategy, 2))

        (finding,) = examined(warehouse, OTHERS).findings
        came = repaired(warehouse, OTHERS)
        between = warehouse.rows()
        sync_users(warehouse, users(strategy, 2), sent=THEN)

        whole = Stint(strategy, 2, (*CUT_OFF[:COVERED], *THEN)).users
        assert (finding.left, finding.acknowledged, finding.fix, came) == (True, True, None, [])
        assert between == before
        assert found(warehouse.rows()) == sorted(published([], strategy, whole))

    @pytest.mark.parametrize("strategy", [APPEND_TRUNCATE, DEDUP_TRUNCATE])
    def test_acknowledged_rows_are_never_dropped_here(self, warehouse: Warehouse, strategy: Strategy) -> None:
        """The next sync replaces them, and may drop them for that; until it comes they stay."""
        cut_off(warehouse, users(strategy, 2))
        waiting = warehouse.waiting()

        (finding,) = examined(warehouse, users(strategy, 3)).findings
        came = repaired(warehouse, users(strategy, 3))

        assert (finding.state, finding.acknowledged, finding.fix, came) == ("discarding", True, None, [])
        assert warehouse.waiting() == waiting

    def test_rows_without_a_state_of_a_superseded_generation_are_dropped(self, warehouse: Warehouse) -> None:
        sync_users(warehouse, users(APPEND_TRUNCATE, 1), sent=PRIOR)
        warehouse.sync(catalog(users(APPEND_TRUNCATE, 2)), record("users", id=7, name="untold", updated=7))

        came = repaired(warehouse, users(APPEND_TRUNCATE, 3))

        assert len(came) == 1
        assert warehouse.left_behind() == set()
        assert len(warehouse.rows()) == len(PRIOR)

    def test_a_step_that_fails_is_no_repair_and_names_the_dead_run_still(self, warehouse: Warehouse) -> None:
        cut_off(warehouse, users(DEDUP, 2))
        before = examined(warehouse, OTHERS)

        came = repaired(warehouse, OTHERS, script=Script(refused=("merge_table",)))
        after = examined(warehouse, OTHERS)

        assert [each.outcome for each in came] == [RepairOutcome.FAILED]
        assert as_text(after, came).startswith(f"Could not fix {warehouse.tables().final}: settle: ")
        assert [as_json(after, came)[name] for name in ("fixed", "not_fixed")] == [[], [came[0].words]]
        assert [each.run for each in before.findings] == ["kit"]
        assert [each.run for each in after.findings] == ["kit"]
        # Unless all of the step is undone, what is left is cut already, and decided to be published.
        begun = any(each.begun for each in after.findings)
        assert begun or after.findings == before.findings
        assert len(warehouse.waiting()) == (COVERED if begun else len(CUT_OFF))

    def test_after_a_step_that_failed_the_next_sync_goes_on(self, warehouse: Warehouse) -> None:
        cut_off(warehouse, users(DEDUP, 2))
        repaired(warehouse, OTHERS, script=Script(refused=("merge_table",)))

        outcome = sync_users(warehouse, users(DEDUP, 2), sent=THEN)

        assert outcome.exit_code == 0
        assert warehouse.left_behind() == set()

    @needs(concurrent=True)
    def test_after_a_step_that_failed_a_run_that_has_the_stream_keeps_its_entry(
        self, warehouse: Warehouse
    ) -> None:
        cut_off(warehouse, users(DEDUP, 2))
        diagnosis, final = examined(warehouse, OTHERS), warehouse.tables().final

        with (
            open_bench(warehouse.destination) as bench,
            closing(warehouse.destination.connector()) as connector,
        ):
            overtaken = Overtaken(connector, lambda: bench.client.lock(final, "live"))
            refusing = faulty(cast("Connector", overtaken), Script(refused=("merge_table",)))
            came = list(try_repairs(refusing, diagnosis, "doctor"))
            with bench.client.transaction():
                entry = bench.client.ledger.hold(final)

        assert [each.outcome for each in came] == [RepairOutcome.FAILED]
        assert entry is not None
        # The run that left the rows; a database may write the owner with its lock.
        assert entry.owner != "kit"

    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_a_publication_that_was_refused_is_ended_by_the_next_sync_as_was_found(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """Whether the database undid the decision to publish with the rest of it, or keeps the decision."""
        refused = Script(refused=("merge_table", "overwrite_table"))
        sync_users(warehouse, users(strategy, 2), sent=PRIOR, script=refused)

        (finding,) = examined(warehouse, users(strategy, 2)).findings
        outcome = sync_users(warehouse, users(strategy, 2), sent=THEN)

        found_then = {"users": "completing"} if finding.begun else after_inspection(outcome)
        assert {"users": finding.state} == found_then
        assert finding.state in [entry["to"] for entry in outcome.journal]
        assert (outcome.exit_code, warehouse.left_behind()) == (0, set())
        assert found(warehouse.rows()) == sorted(
            published([], strategy, Stint(strategy, 2, (*PRIOR, *THEN)).users)
        )

    @pytest.mark.parametrize("strategy", TO_TEMP)
    def test_a_publication_that_was_refused_is_repaired_without_loss(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        refused = Script(refused=("merge_table", "overwrite_table"))
        sync_users(warehouse, users(strategy, 2), sent=PRIOR, script=refused)

        (finding,) = examined(warehouse).findings
        came = repaired(warehouse)
        outcome = sync_users(warehouse, users(strategy, 2), sent=THEN)

        assert finding.fix is (StreamOperation.COMPLETE if finding.begun else None)
        assert [each.outcome for each in came] == [RepairOutcome.FIXED] * bool(finding.begun)
        assert (outcome.exit_code, examined(warehouse).findings) == (0, ())
        assert found(warehouse.rows()) == sorted(
            published([], strategy, Stint(strategy, 2, (*PRIOR, *THEN)).users)
        )

    def test_an_empty_temp_table_is_dropped(self, warehouse: Warehouse) -> None:
        warehouse.sync(catalog(users(DEDUP, 2)), record("users", id=1))
        _change(warehouse, "trim")

        (finding,) = examined(warehouse).findings
        repaired(warehouse)

        assert (finding.kind, finding.state, finding.acknowledged) == (Kind.EMPTY, "discarding", False)
        assert (warehouse.left_behind(), examined(warehouse).findings) == (set(), ())

    def test_a_temp_table_that_the_ledger_does_not_know_is_left_to_a_person(
        self, warehouse: Warehouse
    ) -> None:
        sync_users(warehouse, users(APPEND, 1), sent=PRIOR)
        _change(warehouse, "make")

        (finding,) = examined(warehouse, users(DEDUP, 2)).findings
        (without,) = examined(warehouse).findings
        came = repaired(warehouse, users(DEDUP, 2))
        outcome = sync_users(warehouse, users(DEDUP, 2), sent=THEN)

        assert (finding.kind, finding.state, finding.fix) == (Kind.UNKNOWN, "abandoning", None)
        assert (without.state, came) == ("abandoning", [])
        assert {"users": finding.state} == after_inspection(outcome)
        assert finding.failure in outcome.errors[-1]["message"]
        assert len(warehouse.waiting()) == 1

    def test_acknowledged_rows_that_somebody_dropped_are_reported(self, warehouse: Warehouse) -> None:
        cut_off(warehouse, users(DEDUP, 2))
        _change(warehouse, "drop")

        (finding,) = examined(warehouse, users(DEDUP, 2)).findings
        outcome = sync_users(warehouse, users(DEDUP, 2), sent=THEN)

        assert (finding.kind, finding.acknowledged, finding.fix) == (Kind.MISSING, True, None)
        assert {"users": finding.state} == after_inspection(outcome)

    def test_acknowledged_rows_that_somebody_deleted_are_reported_and_left_to_a_sync_that_says_so(
        self, warehouse: Warehouse
    ) -> None:
        cut_off(warehouse, users(DEDUP, 2))
        _change(warehouse, "trim")

        (finding,) = examined(warehouse, users(DEDUP, 2)).findings
        came = repaired(warehouse, users(DEDUP, 2))

        assert (finding.kind, finding.acknowledged, finding.fix, came) == (Kind.EMPTY, True, None, [])

    @needs(concurrent=True)
    def test_what_a_live_run_works_on_is_no_finding(self, warehouse: Warehouse) -> None:
        cut_off(warehouse, users(DEDUP, 2))

        with open_bench(warehouse.destination) as bench:
            bench.client.lock(warehouse.tables().final, "live")
            diagnosis = examine(bench.connector)

        assert diagnosis.findings == ()
        assert [writer.run for writer in diagnosis.at_work.values()] == ["live"]


@define
class Overtaken:
    """A connector, and what another run does between a step that failed and what comes after it."""

    _real: Connector
    _meanwhile: Callable[[], None]
    # One readies the ledger, and one takes the step.
    _before: int = 2

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def client(self) -> Client:
        """As the real one."""
        if not self._before:
            self._meanwhile()
        self._before -= 1
        return self._real.client()


def examined(warehouse: Warehouse, *streams: Mapping[str, Any]) -> Diagnosis:
    """The diagnosis, with the catalog of these streams if there are any."""
    options = warehouse.options
    wanted = options.meant(read_catalog(catalog(*streams))) if streams else None
    with closing(warehouse.destination.connector()) as connector:
        return examine(connector, wanted, options)


def repaired(
    warehouse: Warehouse, *streams: Mapping[str, Any], script: Script | None = None
) -> list[Attempt]:
    """What came of repairing what was found."""
    diagnosis = examined(warehouse, *streams)
    with closing(warehouse.destination.connector()) as connector:
        repairing = faulty(connector, script) if script is not None else connector
        return list(try_repairs(repairing, diagnosis, "doctor"))


def after_inspection(outcome: Outcome) -> dict[str, str]:
    """The step that each stream's machine took after what it found, in a real sync."""
    return {
        entry["stream"]: entry["to"]
        for entry in outcome.journal
        if entry["machine"] == "stream" and entry["from"] == "inspecting"
    }


def _change(warehouse: Warehouse, how: str) -> None:
    """What a person or a lost ledger may do to the temp table."""
    tables, temp = warehouse.tables(), warehouse.temp()
    with open_bench(warehouse.destination) as bench:
        match how:
            case "trim":
                with bench.client.transaction():
                    bench.client.trim_table(temp, None)
            case "drop":
                with bench.client.transaction():
                    bench.client.drop_table(temp)
            case _:
                bench.make(tables.temp, tables.columns, row(1, id=7, name="unknown", updated=1))
