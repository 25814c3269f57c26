"""The search finds nothing in our machine, and finds every rule that is broken on purpose."""

import pytest
from attrs import evolve

from dataflow.runtime import SYSTEM
from machines.diagram.declared import arrows
from machines.operations import StreamOperation
from machines.stream import StreamLife, StreamLifecycle
from machines.verify.classes import search_of
from machines.verify.decisions import Decisions
from machines.verify.rules import KINDS
from machines.verify.scenarios import scenarios
from machines.verify.search import Search, report
from tests.machines.verify.faulty import FAULTS

SMALL = Search(crashes=1, rivals=1)


def shortest(search: Search) -> str:
    """The first violation that is found, the shortest of its scenario; empty when there is none."""
    for scenario in scenarios():
        if found := search.explore(scenario).violations:
            return str(min(found, key=lambda violation: len(violation.history)))
    return ""


def test_no_history_of_a_crash_and_a_competing_run_breaks_a_law() -> None:
    *_, (text, explored) = report(SMALL, SYSTEM.clock)

    assert explored.violations == ()
    assert explored.crash_points > 10_000
    assert "0 violations" in text


@pytest.mark.campaign
def test_no_history_of_two_crashes_and_a_competing_run_breaks_a_law() -> None:
    *_, (_, explored) = report(Search(), SYSTEM.clock)

    assert explored.violations == ()


@pytest.mark.parametrize(
    ("fault", "law"),
    [
        ("temp_is_dropped_on_failure", "law 1"),
        ("state_is_told_before_the_commit", "law 1"),
        ("an_incomplete_stream_is_swapped", "law 2"),
        ("there_is_no_fence", "law 5"),
        ("swap_and_drop_are_apart", "law 2"),
        ("temp_is_resumed_without_the_cut", "law 3"),
        ("temp_is_settled_without_the_cut", "law 3"),
        ("temp_is_asked_for_before_finalised", "law 1"),
        ("an_empty_temp_is_not_discarded", "law 3"),
        ("a_flush_is_written_twice", "law 3"),
        ("a_replaced_stream_is_gone_on_with", "law 1"),
        ("a_state_is_told_of_what_is_replaced", "law 1"),
        ("a_state_beyond_the_gap_is_told", "law 1"),
        ("beyond_the_gap", "law 4"),
    ],
)
def test_a_seeded_fault_is_found(fault: str, law: str) -> None:
    found = shortest(evolve(FAULTS[fault], crashes=1, rivals=1))

    assert law in found.splitlines()[0]


def test_every_seeded_fault_has_a_test() -> None:
    (mark,) = (mark for mark in test_a_seeded_fault_is_found.pytestmark if mark.name == "parametrize")  # type: ignore[attr-defined]

    assert {fault for fault, _ in mark.args[1]} == set(FAULTS)


# Each guard of the real machine, forced to hold always or never; by the class whose search finds it.
BROKEN = {
    "A": [
        ("start_would_lose_rows", True),
        ("temp_disposable", True),
        ("temp_disposable", False),
        ("temp_continues", True),
        ("temp_continues", False),
        ("temp_of_another_recipe", False),
        ("writes_to_temp", False),
        ("publishes_by_merge", True),
        ("publishes_by_merge", False),
        ("publishes_by_swap", False),
        ("publishes_by_dedupe_and_swap", False),
        ("leaves_empty_temp", True),
        ("leaves_empty_temp", False),
    ],
    # In class A one commit holds the decision to publish and its end.
    "B": [("publication_begun", False)],
}
# The search of whole syncs finds these: their streams are refused, or have keys that a table would not keep.
BROKEN_IN_A_SYNC = {
    ("fails_before_its_start", True),
    ("fails_before_its_start", False),
    ("start_would_lose_rows", False),
}
# The search of loads finds these: `test_loads.py`.
BROKEN_IN_A_LOAD = {
    ("load_is_published", True),
    ("load_is_published", False),
    ("open_load_is_given_up", True),
    ("open_load_is_given_up", False),
    ("load_is_given_up", True),
    ("load_is_given_up", False),
}
# Nothing breaks by these, since the operation that is then asked for finds nothing to do, or has the same parts. An
# append that writes to temp has its rows added at its end, as in class C.
HARMLESS = [
    ("A", "writes_to_temp"),
    ("A", "publication_begun"),
    ("B", "publication_begun"),
    ("A", "temp_of_another_recipe"),
    ("A", "publishes_by_swap"),
    ("A", "publishes_by_dedupe_and_swap"),
]


@pytest.mark.parametrize(
    ("of", "guard", "always"),
    [
        *((of, *each) for of, listed in BROKEN.items() for each in listed),
        # Parts of one of them.
        ("A", "ledger_contradicts_temp", True),
        ("A", "final_would_merge_keys", True),
        ("A", "temp_would_merge_keys", True),
    ],
)
def test_a_broken_guard_of_the_real_machine_is_found(
    monkeypatch: pytest.MonkeyPatch, of: str, guard: str, always: bool
) -> None:
    monkeypatch.setattr(StreamLife, guard, property(lambda _: always))

    found = shortest(_undisturbed(of))

    assert "law" in found


@pytest.mark.parametrize(("of", "guard"), HARMLESS)
def test_a_guard_that_always_holds_breaks_nothing_where_what_is_asked_for_then_does_no_harm(
    monkeypatch: pytest.MonkeyPatch, of: str, guard: str
) -> None:
    monkeypatch.setattr(StreamLife, guard, property(lambda _: True))

    assert shortest(_undisturbed(of)) == ""


def test_each_guard_is_forced_both_ways_and_found_or_breaks_nothing() -> None:
    guards = {arrow.guard for arrow in arrows(StreamLifecycle) if arrow.guard}

    found = {each for listed in BROKEN.values() for each in listed} | BROKEN_IN_A_SYNC | BROKEN_IN_A_LOAD
    harmless = {(guard, True) for _, guard in HARMLESS}

    assert found.isdisjoint(harmless)
    assert found | harmless == {(guard, always) for guard in guards for always in (True, False)}


def _undisturbed(of: str) -> Search:
    """A search of that class without a competing run; it asks the machine as it is now."""
    if of == "A":
        return evolve(SMALL, rivals=0, decisions=Decisions())
    return search_of(KINDS[of], crashes=1, rivals=0, flushes=1, strict=False)


def test_a_swap_dedupes_if_its_recipe_says_so_by_whichever_name_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(StreamLife, "publishes_by_swap", property(lambda _: True))
    into_no_table = next(each for each in scenarios() if each.name == "dedup_truncate into no table")

    found = evolve(SMALL, decisions=Decisions()).explore(into_no_table).violations

    assert found == ()


def test_a_machine_that_forgets_to_settle_is_found() -> None:
    """The whole class may be another: this one opens its temp table at once, whatever is there."""

    class Careless(StreamLifecycle):
        OPERATIONS = {**StreamLifecycle.OPERATIONS, "settling": StreamOperation.DISCARD}  # noqa: RUF012

    found = shortest(evolve(SMALL, rivals=0, decisions=Decisions(machine=Careless)))

    assert "law 1" in found.splitlines()[0]


def test_a_violation_is_reported_with_its_shortest_history() -> None:
    into_no_table = next(scenario for scenario in scenarios() if scenario.name == "dedup into no table")

    (violation, *_) = (
        evolve(FAULTS["temp_is_dropped_on_failure"], crashes=1).explore(into_no_table).violations
    )

    assert str(violation).splitlines() == [
        "dedup into no table: law 1, acknowledged means durable: L1 was acknowledged and is in no table",
        "   1. -- a run of dedup of generation 2 starts",
        "   2. claim",
        "   3. inspect",
        "   4. open_temp",
        "   5. flush of L1 with a checkpoint",
        "   6. flush of L3: an error",
        "   7. abandon",
        "   8. discard",
    ]
