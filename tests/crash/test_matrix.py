"""SIGKILL at every operation a stream can ask for, on every road to the final table; and the runs after it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from signal import SIGKILL

import pytest
from attrs import frozen

from connectors.engine.sync.faults import FLUSH, MOMENTS
from dataflow.catalog import Strategy
from dataflow.runtime.clock import SetClock
from machines.operations import Answer, Facts, StreamOperation, TempFacts
from machines.parts import Atomic, commits, parts_of
from machines.stream import stream_lifecycle
from tests.crash.grounds import Grounds, perform
from tests.crash.life import Life
from tests.crash.scenarios import COMPLETING, PUBLISH, SCENARIOS, Scenario
from tests.machines.lives import Answering, life, recipe_of
from tests.whole.places import NAMES, names_where


@frozen
class Point:
    """The point at which a sync is killed. `place` is an operation, perhaps with the number of its performance."""

    scenario: Scenario
    place: str

    @property
    def operation(self) -> str:
        """The operation alone."""
        return self.place.partition("#")[0]

    def __str__(self) -> str:
        return f"{self.scenario}: {self.place}"


POINTS = [Point(scenario, place) for scenario in SCENARIOS for place in scenario.points]
KILLED = names_where(lambda facts: facts.killed_by_make_test)
# Those that commit each change of tables by itself.
IN_COMMITS = names_where(lambda facts: not facts.undoes_tables)
# The first point of each operation of one strategy.
SHARE = list(
    {p.operation: p for p in reversed(POINTS) if p.scenario.strategy is Strategy.DEDUP_TRUNCATE}.values()
)


def shared(databases: Sequence[str]) -> Iterator[tuple[Point, str, str]]:
    """Both sides of each point of the share, each on one of the databases.

    The sides of a scenario's only point are on the same: what comes before the kill takes longer than the kill.
    """
    points = Counter(point.scenario for point in SHARE)
    for number, point in enumerate(SHARE):
        for side, moment in enumerate(("before", "after")):
            turn = number + side if points[point.scenario] > 1 else number
            yield point, moment, databases[turn % len(databases)]


def converge(grounds: Grounds, folder: Path, database: str, point: Point, fault: str, *then: str) -> None:
    """Kill a sync at a fault and let it come to its end; on the way the next runs may die of more of them."""
    ground = grounds.of(database, point.scenario)
    with ground.copy(folder) as destination:
        life = Life(ground, destination)
        life.strike(fault, point.scenario.cut)
        for another in then:
            life.risk(another)
        life.finish()


# Each database that `make test` does without has a share as large as that of one of the others.
APART = [
    (point, moment, database)
    for database in names_where(lambda facts: not facts.by_make_test)
    for point, moment, instead in shared(KILLED)
    if instead == KILLED[0]
]


@pytest.mark.parametrize(("point", "moment", "database"), [*shared(KILLED), *APART], ids=str)
def test_a_killed_sync_ends_as_if_it_had_not_been(
    grounds: Grounds, tmp_path: Path, point: Point, moment: str, database: str
) -> None:
    converge(grounds, tmp_path, database, point, f"{moment}:{point.place}=kill")


# What keeps the only stream from starting, and a kill before the sync has ended.
NOT_STARTED = (
    ("before:claim=permanent",),
    ("after:claim=permanent",),
    ("during:open_temp=permanent",),
    ("before:open_temp=permanent", "after:abandon=kill"),
    ("after:open_temp=permanent", "before:abandon=kill"),
)


@pytest.mark.parametrize(
    ("faults", "database"),
    [(faults, KILLED[number % len(KILLED)]) for number, faults in enumerate(NOT_STARTED)],
    ids=str,
)
def test_a_sync_of_which_no_stream_starts_is_made_up_for_by_the_next(
    grounds: Grounds, tmp_path: Path, faults: Sequence[str], database: str
) -> None:
    begins = next(s for s in SCENARIOS if (s.strategy, s.name) == (Strategy.DEDUP_TRUNCATE, "begins"))
    ground = grounds.of(database, begins)
    with ground.copy(tmp_path) as destination:
        life = Life(ground, destination)

        outcome = life.attempt(lambda to, stint: perform(to, stint, *faults))

        killed = any(fault.endswith("kill") for fault in faults)
        assert (outcome.code, outcome.states) == (-SIGKILL if killed else 1, [])
        assert killed or "No stream could be started." in str(outcome.errors)
        life.finish()


@pytest.mark.campaign
@pytest.mark.parametrize("database", NAMES)
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("point", POINTS, ids=str)
def test_every_sync_killed_anywhere_ends_as_if_it_had_not_been(
    grounds: Grounds, tmp_path: Path, point: Point, moment: str, database: str
) -> None:
    converge(grounds, tmp_path, database, point, f"{moment}:{point.place}=kill")


@pytest.mark.campaign
@pytest.mark.parametrize("database", NAMES)
@pytest.mark.parametrize("point", POINTS, ids=str)
def test_every_sync_killed_anywhere_time_and_again_ends_as_if_it_had_not_been(
    grounds: Grounds, tmp_path: Path, point: Point, database: str
) -> None:
    """The next run dies at the same place, if it comes to it again, and the one after that in its first flush."""
    fault = f"after:{point.operation}=kill"

    converge(grounds, tmp_path, database, point, f"after:{point.place}=kill", fault, f"during:{FLUSH}=kill")


# -- databases that publish in several commits

COMPLETIONS = [Point(scenario, place) for scenario in COMPLETING for place in scenario.points]
# Each commit of a publication: the decision, the columns or the swap, the rows, the sweep.
COMMITS = [
    Point(scenario, f"{PUBLISH[scenario.strategy]}#{number}")
    for scenario in SCENARIOS
    if scenario.name == "begins" and scenario.strategy in PUBLISH
    for number in range(
        2, len(commits(parts_of(StreamOperation(PUBLISH[scenario.strategy])), Atomic.ROWS)) + 1
    )
]


@pytest.mark.campaign
@pytest.mark.parametrize("database", IN_COMMITS)
@pytest.mark.parametrize("point", COMMITS, ids=str)
def test_a_publication_killed_in_any_of_its_commits_is_completed(
    grounds: Grounds, tmp_path: Path, point: Point, database: str
) -> None:
    converge(grounds, tmp_path, database, point, f"during:{point.place}=kill")


@pytest.mark.campaign
@pytest.mark.parametrize("database", IN_COMMITS)
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("point", COMPLETIONS, ids=str)
def test_a_completion_killed_anywhere_is_completed_by_the_next_sync(
    grounds: Grounds, tmp_path: Path, point: Point, moment: str, database: str
) -> None:
    converge(grounds, tmp_path, database, point, f"{moment}:{point.place}=kill", "after:complete=kill")


# -- that nothing is forgotten


def test_the_matrix_has_every_operation_that_a_stream_can_ask_for() -> None:
    # Databases that commit a publication with its decision have none to complete.
    assert {point.operation for point in POINTS} == {*StreamOperation, FLUSH} - {StreamOperation.COMPLETE}
    assert {point.operation for point in COMPLETIONS} == {StreamOperation.COMPLETE}


@pytest.mark.parametrize("strategy", Strategy)
def test_the_matrix_has_every_operation_on_each_road(strategy: Strategy) -> None:
    assert {p.operation for p in POINTS if p.scenario.strategy is strategy} == {*reachable(strategy), FLUSH}


def reachable(strategy: Strategy) -> set[str]:
    """What the machine itself asks for, whatever it finds at its start and however it ends."""
    return {
        str(operation)
        for facts, ending in product(starts(), ("completed", "ended"))
        for operation in asked(strategy, facts, ending)
    }


def starts() -> Iterator[Facts]:
    """All that can be found: no temp table, or one of a recipe, of this generation or an older; published or not.

    The temp table is empty, or it holds rows, of which a STATE covers some or none.
    """
    opening = [strategy for strategy in Strategy if strategy is not Strategy.APPEND]
    recipes = [recipe_of(strategy, generation) for strategy in opening for generation in (1, 2)]
    contents = ((True, False), (False, True), (False, False))
    temps = [
        None,
        *(
            TempFacts(empty=empty, recipe=of, covered=covered)
            for of in recipes
            for empty, covered in contents
        ),
    ]
    return (Facts(temp=temp, finalised=finalised) for temp, finalised in product(temps, (True, False)))


def asked(strategy: Strategy, facts: Facts, ending: str) -> list[object]:
    """What a stream's life asks for when it finds this."""
    port = Answering([Answer(), Answer(facts=facts)])
    # Only a truncate can find its own generation published; `INSPECT` says so of no other.
    if facts.finalised and not strategy.truncates:
        return []
    machine = stream_lifecycle(life(strategy), port, SetClock())
    machine.send("start")
    machine.send(ending)
    return list(port.asked)
