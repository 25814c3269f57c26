"""Destinations as a scenario's earlier runs left them: made once by real processes, then copied for every test."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from signal import SIGKILL
from typing import Protocol

from attrs import define, evolve, field, frozen

from tests.crash.scenarios import COLUMNS, Scenario, Stint
from tests.servers.address import Address
from tests.servers.databases import fresh_database
from tests.whole.command import Destination, Outcome
from tests.whole.conftest import postgres_destination

ARGUMENTS = ("--state-latency", "0", "--flush-rows", "10")
Rows = Counter[tuple[int, int]]


def perform(destination: Destination, stint: Stint, *faults: str) -> Outcome:
    """One run, as a process of its own."""
    struck = (*faults, stint.fault) if stint.fault else faults
    return destination.write(stint.catalog, stint.messages(), *ARGUMENTS, faults=struck)


def published(destination: Destination) -> Rows:
    """What the final table holds: id and version of each row."""
    return Counter((int(key), int(version)) for key, version in destination.rows("users", list(COLUMNS)))


def files(of: Destination) -> list[Path]:
    """The files of a destination that is one, and those beside it."""
    return sorted(of.folder.glob("it.*"))


class Database(Protocol):
    """A kind of database, of which a destination can be made empty, and copied."""

    def empty(self, folder: Path) -> Destination:
        """An empty one, for as long as the tests run."""
        ...

    def copy(self, of: Destination, folder: Path) -> AbstractContextManager[Destination]:
        """A copy of one that nobody uses."""
        ...


@frozen
class Files:
    """Files, with the log and the locks that a killed process left beside them."""

    _made_in: Callable[[Path], Destination]

    def empty(self, folder: Path) -> Destination:
        """A file that does not exist yet."""
        return self._made_in(folder)

    @contextmanager
    def copy(self, of: Destination, folder: Path) -> Iterator[Destination]:
        """The file and what is beside it elsewhere."""
        for file in files(of):
            shutil.copy(file, folder / file.name)
        yield self._made_in(folder)


@frozen
class Postgres:
    """Databases of one server, kept while the stack is open."""

    _server: Address
    _kept: ExitStack

    def empty(self, folder: Path) -> Destination:
        """An empty database."""
        return postgres_destination(folder, self._kept.enter_context(fresh_database(self._server)))

    @contextmanager
    def copy(self, of: Destination, folder: Path) -> Iterator[Destination]:
        """A database with the other's content."""
        with fresh_database(self._server, str(of.config["database"])) as address:
            yield postgres_destination(folder, address)


@frozen
class Ground:
    """What a scenario's earlier runs left, and how its sync ends when nothing disturbs it."""

    scenario: Scenario
    undisturbed: Rows
    database: Database
    _original: Destination

    @contextmanager
    def copy(self, folder: Path) -> Iterator[Destination]:
        """The same again, to work on."""
        with self.database.copy(self._original, folder) as destination:
            yield destination


@define
class Grounds:
    """Every ground that was asked for, made when it first was."""

    _folder: Path
    _databases: dict[str, Database]
    _made: dict[tuple[str, str], Ground] = field(factory=dict)

    def of(self, database: str, scenario: Scenario) -> Ground:
        """The scenario's ground on that kind of database."""
        key = (database, str(scenario))
        if key not in self._made:
            self._made[key] = self._make(self._databases[database], scenario, "-".join(key).replace(" ", "-"))
        return self._made[key]

    def _make(self, database: Database, scenario: Scenario, name: str) -> Ground:
        original, undisturbed = self._folder / name, self._folder / f"{name}-undisturbed"
        original.mkdir()
        undisturbed.mkdir()
        destination = database.empty(original)
        for stint in scenario.earlier:
            outcome = perform(destination, stint)
            assert outcome.code == _expected_code(stint)
            assert stint.fault or outcome.states[-1] == stint.tells
        ground = Ground(scenario, Counter(), database, destination)
        with ground.copy(undisturbed) as twin:
            assert perform(twin, scenario.sync).code == 0
            return evolve(ground, undisturbed=published(twin))


def _expected_code(stint: Stint) -> int:
    if stint.fault:
        return -SIGKILL
    return 0 if stint.complete else 1
