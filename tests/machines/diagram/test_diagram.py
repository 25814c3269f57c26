"""The pages under diagrams/ are the machines, redrawn."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from machines.diagram.declared import MACHINES, arrows, dot, mermaid, page, states, walkable
from machines.diagram.layout import laid_out
from machines.diagram.svg import DARK, LETTER, drawn, path_of
from machines.diagram.xml import Element, svg_text
from machines.journal.history import Life, runs
from machines.operations import MEANING, StreamOperation, SyncOperation
from machines.stream import StreamLifecycle
from tests.machines.record import JOURNALS

PAGES = Path(__file__).parents[3] / "diagrams"
# A recorded journal with a path through each machine.
PATHS = {"stream": "dedup", "destination": "sync_complete"}
COLOUR = re.compile(r"#[0-9a-f]{6}")


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
    life = recorded("dedup")

    picture = svg_text(drawn("stream", path_of([life])))

    assert picture.count('class="road walked"') == len(life.walked)
    assert 'class="state merging visited"' in picture
    assert 'class="state swapping"' in picture


def test_beside_a_path_only_the_path_has_words_and_no_road_lies_on_them() -> None:
    life = recorded("dedup")

    groups = [str(group.get("class")) for group in drawn("stream", path_of([life])).iter("g")]

    roads = [number for number, kind in enumerate(groups) if kind.startswith("road")]
    words = [number for number, kind in enumerate(groups) if kind.startswith("said")]
    assert {groups[number] for number in words} == {"said walked"}
    assert max(roads) < min(words)


def test_a_life_that_is_at_its_end_spends_no_time_there() -> None:
    path = path_of([recorded("dedup"), recorded("merge_refused")])

    assert {target for _, _, target in path.walked} - set(path.took) == {"done", "failed"}


def test_an_error_out_of_the_compound_marks_its_one_arrow() -> None:
    picture = svg_text(drawn("stream", path_of([recorded("merge_refused")])))

    assert 'class="state abandoning visited"' in picture
    assert picture.count('class="road walked"') == len(recorded("merge_refused").walked)


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("walked", [True, False])
def test_every_shape_has_colours_that_a_viewer_without_css_understands(name: str, walked: bool) -> None:
    picture = drawn(name, path_of(lives_of(PATHS[name])) if walked else None)

    shapes = [each for each in picture.iter() if each.tag in ("rect", "path", "text", "line", "circle")]
    assert len(shapes) > 40
    assert [svg_text(shape) for shape in shapes if not is_painted(shape)] == []


@pytest.mark.parametrize("name", MACHINES)
def test_a_pictures_style_only_turns_its_colours_dark(name: str) -> None:
    picture = drawn(name, path_of(lives_of(PATHS[name])))

    (style,) = (str(each.text) for each in picture.iter("style"))
    used = {str(each.get(paint)) for each in picture.iter() for paint in ("fill", "stroke")} - {
        "None",
        "none",
    }
    assert used <= set(DARK)
    assert style.split("{")[0].strip() == "@media (prefers-color-scheme: dark)"
    assert style.count("@") == 1
    assert "var(" not in svg_text(picture)
    for light in used:
        assert f"[fill='{light}'] {{ fill: {DARK[light]}; }}" in style
        assert f"[stroke='{light}'] {{ stroke: {DARK[light]}; }}" in style


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("walked", [True, False])
def test_every_label_lies_within_the_picture(name: str, walked: bool) -> None:
    picture = drawn(name, path_of(lives_of(PATHS[name])) if walked else None)

    labels = [text for group in picture.iter("g") for text in group if "said" in str(group.get("class"))]
    halves = [(float(str(each.get("x"))), len(str(each.text)) * LETTER / 2) for each in labels]
    assert halves
    assert all(half <= x <= float(str(picture.get("width"))) - half for x, half in halves)


@pytest.mark.parametrize("name", MACHINES)
def test_no_two_roads_share_a_line(name: str) -> None:
    roads = laid_out(MACHINES[name]).roads

    upright = [
        (upper.x, upper.y) for road in roads for upper, lower in pairwise(road.points) if upper.x == lower.x
    ]
    assert len(upright) == len(set(upright))


@pytest.mark.parametrize("name", MACHINES)
def test_a_road_out_of_the_compound_begins_at_its_edge(name: str) -> None:
    layout = laid_out(MACHINES[name])

    begun = [
        (road.points[0], layout.compounds[road.source])
        for road in layout.roads
        if road.source in layout.compounds
    ]
    assert begun
    assert all(box.left < start.x < box.left + box.width and start.y == box.bottom for start, box in begun)


@pytest.mark.parametrize("name", MACHINES)
def test_graphvizs_text_has_every_arrow(name: str) -> None:
    assert dot(MACHINES[name]).count(" -> ") == len(arrows(MACHINES[name]))


def test_mermaids_text_marks_the_states_that_were_visited() -> None:
    assert "class merging,done visited" in mermaid(StreamLifecycle, {"merging", "done"})


def is_painted(shape: Element) -> bool:
    """It says what fills it, and what is not filled says what is drawn along it."""
    fill, stroke = shape.get("fill", ""), shape.get("stroke", "")
    return bool(COLOUR.fullmatch(fill)) or (fill == "none" and bool(COLOUR.fullmatch(stroke)))


def lives_of(journal: str) -> tuple[Life, ...]:
    """The lives of a recorded journal."""
    text = (JOURNALS / f"{journal}.jsonl").read_text()
    (run,) = runs([json.loads(line) for line in text.splitlines()])
    return run.lives


def recorded(journal: str) -> Life:
    """The one life of a recorded journal."""
    return lives_of(journal)[0]


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
