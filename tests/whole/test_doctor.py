"""After each kind of crash: what the doctor says is what the next sync does, as its journal shows."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from attrs import frozen

from dataflow.catalog import Strategy
from tests.whole.command import Destination, Outcome
from tests.whole.dataflow import about
from tests.whole.messages import catalog, complete, record, state, stream
from tests.whole.turns import in_turn

COLUMNS = {"id": "integer", "version": "integer"}
ROWS = 40
FLUSH = 10
APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE
PUBLISH = {DEDUP: "merge", APPEND_TRUNCATE: "swap", DEDUP_TRUNCATE: "dedupe_and_swap"}


@frozen
class Crash:
    """A sync of this strategy that dies at a fault, after another that died while it wrote, if that says so."""

    strategy: Strategy
    fault: str
    after: Strategy | None = None

    def __str__(self) -> str:
        return f"{self.strategy} {self.fault}{f' after a cut {self.after}' if self.after else ''}"


QUICK = [
    Crash(APPEND, "after:flush#2"),
    Crash(DEDUP, "after:flush#3"),
    Crash(DEDUP, "after:merge"),
    Crash(DEDUP_TRUNCATE, "after:open_temp"),
    Crash(DEDUP_TRUNCATE, "before:dedupe_and_swap"),
    Crash(DEDUP_TRUNCATE, "after:settle", after=DEDUP),
    Crash(APPEND_TRUNCATE, "after:resume_temp", after=APPEND_TRUNCATE),
    Crash(APPEND_TRUNCATE, "after:swap"),
]
# Every operation of every strategy, before and after.
ALL = [
    Crash(strategy, f"{when}:{operation}", after)
    for strategy in Strategy
    for after in (None, DEDUP, DEDUP_TRUNCATE)
    for when in ("before", "after")
    for operation in (
        "claim",
        "inspect",
        *(["open_final"] if strategy is APPEND else []),
        *(["resume_temp"] if after is strategy else []),
        *(["settle"] if after not in (None, strategy) else []),
        *(["open_temp"] if strategy is not APPEND and after is not strategy else []),
        "flush#1",
        "flush#3",
        *([PUBLISH[strategy]] if strategy in PUBLISH else []),
    )
]


def configured(strategy: Strategy, generation: int) -> dict[str, Any]:
    mode = "append_dedup" if strategy.dedupes else "append"
    minimum = generation if strategy.truncates else 0
    return catalog(
        stream("users", COLUMNS, mode=mode, primary_key=["id"], generation=generation, minimum=minimum)
    )


def attempt(
    destination: Destination,
    wanted: dict[str, Any],
    *arguments: str,
    faults: Sequence[str] = (),
    ends: bool = True,
) -> Outcome:
    """A sync that dies at its faults, or whose input ends too soon."""
    running = destination.start_write(
        wanted, "--state-latency", "0", "--flush-rows", str(FLUSH), *arguments, faults=faults
    )
    try:
        for number in range(ROWS):
            running.send(record("users", {"id": number, "version": 1}))
            if number % FLUSH == FLUSH - 1:
                running.send(state("users", number))
        if ends:
            running.send(complete("users"))
    except BrokenPipeError:
        pass
    return running.finish()


def said_is_done(destination: Destination, crash: Crash) -> None:
    """What the doctor says after a crash, and what then happens."""
    old = [record("users", {"id": -1, "version": 0}), complete("users")]
    destination.write(configured(APPEND, 1), old)
    if crash.after is not None:
        attempt(destination, configured(crash.after, 2), faults=["after:flush#3=kill"])
    wanted = configured(crash.strategy, 2)
    killed = attempt(destination, wanted, faults=[f"{crash.fault}=kill"])

    said = about(destination, "doctor", "--json", "--catalog", destination.file("catalog.json", wanted))
    alone = about(destination, "doctor", "--json")
    journal = destination.folder / "journal.jsonl"
    last = attempt(destination, wanted, "--journal", str(journal))

    entries = map(json.loads, journal.read_text().splitlines())
    (then,) = [entry["to"] for entry in entries if entry.get("from") == "inspecting"]
    predicted = [finding["state"] for finding in said.json["findings"]]
    assert (killed.code, last.code) == (-9, 0)
    # If nothing is left, the next sync begins like any other.
    assert predicted == ([then] if then in ("resuming_temp", "settling", "discarding", "abandoning") else [])
    assert said.code == alone.code == bool(predicted)
    assert about(destination, "doctor").code == 0
    assert destination.tables() == ["users"]


@in_turn("crash", QUICK)
def test_what_the_doctor_says_after_a_crash_is_what_the_next_sync_does(
    destination: Destination, crash: Crash
) -> None:
    said_is_done(destination, crash)


@pytest.mark.campaign
@pytest.mark.parametrize("crash", ALL, ids=str)
def test_the_same_after_a_crash_at_each_operation_of_each_strategy(
    destination: Destination, crash: Crash
) -> None:
    said_is_done(destination, crash)


def test_acknowledged_rows_of_a_stream_that_left_the_catalog_are_listed_and_repaired(
    destination: Destination,
) -> None:
    attempt(destination, configured(DEDUP, 2), faults=["after:flush#3=kill"])
    others = destination.file("others.json", catalog(stream("others", COLUMNS)))

    found = about(destination, "doctor", "--json", "--catalog", others)
    fixed = about(destination, "doctor", "--fix", "--catalog", others)
    after = about(destination, "doctor", "--catalog", others)

    (finding,) = found.json["findings"]
    assert (found.code, fixed.code, after.code) == (1, 0, 0)
    assert (finding["acknowledged"], finding["left"], finding["state"], finding["fix"]) == (
        True,
        True,
        "settling",
        "settle",
    )
    assert finding["run"]
    assert "settle: a temp table of dedup of generation 2" in fixed.text
    assert len(destination.rows("users", ["id"])) >= 2 * FLUSH
    assert destination.tables() == ["users"]


def test_a_destination_that_no_sync_has_written_to_is_named_as_such(destination: Destination) -> None:
    before = about(destination, "doctor", "--json"), about(destination, "doctor")
    written = destination.write(catalog(stream("users", COLUMNS)), [complete("users")])

    after = about(destination, "doctor", "--json"), about(destination, "doctor")

    assert (written.code, before[0].json["tables_in_the_ledger"], after[0].json["tables_in_the_ledger"]) == (
        0,
        0,
        1,
    )
    assert "no sync has written here" in before[1].text
    assert after[1].text == "No leftovers of a crash were found.\n"
