"""Simulated histories break no law, follow from their seeds alone, and show a fault that is planted in the engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.memory import DEFINITION
from connectors.simulation.campaign import happened, simulating
from connectors.simulation.planning import plan_of
from tests.connectors.simulation.faulty import FAULTS

# Each planted fault is found within this number of histories.
ENOUGH = 200


@pytest.fixture
def folder() -> Iterator[Path]:
    with simulating() as found:
        yield found


def test_no_law_is_broken_in_a_hundred_histories(folder: Path) -> None:
    broken = {seed: happened(plan_of(seed), DEFINITION, folder)[1] for seed in range(100)}

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


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str, folder: Path) -> None:
    with FAULTS[name].active():
        found = any(happened(plan_of(seed), DEFINITION, folder)[1] for seed in range(ENOUGH))

    assert found
