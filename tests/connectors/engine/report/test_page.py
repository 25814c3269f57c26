"""The page of a sync, as elements; a browser has it in tests/more. Its journal is that of docs/watching.md."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from connectors.engine.report.page import report
from connectors.engine.report.timeline import timeline
from machines.diagram.xml import Element
from machines.journal.entries import Entry
from machines.journal.history import Run, runs

EXAMPLE = Path(__file__).parents[4] / "docs" / "example" / "journal.jsonl"
ENTRIES: Sequence[Entry] = [json.loads(line) for line in EXAMPLE.read_text().splitlines()]

SERIALIZATION = "DESTINATION_SERIALIZATION_ERROR"


def run_of(entries: Sequence[Entry]) -> Run:
    """The one run of a journal."""
    (run,) = runs(entries)
    return run


def slower(times: float) -> Run:
    """The example's run, had it taken `times` as long."""
    return run_of(
        [
            {**entry, "at": entry["at"] * times, "milliseconds": entry.get("milliseconds", 0.0) * times}
            for entry in ENTRIES
        ]
    )


def of_class(page: Element, kind: str) -> list[Element]:
    """The elements that have this class and no other."""
    return [each for each in page.iter() if each.get("class") == kind]


def test_what_went_wrong_reports_where_and_when_and_leads_to_the_transitions() -> None:
    page = report(run_of(ENTRIES))

    error = "transient_error: The input ended before the source completed stream events. Sync again."
    where = 'In writing, at +0.713 s. <a href="#life-3">All its transitions</a>'
    assert f'<li><strong>events</strong>: {error}<div class="soft">{where}</div></li>' in page
    assert '<details id="life-3"><summary>events' in page


def test_a_stream_that_failed_comes_first_in_the_table() -> None:
    page = report(run_of(ENTRIES))

    names = ("events", "users", "orders")
    places = [page.index(f'<td class="name" title="{name}">') for name in names]
    assert places == sorted(places)


def test_a_stream_that_failed_has_a_cross_in_the_timeline() -> None:
    failed = of_class(timeline(run_of(ENTRIES)), "label failed")

    assert [label.text for label in failed] == ["\u2715 destination", "\u2715 events"]


def test_what_a_killed_run_does_not_record_is_hatched_to_its_end() -> None:
    cut_off = timeline(run_of(ENTRIES[:20]))

    unrecorded = of_class(cut_off, "bar unrecorded")
    assert {bar.get("title") for bar in unrecorded} == {
        "after starting streams: not recorded",
        "after writing: not recorded",
    }
    assert [word.text for word in of_class(cut_off, "unrecorded")] == ["not recorded"]


def test_a_run_that_records_its_end_has_nothing_hatched() -> None:
    whole = timeline(run_of(ENTRIES))

    assert of_class(whole, "bar unrecorded") + of_class(whole, "unrecorded") == []


@pytest.mark.parametrize(
    ("seconds", "second_tick"),
    [
        (0.7, "100 ms"),
        (8, "1.0 s"),
        (100, "15.0 s"),
        (200, "30.0 s"),
        (700, "2 m 00 s"),
        (100 * 60, "15 m 00 s"),
        (20 * 3600, "3 h 00 m"),
        (39 * 24 * 3600, "120 h 00 m"),
    ],
)
def test_ticks_are_round_as_a_clock_is(seconds: float, second_tick: str) -> None:
    run = run_of(ENTRIES)

    ticks = of_class(timeline(slower(seconds / (run.ended - run.began))), "tick")

    assert ticks[1].text == second_tick


def test_the_page_reports_what_is_in_each_table_and_what_was_changed() -> None:
    *before, last = [entry for entry in ENTRIES if entry.get("stream") == "users"]
    changed = [
        {"field": "phone", "kind": "integer", "change": "NULLED", "reason": SERIALIZATION, "values": 3}
    ]

    page = report(run_of([*before, {**last, "account": {"read": 9, "rows": 9, "changed": changed}}]))

    assert "by primary key: 20,000 rows of this run.</td>" in page
    assert '<td class="words">phone: 3 of 9 values became null (not a whole number).</td>' in page


def test_a_journal_of_an_older_version_with_states_of_its_own_is_a_page() -> None:
    entries = json.loads(json.dumps(ENTRIES).replace("opening_temp", "opening_another"))

    page = report(run_of(entries))

    assert "opening another" in page
