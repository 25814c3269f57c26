"""The pages under diagrams/ are the machines, redrawn."""

from pathlib import Path

import pytest

from machines.diagram import MACHINES, page, walkable
from machines.operations import MEANING, StreamOperation, SyncOperation
from machines.stream import StreamLifecycle

PAGES = Path(__file__).parents[2] / "diagrams"


@pytest.mark.parametrize("name", MACHINES)
def test_a_page_is_what_the_machine_says_now(name: str) -> None:
    """Rewrite them with `make diagrams`."""
    assert (PAGES / f"{name}.md").read_text() == page(name)


def test_every_operation_says_what_it_does() -> None:
    assert set(MEANING) == {*StreamOperation, *SyncOperation}


@pytest.mark.parametrize("name", MACHINES)
def test_every_operation_is_asked_for_by_a_state_that_exists(name: str) -> None:
    machine = MACHINES[name]
    reached = {target for _, _, target in walkable(machine)}

    assert set(machine.OPERATIONS) <= reached


def test_no_two_arrows_differ_by_their_guard_alone() -> None:
    from machines.diagram import arrows

    seen = [(arrow.source, arrow.event, arrow.target) for arrow in arrows(StreamLifecycle)]

    assert len(seen) == len(set(seen))
