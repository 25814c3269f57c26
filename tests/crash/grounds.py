"""Destinations as a scenario's earlier runs left them: made once by real processes, then copied for every test."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from signal import SIGKILL

from attrs import define, evolve, field, frozen

from tests.crash.scenarios import COLUMNS, Scenario, Stint
from tests.whole.command import Destination, Outcome
from tests.whole.places import Place

ARGUMENTS = ("--state-latency", "0", "--flush-rows", "10")
Rows = Counter[tuple[int, int]]


def perform(destination: Destination, stint: Stint, *faults: str) -> Outcome:
    """One run, as a process of its own."""
    struck = (*faults, stint.fault) if stint.fault else faults
    return destination.write(stint.catalog, stint.messages(), *ARGUMENTS, faults=struck)


def published(destination: Destination) -> Rows:
    """What the final table holds: id and version of each row."""
    return Counter((int(key), int(version)) for key, version in destination.rows("users", list(COLUMNS)))


@frozen
class Ground:
    """What a scenario's earlier runs left, and how its sync ends when nothing disturbs it."""

    scenario: Scenario
    undisturbed: Rows
    place: Place
    _original: Destination

    @contextmanager
    def copy(self, folder: Path) -> Iterator[Destination]:
        """The same again, to work on."""
        with self.place.copy(self._original, folder) as destination:
            yield destination


@define
class Grounds:
    """Every ground that was asked for, made when it first was."""

    _folder: Path
    _places: Mapping[str, Place]
    _kept: ExitStack
    _made: dict[tuple[str, str], Ground] = field(factory=dict)

    def of(self, database: str, scenario: Scenario) -> Ground:
        """The scenario's ground on that kind of database."""
        key = (database, str(scenario))
        if key not in self._made:
            self._made[key] = self._make(self._places[database], scenario, "-".join(key).replace(" ", "-"))
        return self._made[key]

    def _make(self, place: Place, scenario: Scenario, name: str) -> Ground:
        original, undisturbed = self._folder / name, self._folder / f"{name}-undisturbed"
        original.mkdir()
        undisturbed.mkdir()
        destination = self._kept.enter_context(place.empty(original))
        for stint in scenario.earlier:
            outcome = perform(destination, stint)
            assert outcome.code == _expected_code(stint)
            assert stint.fault or outcome.states[-1] == stint.last_version
        ground = Ground(scenario, Counter(), place, destination)
        with ground.copy(undisturbed) as twin:
            assert perform(twin, scenario.sync).code == 0
            return evolve(ground, undisturbed=published(twin))


def _expected_code(stint: Stint) -> int:
    if stint.fault:
        return -SIGKILL
    return 0 if stint.complete else 1
