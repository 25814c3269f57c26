"""Simulated histories break no law, follow from their seeds alone, and show a fault that is planted in the engine."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.memory import DEFINITION
from connectors.simulation.campaign import again, happened, keep, simulating
from connectors.simulation.plan import (
    CLASHING,
    Asked,
    Mode,
    Plan,
    RunPlan,
    SyncPlan,
    plan_from_json,
    plan_to_json,
)
from connectors.simulation.planning import plan_of
from machines.journal.replay import lives, replay
from machines.parts import Atomic
from tests.connectors.simulation.faulty import FAULTS

# Within this number of histories, a share of the planted faults is found. The campaign finds all of them, in more.
SOON = 120
EASILY_FOUND = (
    "the_end_of_a_flush_wakes_nobody",
    "a_state_is_emitted_before_the_commit",
    "an_incomplete_stream_is_published",
    "temp_is_dropped_on_failure",
    "a_lock_is_not_released",
    "any_temp_table_is_resumed",
    "a_failed_stream_is_no_failure",
    "leftovers_are_not_dropped",
    "temp_is_forgotten_before_it_is_published",
)
# Kept by `dataflow simulate --out tests/connectors/simulation/found`.
FOUND = sorted((Path(__file__).parent / "found").glob("*.json"))


@pytest.fixture
def folder() -> Iterator[Path]:
    with simulating() as found:
        yield found


@pytest.mark.parametrize("atomic", Atomic)
def test_no_law_is_broken_in_fifty_histories(atomic: Atomic, folder: Path) -> None:
    broken = {seed: happened(plan_of(seed, atomic), DEFINITION, folder)[1] for seed in range(50)}

    assert {seed: trouble for seed, trouble in broken.items() if trouble} == {}


@pytest.mark.parametrize("seed", range(5))
def test_a_history_follows_from_its_seed(seed: int, folder: Path) -> None:
    first, _ = happened(plan_of(seed), DEFINITION, folder)

    second, _ = happened(plan_of(seed), DEFINITION, folder)

    assert second.met == first.met
    assert first.met.handovers > 0


def test_a_history_is_no_other_when_others_came_before_it(folder: Path) -> None:
    alone, _ = happened(plan_of(7), DEFINITION, folder)
    for seed in range(20):
        happened(plan_of(seed), DEFINITION, folder)

    again, _ = happened(plan_of(7), DEFINITION, folder)

    assert again.met == alone.met


@pytest.mark.parametrize("name", EASILY_FOUND)
def test_a_planted_fault_is_found(name: str, folder: Path) -> None:
    with FAULTS[name].active():
        plans = (plan_of(seed, FAULTS[name].atomic) for seed in range(SOON))
        found = any(happened(plan, DEFINITION, folder)[1] for plan in plans)

    assert found


@pytest.mark.campaign
@pytest.mark.parametrize("name", FAULTS)
def test_every_planted_fault_is_found_within_two_thousand_histories(name: str, folder: Path) -> None:
    with FAULTS[name].active():
        plans = (plan_of(seed, FAULTS[name].atomic) for seed in range(2000))
        found = next((plan.seed for plan in plans if happened(plan, DEFINITION, folder)[1]), None)

    sys.stdout.write(f"{name}: seed {found}\n")
    assert found is not None


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
def test_a_history_that_once_broke_a_law_breaks_none(path: Path, folder: Path) -> None:
    _, trouble = happened(plan_from_json(path.read_text()), DEFINITION, folder)

    assert trouble == ""


def test_a_history_that_was_found_is_kept_short_with_a_journal_that_replays(tmp_path: Path) -> None:
    with FAULTS["a_state_is_emitted_before_the_commit"].active():
        seed = next(seed for seed in range(SOON) if again(plan_to_json(plan_of(seed)), DEFINITION))
        lines = list(keep(plan_of(seed), DEFINITION, tmp_path))

    kept, journal = sorted(tmp_path.iterdir())
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    assert len(kept.read_text()) < len(plan_to_json(plan_of(seed)))
    assert any(line.startswith("law 1") for line in lines)
    assert lives(entries)
    assert [replay(life).trouble for life in lives(entries)] == [""] * len(lives(entries))


def test_a_stream_whose_fields_get_no_columns_fails_and_another_is_synced(folder: Path) -> None:
    def asked(stream: str, schema: int) -> Asked:
        return Asked(
            stream=stream, mode=Mode.APPEND, generation=1, minimum=0, lineage=1, until=4, schema=schema
        )

    refused = SyncPlan(asked=(asked("users", CLASHING), asked("orders", 0)), runs=(RunPlan(),))
    mended = SyncPlan(asked=(asked("users", 0), asked("orders", 0)), runs=(RunPlan(),))

    history, trouble = happened(Plan(seed=1, syncs=(refused, mended)), DEFINITION, folder)

    assert trouble == ""
    assert history.met.arrows["stream idle --start--> failed"] == 1
    assert history.met.arrows["stream writing --completed--> done"] == 3


def test_a_plan_is_kept_as_it_is(folder: Path) -> None:
    plans = [plan_of(seed) for seed in range(50)]

    assert [plan_from_json(plan_to_json(plan)) for plan in plans] == plans


def test_the_command_prints_its_first_seed_and_what_it_met() -> None:
    command = [str(Path(sys.executable).with_name("dataflow")), "simulate", "--seeds", "3", "--seed", "11"]

    printed = subprocess.run([*command, "--jobs", "1"], capture_output=True, text=True, check=True).stdout

    assert printed.startswith("seeds from 11,")
    assert "3 histories" in printed
    assert "arrows: " in printed
