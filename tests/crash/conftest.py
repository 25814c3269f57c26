"""What the crashes start from. Made once per process of a test run."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.crash.grounds import Grounds
from tests.whole.conftest import destination
from tests.whole.places import NAMES, place_of

__all__ = ["destination", "grounds"]


@pytest.fixture(scope="session")
def grounds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    """Every scenario's ground, on each database."""
    with ExitStack() as kept:
        places = {name: place_of(name, request) for name in NAMES}
        yield Grounds(tmp_path_factory.mktemp("grounds"), places, kept)
