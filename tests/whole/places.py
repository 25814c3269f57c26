"""How a destination is made empty, copied and found abandoned, for each destination that has tests of its own.

A destination's tests say it in `tests/connectors/NAME/place.py`, by a function `place` and by `FACTS`. No list
is kept here.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import pytest
from attrs import frozen

from tests.ours import OURS
from tests.whole.command import Destination

HERE = Path(__file__).parents[1] / "connectors"
NAMES = tuple(name for name in OURS if (HERE / name / "place.py").exists())


@frozen
class Facts:
    """What tests have to know of a destination before one is made.

    `killed_by_make_test`: whether `make test` kills syncs into it; `make crash` does so in any case.
    `takes_rows_in_bulk`: whether many thousands of rows are a matter of seconds.
    `undoes_tables`: whether a transaction that is undone undoes its changes of tables too.
    `by_make_test`: whether what it needs is there wherever `make test` runs.
    """

    killed_by_make_test: bool = False
    takes_rows_in_bulk: bool = False
    undoes_tables: bool = True
    by_make_test: bool = True


class Place(Protocol):
    """A kind of database, of which a destination can be made empty, and copied."""

    def empty(self, folder: Path) -> AbstractContextManager[Destination]:
        """An empty one, whose files and configuration are in the folder."""
        ...

    def copy(self, of: Destination, folder: Path) -> AbstractContextManager[Destination]:
        """A copy of one that nobody uses."""
        ...

    def undisturbed(self, of: Destination) -> AbstractContextManager[Destination]:
        """One to look into without a change of what the next run finds: itself, or a copy."""
        ...

    def expect_nobody(self, of: Destination) -> None:
        """Fails where something of a run is left beside the tables: a session, a lock, a log."""
        ...


def place_of(name: str, request: pytest.FixtureRequest) -> Place:
    """The place of a destination."""
    made: Place = _module(name).place(request)
    return made


def names_where(holds: Callable[[Facts], bool]) -> tuple[str, ...]:
    """The destinations whose facts are such."""
    return tuple(name for name in NAMES if holds(_module(name).FACTS))


def _module(name: str) -> Any:
    return import_module(f"tests.connectors.{name}.place")


@frozen
class Files:
    """A destination in a file called `it.*`, with the log and the locks that a killed process left beside it."""

    _made_in: Callable[[Path], Destination]

    @contextmanager
    def empty(self, folder: Path) -> Iterator[Destination]:
        """A file that does not exist yet."""
        yield self._made_in(folder)

    @contextmanager
    def copy(self, of: Destination, folder: Path) -> Iterator[Destination]:
        """The file, and what is beside it, elsewhere."""
        for file in files(of):
            shutil.copy(file, folder / file.name)
        yield self._made_in(folder)

    @contextmanager
    def undisturbed(self, of: Destination) -> Iterator[Destination]:
        """A copy: opening a file may write its log into it."""
        beside = of.folder / "beside"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        with self.copy(of, beside) as twin:
            yield twin

    def expect_nobody(self, of: Destination) -> None:
        """A log beside the file would have to be read by the next run."""
        assert len(files(of)) == 1


def files(of: Destination) -> list[Path]:
    """The files of a destination that is one, and those beside it."""
    return sorted(of.folder.glob("it.*"))
