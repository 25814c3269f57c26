"""The pages under diagrams/ are the machines, redrawn."""

import json
from pathlib import Path

import pytest

from machines.diagram.declared import MACHINES, arrows, dot, mermaid, page, states, walkable
from machines.diagram.layout import laid_out
from machines.diagram.svg import drawn, path_of
from machines.diagram.xml import svg_text
from machines.journal.history import Life, runs
from machines.operations import MEANING, StreamOperation, SyncOperation
from machines.stream import StreamLifecycle
from tests.machines.record import JOURNALS

PAGES = Path(__file__).parents[2] / "diagrams"


@pytest.mark.parametrize("name", MACHINES)
def test_a_page_is_what_the_machine_says_now(name: str) -> None:
    """Rewrite them with `make diagrams`."""
    assert (PAGES / f"{name}.md").read_text() == page(name)


@pytest.mark.parametrize("name", MACHINES)
def test_a_picture_is_what_the_machine_says_now(name: str) -> None:
    """Rewrite them with `make diagrams`."""
    assert (PAGES / f"{name}.svg").read_text() == svg_text(drawn(name))


@pytest.mark.parametrize("name", MACHINES)
def test_no_two_states_lie_on_each_other_and_each_is_in_the_picture(name: str) -> None:
    layout = laid_out(MACHINES[name])
    boxes = list(layout.boxes.values())

    apart = [
        one.left + one.width <= other.left or other.left + other.width <= one.left or one.top != other.top
        for number, one in enumerate(boxes)
        for other in boxes[:number]
    ]
    assert all(apart)
    assert all(box.left >= 0 and box.left + box.width <= layout.width for box in boxes)
    assert set(layout.boxes) == {str(state.id) for state in states(MACHINES[name]) if not state.states}


@pytest.mark.parametrize("name", MACHINES)
def test_every_arrow_is_in_the_picture_and_leads_down(name: str) -> None:
    layout = laid_out(MACHINES[name])

    led = [arrow for road in layout.roads for arrow in road.arrows]
    assert sorted(map(str, led)) == sorted(map(str, arrows(MACHINES[name])))
    assert all(road.points[0].y < road.points[-1].y for road in layout.roads)


def test_a_path_marks_what_was_walked_and_says_how_often_and_how_long() -> None:
    life = told("dedup")

    picture = svg_text(drawn("stream", path_of([life])))

    assert picture.count('class="road walked"') == len(life.walked)
    assert 'class="state merging visited"' in picture
    assert 'class="state swapping"' in picture


def test_beside_a_path_only_the_path_has_words_and_no_road_lies_on_them() -> None:
    life = told("dedup")

    groups = [str(group.get("class")) for group in drawn("stream", path_of([life])).iter("g")]

    roads = [number for number, kind in enumerate(groups) if kind.startswith("road")]
    words = [number for number, kind in enumerate(groups) if kind.startswith("said")]
    assert {groups[number] for number in words} == {"said walked"}
    assert max(roads) < min(words)


def test_a_life_that_is_at_its_end_spends_no_time_there() -> None:
    path = path_of([told("dedup"), told("merge_refused")])

    assert {target for _, _, target in path.walked} - set(path.took) == {"done", "failed"}


def test_an_error_out_of_the_compound_marks_its_one_arrow() -> None:
    picture = svg_text(drawn("stream", path_of([told("merge_refused")])))

    assert 'class="state abandoning visited"' in picture
    assert picture.count('class="road walked"') == len(told("merge_refused").walked)


@pytest.mark.parametrize("name", MACHINES)
def test_graphvizs_text_has_every_arrow(name: str) -> None:
    assert dot(MACHINES[name]).count(" -> ") == len(arrows(MACHINES[name]))


def test_mermaids_text_marks_the_states_that_were_visited() -> None:
    assert "class merging,done visited" in mermaid(StreamLifecycle, {"merging", "done"})


def told(journal: str) -> Life:
    """The one life of a recorded journal."""
    text = (JOURNALS / f"{journal}.jsonl").read_text()
    (run,) = runs([json.loads(line) for line in text.splitlines()])
    return run.lives[0]


def test_every_operation_says_what_it_does() -> None:
    assert set(MEANING) == {*StreamOperation, *SyncOperation}


@pytest.mark.parametrize("name", MACHINES)
def test_every_operation_is_asked_for_by_a_state_that_exists(name: str) -> None:
    machine = MACHINES[name]
    reached = {target for _, _, target in walkable(machine)}

    assert set(machine.OPERATIONS) <= reached


def test_no_two_arrows_differ_by_their_guard_alone() -> None:
    seen = [(arrow.source, arrow.event, arrow.target) for arrow in arrows(StreamLifecycle)]

    assert len(seen) == len(set(seen))
