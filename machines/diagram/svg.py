"""A machine as an SVG picture, with or without the path of a journal's run. Draws; `layout` measures.

Each shape carries its light colours as attributes, so any viewer shows it. One style sheet turns them into dark ones in
viewers that know `prefers-color-scheme`. No colour is a CSS variable, since plain viewers draw those as black.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from attrs import field, frozen

from machines.diagram.declared import MACHINES
from machines.diagram.layout import Box, Layout, Point, Road, laid_out
from machines.diagram.xml import Element, element
from machines.formatting import count, duration
from machines.journal.history import Arrow, Life, seconds, walked
from machines.lifecycle import DONE, FAILED, Lifecycle
from machines.operations import MEANING

# A label's letters and lines.
LETTER, LINE_HEIGHT = 5.9, 12.0

# A light colour names what it is for. No two are alike, since the dark one is found by it.
INK, FAINT, LINE, PAPER, GROUND = "#1f2328", "#6a737d", "#afb8c1", "#ffffff", "#f6f8fa"
WALKED, VISITED, PUBLISHED, BROKEN = "#0b6bcb", "#e6f1fc", "#1a7f37", "#cf222e"
DARK: Mapping[str, str] = {
    INK: "#e6edf3",
    FAINT: "#8b949e",
    LINE: "#5b6470",
    PAPER: "#0d1117",
    GROUND: "#161b22",
    WALKED: "#58a6ff",
    VISITED: "#10263f",
    PUBLISHED: "#3fb950",
    BROKEN: "#f85149",
}
FONT = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica Neue, sans-serif"
SMALL = 10.5
# The width of what keeps a label apart from the roads behind it.
HALO = 4
# How much of a shape is seen beside a path that does not lead through it.
DIM = 0.5


@frozen(kw_only=True)
class Path:
    """What lives did: how often an arrow was walked, and how long a state lasted, in words."""

    walked: Mapping[Arrow, int] = field(factory=dict)
    took: Mapping[str, str] = field(factory=dict)


def path_of(lives: Iterable[Life]) -> Path:
    """The path of these lives together."""
    lives = list(lives)
    took = {state: duration(spent) for state, spent in seconds(lives).items() if state not in (DONE, FAILED)}
    return Path(walked=walked(lives), took=took)


def drawn(name: str, path: Path | None = None) -> Element:
    """The machine of this name as an `svg` element that needs nothing else."""
    machine = MACHINES[name]
    layout = laid_out(machine)
    walks = [(road, _walks(road, machine, path)) for road in layout.roads]
    # What was walked lies above what was not.
    walks.sort(key=lambda walk: len(walk[1]))
    return element(
        "svg",
        element("title", f"{machine.__name__}{': the path taken' if path else ''}"),
        element("style", _dark()),
        element("rect", width="100%", height="100%", fill=PAPER),
        *(_compound(each, box) for each, box in layout.compounds.items()),
        *(_road(road, times, dim=bool(path) and not times) for road, times in walks),
        # No road lies on another's words, and beside a path only the path has any.
        *_labels([(road, times) for road, times in walks if times or not path], layout),
        *_states(machine, layout, path),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {layout.width:.0f} {layout.height:.0f}",
        width=f"{layout.width:.0f}",
        height=f"{layout.height:.0f}",
        font_family=FONT,
        font_size=12.5,
        role="img",
        class_="machine",
    )


def _walks(road: Road, machine: type[Lifecycle], path: Path | None) -> Mapping[str, int]:
    """How often each event walked the road. One that leaves the compound was, from whatever is inside."""
    inner = {str(child.id) for state in machine.states if state.id == road.source for child in state.states}
    events = {arrow.event for arrow in road.arrows}
    walks: Counter[str] = Counter()
    for (source, event, target), times in path.walked.items() if path else ():
        if source in (inner or {road.source}) and event in events and target == road.target:
            walks[event] += times
    return walks


def _dark() -> str:
    rules = (
        f"  .machine [{painted}='{light}'] {{ {painted}: {dark}; }}"
        for light, dark in DARK.items()
        for painted in ("fill", "stroke")
    )
    return "\n".join(("", "@media (prefers-color-scheme: dark) {", *rules, "}", ""))


def _compound(name: str, box: Box) -> Element:
    dashed = {"fill": GROUND, "stroke": LINE, "stroke-dasharray": "4 4"}
    return element(
        "g",
        element("rect", x=box.left, y=box.top, width=box.width, height=box.height, rx=12, **dashed),
        element("text", name, x=box.left + 12, y=box.top + 17, fill=FAINT, font_size=11, letter_spacing=0.7),
        class_="compound",
    )


def _states(machine: type[Lifecycle], layout: Layout, path: Path | None) -> Iterator[Element]:
    final = {str(state.id) for state in machine.states if state.final}
    visited = {target for _, _, target in path.walked} | {"idle"} if path and path.walked else set()
    for name, box in layout.boxes.items():
        took = path.took.get(name) if path else None
        operation = machine.OPERATIONS.get(name)
        kinds = ("state", "final" if name in final else "", name, "visited" if name in visited else "")
        middle = box.top + box.height / 2
        look = _box_look(name, final=name in final, visited=name in visited)
        yield element(
            "g",
            element("title", MEANING[operation] if operation else name.replace("_", " ")),
            element("rect", x=box.left, y=box.top, width=box.width, height=box.height, rx=8, **look),
            element("text", name.replace("_", " "), x=box.middle, y=middle + (-1 if took else 4), fill=INK),
            *(
                [element("text", took, x=box.middle, y=middle + 13, fill=FAINT, font_size=SMALL)]
                if took
                else []
            ),
            class_=" ".join(filter(None, kinds)),
            text_anchor="middle",
            opacity=DIM if path and name not in visited else None,
        )


def _box_look(name: str, *, final: bool, visited: bool) -> Mapping[str, object]:
    """A final state shows which end it is, also where a path leads to it."""
    fill = VISITED if visited else PAPER
    if final:
        return {"fill": fill, "stroke": BROKEN if name == FAILED else PUBLISHED, "stroke-width": 2}
    if visited:
        return {"fill": fill, "stroke": WALKED, "stroke-width": 1.8}
    return {"fill": fill, "stroke": LINE, "stroke-width": 1.2}


def _road(road: Road, walks: Mapping[str, int], *, dim: bool) -> Element:
    *_, before, tip = road.points
    if road.source == road.target:
        curve = f"M{before.x} {before.y} c44 -8 44 28 0 20"
        head = f"M{tip.x} {tip.y} l8.5 -1.5 l-3.5 7 z"
    else:
        curve = _curve(road.points)
        head = f"M{tip.x} {tip.y} l-4 -8.5 l8 0 z"
    colour, width = (WALKED, 2.2) if walks else (LINE, 1.3)
    return element(
        "g",
        element("path", d=curve, fill="none", stroke=colour, stroke_width=width),
        element("path", d=head, fill=colour),
        class_=f"road{' walked' if walks else ''}",
        opacity=DIM if dim else None,
    )


def _labels(of: Iterable[tuple[Road, Mapping[str, int]]], layout: Layout) -> Iterator[Element]:
    places = _Places(layout.boxes.values(), layout.width)
    for road, walks in of:
        times = sum(walks.values())
        lines = _words(road, walks) + ([f"\u00d7{count(times)}"] if times > 1 else [])
        if not lines:
            continue
        if road.source == road.target:
            box = layout.boxes[road.source]
            where = places.beside(Point(road.points[-1].x + 44, box.top + box.height / 2 + 4), lines)
        else:
            where = places.found(road.points, lines)
        inside = any(_holds(box, where) for box in layout.compounds.values())
        yield _label(lines, where, colour=WALKED if walks else FAINT, behind=GROUND if inside else PAPER)


def _label(lines: Sequence[str], where: Point, *, colour: str, behind: str) -> Element:
    """Its words twice: a broad outline, and the words on it. Not every viewer paints an outline below its own text."""
    outline = {"fill": "none", "stroke": behind, "stroke-width": HALO, "stroke-linejoin": "round"}
    text = [
        element("text", line, x=f"{where.x:.1f}", y=f"{where.y + number * LINE_HEIGHT:.1f}", **look)
        for look in (outline, {"fill": colour})
        for number, line in enumerate(lines)
    ]
    walked = " walked" if colour == WALKED else ""
    return element("g", *text, class_=f"said{walked}", font_size=SMALL, text_anchor="middle")


def _holds(box: Box, point: Point) -> bool:
    return box.left <= point.x <= box.left + box.width and box.top <= point.y <= box.bottom


def _curve(points: Iterable[Point]) -> str:
    """Upright at both ends of each piece, so that pieces meet without a corner."""
    first, *rest = points
    said = [f"M{first.x} {first.y}"]
    for start, end in pairwise([first, *rest]):
        half = (start.y + end.y) / 2
        said.append(f"C{start.x} {half} {end.x} {half} {end.x} {end.y}")
    return " ".join(said)


def _words(road: Road, walks: Mapping[str, int]) -> list[str]:
    """What an arrow says: its event, unless that is plain success, and its guard. For a walked arrow: what walked
    it.
    """
    meant = [arrow for arrow in road.arrows if not walks or arrow.event in walks]
    plain = all(arrow.event == "succeeded" for arrow in meant)
    words = [(arrow.event, arrow.guard.replace("_", " ")) for arrow in meant]
    return [word for event, guard in words for word in ("" if plain else event, guard) if word]


class _Places:
    """Finds a place for each label at which it lies on no other, within the picture's width."""

    def __init__(self, boxes: Iterable[Box], width: float) -> None:
        self._taken = list(boxes)
        self._width = width

    def found(self, points: tuple[Point, ...], lines: list[str]) -> Point:
        """On an upright piece of a road, else on its last one, else beside; as at first if nothing is free."""
        start, end = points[-2:]
        aside = max(map(len, lines), default=0) * LETTER / 2 + 8
        on = [_on(start, end, part) for part in (0.6, 0.45, 0.72, 0.3, 0.8)]
        upright = [
            Point(upper.x, (upper.y + lower.y) / 2) for upper, lower in pairwise(points) if upper.x == lower.x
        ]
        beside = [Point(place.x + shift, place.y) for shift in (aside, -aside) for place in on]
        places = [*upright, *on, *beside]
        within = [self._within(place, lines) for place in places]
        free = [place for place in within if not self._meets(self._box(place, lines))]
        return self._take((free or within)[0], lines)

    def beside(self, start: Point, lines: list[str]) -> Point:
        """To the right of a point."""
        return self._take(Point(start.x + max(map(len, lines)) * LETTER / 2, start.y), lines)

    def _within(self, place: Point, lines: list[str]) -> Point:
        half = max(map(len, lines), default=0) * LETTER / 2 + HALO
        return Point(min(max(place.x, half), self._width - half), place.y)

    def _take(self, place: Point, lines: list[str]) -> Point:
        self._taken.append(self._box(place, lines))
        return place

    def _meets(self, box: Box) -> bool:
        return any(
            box.left < other.left + other.width
            and other.left < box.left + box.width
            and box.top < other.bottom
            and other.top < box.bottom
            for other in self._taken
        )

    @staticmethod
    def _box(place: Point, lines: list[str]) -> Box:
        width = max(map(len, lines), default=0) * LETTER
        return Box(
            left=place.x - width / 2, top=place.y - LINE_HEIGHT, width=width, height=LINE_HEIGHT * len(lines)
        )


def _on(start: Point, end: Point, part: float) -> Point:
    """A point of the curve between two points."""
    other = 1 - part
    bent = 3 * other * other * part + other**3
    half = (start.y + end.y) / 2
    y = other**3 * start.y + 3 * other * part * half + part**3 * end.y
    return Point(bent * start.x + (1 - bent) * end.x, y)
