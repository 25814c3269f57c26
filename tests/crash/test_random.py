"""SIGKILL at random moments, time and again. A failure is repeated by its seed: `make crash SEED=...`."""

import os
import random
import time
from itertools import count
from pathlib import Path
from signal import SIGKILL

import pytest

from tests.crash.grounds import ARGUMENTS, Grounds
from tests.crash.life import Life
from tests.crash.scenarios import SCENARIOS, Stint
from tests.whole.command import Destination, Outcome
from tests.whole.places import NAMES, names_where

SEED = os.environ.get("CRASH_SEED", "1")
# The length of one history; those of a campaign are longer.
KILLS, MORE_KILLS = 2, 4
# A start takes about so long, a flush or a publication about a tenth of it; in seconds.
START, STEP = 0.8, 0.1
# The number of kills after which a sync is left alone.
PATIENCE = 3


def histories(many: int) -> list[str]:
    """The seeds of `many` histories."""
    return [f"{SEED}-{number}" for number in range(1, many + 1)]


@pytest.mark.parametrize("database", names_where(lambda facts: facts.killed_by_make_test))
@pytest.mark.parametrize("seed", histories(1))
def test_syncs_killed_at_random_moments_end_as_if_they_had_not_been(
    grounds: Grounds, tmp_path: Path, seed: str, database: str
) -> None:
    live(grounds, tmp_path, database, random.Random(f"{seed} {database}"), KILLS)


@pytest.mark.campaign
@pytest.mark.parametrize("database", NAMES)
@pytest.mark.parametrize("seed", histories(25))
def test_many_syncs_killed_at_random_moments_end_as_if_they_had_not_been(
    grounds: Grounds, tmp_path: Path, seed: str, database: str
) -> None:
    live(grounds, tmp_path, database, random.Random(f"{seed} {database}, many"), MORE_KILLS)


def live(grounds: Grounds, folder: Path, database: str, chance: random.Random, enough: int) -> None:
    """Syncs of random scenarios until at least `enough` processes were killed at work."""
    kills = 0
    for number in count():
        if kills >= enough:
            return
        ground = grounds.of(database, chance.choice(SCENARIOS))
        place = folder / str(number)
        place.mkdir()
        with ground.copy(place) as destination:
            life = Life(ground, destination)
            while len(life.killed) < PATIENCE and killed(life, chance):
                kills += 1
            life.finish()


def killed(life: Life, chance: random.Random) -> bool:
    """Start a run and kill it at a random moment; whether it was still at work then."""
    states, wait = chance.randrange(6), chance.random()

    def run(destination: Destination, stint: Stint) -> Outcome:
        running = destination.start_write(stint.catalog, *ARGUMENTS)
        running.send(*stint.messages())
        running.end_input()
        try:
            for _ in range(states):
                running.wait_for_state()
        except AssertionError:
            # It emitted fewer, and has ended.
            return running.finish()
        time.sleep(wait * (STEP if states else START))
        return running.kill()

    outcome = life.attempt(run)
    assert outcome.code in (-SIGKILL, 0), outcome.errors
    return outcome.code == -SIGKILL
