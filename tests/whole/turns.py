"""Cases that need not meet every destination each time: one of them in turn, and the others in a campaign."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.whole.places import NAMES


def in_turn(name: str, cases: Sequence[Any]) -> pytest.MarkDecorator:
    """Each case of this name on the next destination; on the others it is part of the campaign."""
    return pytest.mark.parametrize(
        ("destination", name),
        [
            pytest.param(destination, case, marks=[] if number % len(NAMES) == turn else pytest.mark.campaign)
            for number, case in enumerate(cases)
            for turn, destination in enumerate(NAMES)
        ],
        indirect=["destination"],
        ids=str,
    )
