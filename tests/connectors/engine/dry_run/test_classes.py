"""`doctor` and `plan` where a database commits an operation in parts: the memory destination of each such class."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any, ClassVar

import pytest

from connectors.engine.dry_run.diagnosis import Kind
from connectors.engine.dry_run.doctor_text import as_json, as_text
from connectors.engine.dry_run.plan import Plan, plan
from connectors.engine.dry_run.plan_text import as_text as plan_text
from connectors.engine.dry_run.repair import RepairOutcome
from connectors.testkit import Capabilities, Destination
from connectors.testkit.harness.destination import open_bench
from connectors.testkit.harness.faulty import Script
from connectors.testkit.harness.interruptions import CUT_OFF, PRIOR, THEN, cut_off, sync_users
from connectors.testkit.harness.messages import catalog, users
from connectors.testkit.harness.model import Stint, found, published
from connectors.testkit.harness.rows import row
from connectors.testkit.harness.warehouse import Warehouse
from connectors.testkit.suites.doctor import DoctorSuite, examined, repaired
from connectors.testkit.suites.rehearsal import RehearsalSuite
from dataflow.catalog import Strategy, read_catalog
from dataflow.names import TEMP_MARK, name_hash, opened_name, opening_of
from dataflow.types import TableName
from machines.journal.entries import Entry
from machines.journal.history import runs
from machines.journal.standing import course_of, standing
from machines.operations import StreamOperation
from machines.parts import Atomic
from tests.connectors.memory import memory_destination

APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE
IN_PARTS = [each for each in Atomic if each is not Atomic.EVERYTHING]
OTHERS = users(APPEND, 1, "others")


class TestDoctorByRows(DoctorSuite):
    """Overrides one test: here a claim drops a temp table that the ledger does not name, unless the ledger was lost."""

    capabilities: ClassVar = Capabilities(foreign_tables=False, ledger_table=False)

    @pytest.fixture
    def destination(self) -> Destination:
        return memory_destination(Atomic.ROWS)

    def test_a_temp_table_that_the_ledger_does_not_know_is_left_to_a_person(
        self, warehouse: Warehouse
    ) -> None:
        sync_users(warehouse, OTHERS, sent=PRIOR)
        final = warehouse.tables("others").final
        unknown = TableName(final.namespace, f"users{TEMP_MARK}{name_hash(None, 'users')}")
        with open_bench(warehouse.destination) as bench:
            bench.make(unknown, warehouse.tables("others").columns, row(1, id=7, name="unknown", updated=1))

        (finding,) = examined(warehouse).findings
        came = repaired(warehouse)

        assert (finding.kind, finding.state, finding.fix) == (Kind.UNKNOWN, "abandoning", None)
        assert came == []
        assert unknown in warehouse.destination.tables()


class TestPlanByRows(RehearsalSuite):
    capabilities: ClassVar = Capabilities(foreign_tables=False, ledger_table=False)

    @pytest.fixture
    def destination(self) -> Destination:
        return memory_destination(Atomic.ROWS)


@pytest.fixture(params=IN_PARTS, ids=str)
def warehouse(request: pytest.FixtureRequest) -> Warehouse:
    return Warehouse(memory_destination(request.param))


@pytest.mark.parametrize(
    ("strategy", "sentence"),
    [
        (DEDUP, "an addition of generation 7 was begun; the next sync completes it"),
        (APPEND_TRUNCATE, "a swap of generation 7 was begun; the next sync completes it"),
        (DEDUP_TRUNCATE, "a swap of generation 7 was begun; the next sync completes it"),
    ],
)
def test_plan_and_doctor_say_that_a_publication_was_begun(
    warehouse: Warehouse, strategy: Strategy, sentence: str
) -> None:
    begun(warehouse, users(strategy, 7))

    diagnosis = examined(warehouse, users(strategy, 7))
    planned = plan_of(warehouse, users(strategy, 7))

    (finding,) = diagnosis.findings
    assert (finding.kind, finding.rows, finding.begun) == (Kind.BEGUN, len(PRIOR), sentence)
    assert (finding.temp, planned.streams[0].temp.name) == (warehouse.temp(), warehouse.temp())
    assert f"begun        {sentence}" in as_text(diagnosis, ())
    assert as_json(diagnosis, ())["findings"][0]["begun"] == sentence
    assert f"; {sentence}." in plan_text(planned)
    assert "generation 7 is published" not in plan_text(planned)
    assert planned.streams[0].path[:3] == ("claiming", "completing", "inspecting")


@pytest.mark.parametrize(
    ("strategy", "way"),
    [
        (DEDUP, "dedup"),
        (APPEND_TRUNCATE, "append (generation 7 is completed first)"),
        (DEDUP_TRUNCATE, "dedup (generation 7 is completed first)"),
    ],
)
def test_plan_and_journal_head_a_begun_publication_by_what_is_done_first(
    warehouse: Warehouse, strategy: Strategy, way: str
) -> None:
    begun(warehouse, users(strategy, 7))

    (planned,) = plan_of(warehouse, users(strategy, 7)).streams
    outcome = sync_users(warehouse, users(strategy, 7), sent=THEN)

    (life,) = runs(outcome.journal)[0].streams
    assert (planned.way, life.strategy) == (way, way)


def test_what_waits_is_said_by_the_name_of_its_opening(warehouse: Warehouse) -> None:
    """Also where an earlier run made it, and this one took it on."""
    first = cut_off(warehouse, users(DEDUP, 7))
    opened = warehouse.temp()
    again = cut_off(warehouse, users(DEDUP, 7))

    for outcome in (first, again):
        words = standing(course_of(each for each in outcome.journal if each["machine"] == "stream"))
        assert (named := re.search(r"Waiting in (\S+) for", words)) is not None
        # A claim may give it another holder's name.
        assert str(opened).startswith(named[1])
        assert opening_of(named[1]) != ""


def test_the_doctor_completes_a_publication_although_its_stream_left_the_catalog(
    warehouse: Warehouse,
) -> None:
    begun(warehouse, users(DEDUP_TRUNCATE, 7))

    (finding,) = examined(warehouse, OTHERS).findings
    came = repaired(warehouse, OTHERS)

    assert (finding.left, finding.fix) == (True, StreamOperation.COMPLETE)
    assert [(each.step, each.outcome) for each in came] == [(StreamOperation.COMPLETE, RepairOutcome.FIXED)]
    assert found(warehouse.rows()) == sorted(published([], DEDUP, Stint(DEDUP, 7, PRIOR).users))
    assert (warehouse.left_behind(), examined(warehouse, OTHERS).findings) == (set(), ())


def test_a_completion_that_is_refused_is_no_repair_and_stays_begun(warehouse: Warehouse) -> None:
    begun(warehouse, users(DEDUP, 7))

    came = repaired(warehouse, users(DEDUP, 7), script=Script(refused=("merge_table",)))
    (finding,) = examined(warehouse, users(DEDUP, 7)).findings

    assert [(each.step, each.outcome) for each in came] == [(StreamOperation.COMPLETE, RepairOutcome.FAILED)]
    assert (finding.kind, finding.run, finding.rows) == (Kind.BEGUN, "kit", len(PRIOR))


def test_a_temp_table_that_the_ledger_no_longer_names_is_dropped_by_the_next_claim(
    warehouse: Warehouse,
) -> None:
    sync_users(
        warehouse, users(DEDUP, 7), sent=PRIOR, script=Script(refused=("drop_table",), refused_name="users")
    )
    left = warehouse.temp()

    diagnosis = examined(warehouse, users(DEDUP, 7))
    planned = plan_of(warehouse, users(DEDUP, 7))
    came = repaired(warehouse, users(DEDUP, 7))

    (finding,) = diagnosis.findings
    assert (finding.kind, finding.temp, finding.state) == (Kind.UNNAMED, left, "claiming")
    assert "The next claim drops it: what it held is published, or no STATE covers it." in as_text(
        diagnosis, ()
    )
    assert f"drops {left}, which the ledger no longer names" in plan_text(planned)
    assert planned.destructive == ()
    assert [(each.step, each.outcome) for each in came] == [(StreamOperation.CLAIM, RepairOutcome.FIXED)]
    assert found(warehouse.rows()) == sorted(published([], DEDUP, Stint(DEDUP, 7, PRIOR).users))
    assert (warehouse.left_behind(), examined(warehouse, users(DEDUP, 7)).findings) == (set(), ())


def test_a_temp_table_of_a_claim_that_the_ledger_does_not_count_is_left_to_a_person(
    warehouse: Warehouse,
) -> None:
    """The ledger was restored from a backup, and the claim that made the table came after it."""
    sync_users(warehouse, users(DEDUP, 7), sent=PRIOR)
    tables = warehouse.tables("users")
    with open_bench(warehouse.destination) as bench:
        name = opened_name(tables.temp.name, "99_a", bench.connector.columns.naming)
        unknown = TableName(tables.temp.namespace, name)
        bench.make(unknown, tables.columns, row(1, id=7, name="unknown", updated=1))

    (finding,) = examined(warehouse, users(DEDUP, 7)).findings
    came = repaired(warehouse, users(DEDUP, 7))

    assert (finding.kind, finding.temp, finding.fix) == (Kind.UNKNOWN, unknown, None)
    assert came == []
    assert unknown in warehouse.destination.tables()


def test_rows_of_a_later_opening_are_found_by_the_name_that_it_has(warehouse: Warehouse) -> None:
    cut_off(warehouse, users(DEDUP, 7))
    first = warehouse.temp()
    cut_off(warehouse, users(APPEND_TRUNCATE, 8))
    later = warehouse.temp()

    (finding,) = examined(warehouse, users(APPEND_TRUNCATE, 8)).findings
    planned = plan_of(warehouse, users(APPEND_TRUNCATE, 8))

    assert first != later
    assert (finding.kind, finding.temp, finding.rows) == (Kind.WAITING, later, len(CUT_OFF))
    assert (finding.acknowledged, finding.state, finding.fix) == (True, "resuming_temp", None)
    assert planned.streams[0].temp.statistics.rows == len(CUT_OFF)


def test_the_log_says_that_a_publication_of_an_earlier_run_was_completed(warehouse: Warehouse) -> None:
    begun(warehouse, users(DEDUP, 7))

    outcome = sync_users(warehouse, users(DEDUP, 7), sent=THEN)

    assert outcome.exit_code == 0
    assert standing(course_of(stream_of(outcome.journal))).startswith(
        f"A publication into {warehouse.tables().final} that an earlier run began was completed first. "
    )


def test_an_append_says_where_its_rows_wait_and_that_they_were_added() -> None:
    warehouse = Warehouse(memory_destination(Atomic.STATEMENT))

    waiting = cut_off(warehouse, users(APPEND, 7))
    final = warehouse.tables().final
    (finding,) = examined(warehouse, users(APPEND, 7)).findings
    (elsewhere,) = examined(warehouse, OTHERS).findings
    added = sync_users(warehouse, users(APPEND, 7), sent=THEN)

    words = standing(course_of(stream_of(waiting.journal)))
    assert words.startswith(f"{final} holds nothing of this run. Waiting in {final}{TEMP_MARK}")
    assert words.endswith(f" for the next sync: {len(CUT_OFF)} rows of this run.")
    assert (finding.state, finding.fix) == ("resuming_temp", None)
    assert (elsewhere.state, elsewhere.fix) == ("settling", StreamOperation.SETTLE)
    assert standing(course_of(stream_of(added.journal))) == (
        f"Added to {final}: {len(THEN)} rows of this run and those that waited."
    )


def stream_of(journal: Iterable[Entry]) -> Iterator[Entry]:
    """The entries of its streams."""
    return (each for each in journal if each["machine"] == "stream")


def begun(warehouse: Warehouse, stream: Mapping[str, Any]) -> None:
    """A sync that decided to publish, and was refused what follows."""
    sync_users(warehouse, stream, sent=PRIOR, script=Script(refused=("merge_table", "overwrite_table")))


def plan_of(warehouse: Warehouse, stream: Mapping[str, Any]) -> Plan:
    """The plan of a sync of this stream."""
    with closing(warehouse.destination.connector()) as connector:
        return plan(connector, read_catalog(catalog(stream)))
