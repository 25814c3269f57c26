"""Cases that need not meet every destination each time: one of them in turn, and the others in a campaign."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.whole.places import NAMES, names_where


def in_turn(name: str, cases: Sequence[Any]) -> pytest.MarkDecorator:
    """Each case of this name on the next destination; on the others it is part of the campaign."""
    in_turns = names_where(lambda facts: facts.by_make_test)
    return pytest.mark.parametrize(
        ("destination", name),
        [
            pytest.param(
                destination,
                case,
                marks=[] if in_turns[number % len(in_turns)] == destination else pytest.mark.campaign,
            )
            for number, case in enumerate(cases)
            for destination in NAMES
        ],
        indirect=["destination"],
        ids=str,
    )
