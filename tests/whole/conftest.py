"""The destinations that whole syncs run against, each empty for its test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.whole.command import Destination
from tests.whole.places import NAMES, place_of


@pytest.fixture(params=NAMES)
def destination(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Destination]:
    """Every destination in turn."""
    with place_of(request.param, request).empty(tmp_path) as made:
        yield made
