"""The suite for the journal of a sync: all of it is there, for a while, and it is in nobody's way."""

import json
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest

from connectors.contract.journal import TABLE, Transition
from connectors.engine.journal.writer import journal_keeper
from connectors.testkit.harness.destination import Bench, Destination, needs
from connectors.testkit.harness.faulty import Script, faulty
from connectors.testkit.harness.interruptions import PRIOR, cut_off, sync_users
from connectors.testkit.harness.messages import catalog, complete, record, state, stream, users
from connectors.testkit.harness.warehouse import DAYS, SMALL, Warehouse, WarehouseSuite
from connectors.testkit.suites.journal_table import DAY, transition
from dataflow.catalog import Strategy
from dataflow.types import TableName
from machines.journal.entries import Entry
from machines.journal.history import runs
from machines.journal.replay import replay
from machines.operations import StreamOperation
from machines.parts import commits, parts_of

NAMES = {"from": "from_state", "to": "to_state"}
# What has no column of its own.
DETAILS = {
    *(
        "at",
        "format",
        "life",
        "facts",
        "publishing",
        "temp",
        "left",
        "failed_streams",
        "first_failure",
        "started",
        "checkpoint",
        "altered",
        "account",
    ),
}
BEFORE_A_FLUSH = (StreamOperation.CLAIM, StreamOperation.INSPECT, StreamOperation.OPEN_TEMP)
# A number that no driver makes another of.
SECRET = 918273645


class JournalSuite(WarehouseSuite):
    """A journal decides nothing, so nothing may depend on it; and people read it, so it must be right."""

    def test_what_was_kept_is_read_as_it_was_recorded(self, warehouse: Warehouse) -> None:
        entries = [*cut_off(warehouse, users(Strategy.DEDUP, 1)).journal]
        entries += sync_users(warehouse, users(Strategy.DEDUP, 1), sent=PRIOR).journal

        kept = [each.entry for each in _read(warehouse.destination, 0.0)]
        assert kept == json.loads(json.dumps(entries))

    # -- of a sync

    @pytest.mark.parametrize("strategy", Strategy)
    def test_every_transition_is_in_the_destination_as_it_was_recorded(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        entries = [*cut_off(warehouse, users(strategy, 1)).journal]
        entries += sync_users(warehouse, users(strategy, 1), sent=PRIOR).journal

        assert [_members(row) for row in _kept(warehouse.destination)] == [
            _columns(entry) for entry in entries
        ]

    def test_a_flush_reports_its_rows_bytes_and_time(self, warehouse: Warehouse) -> None:
        sync_users(warehouse, users(Strategy.DEDUP), sent=PRIOR)

        (row,) = [row for row in _kept(warehouse.destination) if row["event"] == "flushed"]
        assert (row["stream"], row["generation"], row["sync"]) == ("users", 1, 42)
        assert (row["read"], row["written"], row["rejected"]) == (len(PRIOR), len(PRIOR), 0)
        assert row["bytes"] > 0
        assert row["milliseconds"] > 0

    def test_a_flush_that_was_tried_again_reports_how_often(self, warehouse: Warehouse) -> None:
        with closing(warehouse.destination.connector()) as connector:
            atomic = connector.atomic
        # The set-up is one COMMIT; claim, inspect and open are as many as the database's class needs.
        before = sum(len(commits(parts_of(each), atomic)) for each in BEFORE_A_FLUSH)
        script = Script(wait=1 + before, lose_answer=True)

        sync_users(warehouse, users(Strategy.DEDUP), sent=PRIOR, script=script)

        tried = {row["to_state"]: row["attempt"] for row in _kept(warehouse.destination) if row["attempt"]}
        assert script.lost == 1
        assert tried == {"writing": 2}

    def test_a_failure_reports_its_reason(self, warehouse: Warehouse) -> None:
        script = Script()
        script.refuse("users", "insert")

        sync_users(warehouse, users(Strategy.DEDUP), sent=PRIOR, script=script)

        (row,) = [row for row in _kept(warehouse.destination) if row["reason"]]
        assert (row["from_state"], row["event"], row["to_state"]) == ("writing", "errored", "abandoning")
        assert row["reason"].startswith("config_error: Permission denied")

    def test_fifty_streams_with_many_flushes_are_reported_in_full(self, warehouse: Warehouse) -> None:
        names = [f"stream_{number}" for number in range(50)]

        outcome = warehouse.sync(
            catalog(*(users(Strategy.APPEND, 1, name) for name in names)),
            *(part for n in range(3) for name in names for part in (record(name, id=n), state(name, n))),
            *map(complete, names),
            thresholds=SMALL,
        )

        assert (outcome.errors, outcome.warnings) == ([], [])
        kept = _kept(warehouse.destination)
        assert [row["number"] for row in kept] == list(range(1, len(outcome.journal) + 1))
        assert {row["stream"] for row in kept if row["event"] == "flushed"} == set(names)

    def test_streams_whose_dotted_names_agree_are_two_lives_that_replay(self, warehouse: Warehouse) -> None:
        names = [("b", "kit_c.a"), ("a.b", "kit_c")]

        outcome = warehouse.sync(
            catalog(*(stream(name, Strategy.APPEND, namespace=space) for name, space in names)),
            *(record(name, namespace=space, id=1) for name, space in names),
            *(complete(name, space) for name, space in names),
        )

        (run,) = runs(outcome.journal)
        assert outcome.errors == []
        assert {life.stream for life in run.streams} == {'"kit_c.a".b', 'kit_c."a.b"'}
        assert [life.counts.read for life in run.streams] == [1, 1]
        assert [replay(life.entries).trouble for life in run.streams] == ["", ""]

    def test_no_value_of_a_record_is_in_it(self, warehouse: Warehouse) -> None:
        outcome = warehouse.sync(
            catalog(users(Strategy.DEDUP)),
            record("users", id=SECRET, name=f"<{SECRET}>", updated="not a number"),
            state("users", SECRET),
            b"no message\n",
        )

        assert outcome.exit_code == 1
        assert str(SECRET) not in str(outcome.journal)
        assert str(SECRET) not in str(_kept(warehouse.destination))

    def test_a_sync_forgets_what_older_syncs_recorded(self, warehouse: Warehouse) -> None:
        sync_users(warehouse, users(Strategy.APPEND), sent=PRIOR)
        connector = warehouse.destination.connector()
        client = connector.client()
        with client.transaction():
            client.journal.append([transition("ancient", 1, time.time() - (DAYS + 1) * DAY)])
        client.close()
        connector.close()

        sync_users(warehouse, users(Strategy.APPEND), sent=PRIOR)

        assert {row["run"] for row in _kept(warehouse.destination)} == {"kit"}

    # -- in nobody's way

    def test_transitions_are_kept_once_though_an_answer_was_lost(self, bench: Bench) -> None:
        """Any COMMIT of the journal's own may go unanswered: of its making, of its lines, of its forgetting."""
        scripts = [Script(wait=wait, lose_answer=True) for wait in range(3)]
        warnings: list[str] = []

        for number, script in enumerate(scripts):
            with journal_keeper(faulty(bench.connector, script), DAYS, warnings.append) as keep:
                for entry in _a_life(f"run {number}"):
                    keep(entry)

        assert [script.lost for script in scripts] == [1, 1, 1]
        assert warnings == []
        with bench.client.transaction():
            kept = [bench.client.journal.last(f"run {number}", 0.0) for number in range(3)]
        assert kept == [len(_a_life(""))] * 3
        assert len(_kept(bench.destination)) == 3 * len(_a_life(""))

    def test_a_sync_that_cannot_be_set_up_has_no_journal_there(self, bench: Bench) -> None:
        warnings: list[str] = []

        with journal_keeper(bench.connector, DAYS, warnings.append) as keep:
            keep({**_a_life("run")[0], "error": "config_error: No."})

        assert warnings == []

    @needs(foreign_tables=True)
    def test_a_journal_that_cannot_be_written_is_warned_of_and_the_sync_goes_on(
        self, warehouse: Warehouse
    ) -> None:
        """Somebody's table has its name; nothing is done to it."""
        connector = warehouse.destination.connector()
        place = TableName(connector.internal_namespace, TABLE)
        client = connector.client()
        with client.transaction():
            client.create_namespace(place.namespace)
        client.close()
        connector.close()
        assert warehouse.destination.make_foreign is not None
        warehouse.destination.make_foreign(place)

        outcome = sync_users(warehouse, users(Strategy.DEDUP_TRUNCATE), sent=PRIOR)

        assert (outcome.exit_code, outcome.states) == (0, [len(PRIOR)])
        assert len(outcome.warnings) == 1
        assert "journal" in outcome.warnings[0]
        assert warehouse.destination.read(place) == []


def _kept(destination: Destination) -> list[dict[str, Any]]:
    """The journal's rows, in their order."""
    connector = destination.connector()
    rows = destination.read(TableName(connector.internal_namespace, TABLE))
    connector.close()
    return sorted(rows, key=lambda row: (str(row["at"]), row["run"], row["number"]))


def _read(destination: Destination, since: float) -> Sequence[Transition]:
    """What the journal says to its readers."""
    connector = destination.connector()
    client = connector.client()
    with client.transaction():
        found = client.journal.read(since)
    client.close()
    connector.close()
    return found


def _members(row: dict[str, Any]) -> dict[str, Any]:
    """A row's members that a person reads: all but its moment, its number, and what only a replay needs."""
    left_out = ("at", "number", "details")
    return {name: value for name, value in row.items() if value is not None and name not in left_out}


def _columns(entry: Entry) -> dict[str, Any]:
    """The same of an entry as it was reported."""
    return {NAMES.get(name, name): value for name, value in entry.items() if name not in DETAILS}


def _a_life(run: str) -> list[dict[str, Any]]:
    entry = {"run": run, "machine": "destination", "from": "a", "event": "b", "to": "c", "at": time.time()}
    return [{**entry, "operation": operation} for operation in ("set_up", "claim", "read", "tear_down")]
