"""A campaign says what it met of what there is, and names what it did not meet, with the reason where there is one."""

from collections import Counter
from pathlib import Path

from connectors.memory import DEFINITION
from connectors.simulation.campaign import happened, simulating
from connectors.simulation.coverage import ENOUGH, ROLES, Met, coverage
from connectors.simulation.planning import plan_of

COMPLETES = "stream claiming --succeeded--> completing"


def closing_line(met: Met, histories: int, atomic: str) -> str:
    return list(coverage(met, histories, atomic))[-1]


def test_a_campaign_of_some_size_names_each_arrow_fault_and_handover_that_it_did_not_meet() -> None:
    met = Met(faults=Counter({"slow: insert": 3}))

    closing = closing_line(met, ENOUGH, "rows")

    assert closing.startswith("NOT MET in 2,000 histories: ")
    assert f"arrow {COMPLETES}" in closing
    assert "fault hanging" in closing
    assert "handover main to reader" in closing
    assert "fault slow" not in closing


def test_a_short_campaign_is_not_blamed_for_what_it_did_not_meet() -> None:
    assert "NOT MET" not in closing_line(Met(), ENOUGH - 1, "rows")


def test_what_a_class_cannot_meet_is_named_with_its_reason_and_is_no_gap() -> None:
    lines = list(coverage(Met(), ENOUGH, "everything"))

    assert f"       never  {COMPLETES} (no publication is left half done in this class)" in lines
    assert COMPLETES not in lines[-1]


def test_arrows_into_the_final_table_are_no_gap_where_all_rows_go_to_a_temp_table() -> None:
    lines = list(coverage(Met(), ENOUGH, "statement"))

    assert (
        "       never  stream writing --completed--> done (all rows go to a temp table first in this class)"
        in lines
    )
    assert "opening_final" not in lines[-1]


def test_every_thread_of_a_history_has_a_role_that_handovers_are_counted_by() -> None:
    met = Met()

    with simulating() as folder:
        for seed in range(30):
            met.update(happened(plan_of(seed), DEFINITION, Path(folder))[0].met)

    assert {role for pair in met.switches for role in pair.split(" to ")} <= {*ROLES}
