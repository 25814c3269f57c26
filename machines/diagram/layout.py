"""The places of a machine's states and arrows in a drawing: in layers from top to bottom, always the same way. Draws
nothing.

The known way (Sugiyama): a state's layer is its longest path from the start; an arrow over several layers bends at
a point in each; the order in a layer follows the neighbours, and so do the places, as near as the gaps allow.
What is not in the compound state stays to the right of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from attrs import define, frozen

from machines.diagram.declared import DeclaredArrow, arrows, states
from machines.lifecycle import Lifecycle

WIDTH, HEIGHT = 164.0, 40.0
BEND = 14.0
GAP = 28.0
# From the top of a layer to that of the next.
STEP = 104.0
MARGIN = 20.0
# Between roads that go around the compound.
LANE = 22.0
SWEEPS = 24


@frozen
class Point:
    """A place in the picture."""

    x: float
    y: float


@frozen(kw_only=True)
class Box:
    """A state's or the compound's place."""

    left: float
    top: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """As a part of its width."""
        return self.left + self.width / 2

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height


@frozen(kw_only=True)
class Road:
    """The arrows from one state to another, on one line. `source` may be the compound."""

    source: str
    target: str
    arrows: tuple[DeclaredArrow, ...]
    points: tuple[Point, ...] = ()


@frozen(kw_only=True)
class Layout:
    """A machine's picture in numbers."""

    boxes: Mapping[str, Box]
    compounds: Mapping[str, Box]
    roads: tuple[Road, ...]
    width: float
    height: float


@define
class _Node:
    """A state, or a bend of a road (`name` is then the road's). `inside` the compound, or right of it."""

    name: str
    layer: int
    width: float
    inside: bool
    x: float = 0.0


def laid_out(machine: type[Lifecycle]) -> Layout:
    """The machine's layout."""
    inner = {str(s.id): [str(c.id) for c in s.states] for s in states(machine) if s.states}
    first = {str(s.id): next(str(c.id) for c in s.states if c.initial) for s in states(machine) if s.states}
    members = {name for names in inner.values() for name in names}
    roads = _roads(arrows(machine), first)
    layer = _layers([str(s.id) for s in states(machine) if not s.states], roads, inner)
    chains, layers = _nodes(roads, layer, members)
    _order(layers, chains)
    _place(layers, chains)
    return _measured(layers, chains, roads, inner)


def _roads(declared: Iterable[DeclaredArrow], first: Mapping[str, str]) -> list[Road]:
    found: dict[tuple[str, str], list[DeclaredArrow]] = {}
    for arrow in declared:
        found.setdefault((arrow.source, first.get(arrow.target, arrow.target)), []).append(arrow)
    return [Road(source=s, target=t, arrows=tuple(of)) for (s, t), of in found.items()]


def _layers(
    names: Sequence[str], roads: Sequence[Road], inner: Mapping[str, Sequence[str]]
) -> dict[str, int]:
    layer = dict.fromkeys(names, 0)
    # As many rounds as there are states are enough where no road leads back.
    for _ in names:
        for road in roads:
            if road.source != road.target:
                below = max(layer[name] for name in inner.get(road.source, [road.source])) + 1
                layer[road.target] = max(layer[road.target], below)
    return layer


def _nodes(
    roads: Sequence[Road], layer: Mapping[str, int], members: set[str]
) -> tuple[list[list[_Node]], list[list[_Node]]]:
    """For each road from a state the nodes on its way, and for each layer its nodes."""
    layers: list[list[_Node]] = [[] for _ in range(max(layer.values()) + 1)]
    node = {name: _Node(name, at, WIDTH, name in members) for name, at in layer.items()}
    for each in node.values():
        layers[each.layer].append(each)
    chains: list[list[_Node]] = []
    for number, road in enumerate(roads):
        if road.source == road.target or road.source not in node:
            chains.append([])
            continue
        source, target = node[road.source], node[road.target]
        bends = [_Node(f"{number}", at, BEND, source.inside) for at in range(source.layer + 1, target.layer)]
        for bend in bends:
            layers[bend.layer].append(bend)
        chains.append([source, *bends, target])
    return chains, layers


def _neighbours(chains: Iterable[Sequence[_Node]], step: int) -> dict[int, list[_Node]]:
    """The nodes above each (step -1), or below."""
    found: dict[int, list[_Node]] = {}
    for chain in chains:
        for upper, lower in pairwise(chain):
            here, there = (lower, upper) if step < 0 else (upper, lower)
            found.setdefault(id(here), []).append(there)
    return found


def _order(layers: Sequence[list[_Node]], chains: Sequence[Sequence[_Node]]) -> None:
    """Order each layer by where its neighbours are; a tie keeps the order of declaration."""
    for layer in layers:
        _spread(layer)
    for sweep in range(SWEEPS):
        step = -1 if sweep % 2 == 0 else 1
        near = _neighbours(chains, step)
        for layer in layers if step < 0 else reversed(layers):
            wanted = {id(node): _mean(near.get(id(node), [node])) for node in layer}
            layer.sort(key=lambda node: (not node.inside and node.width == BEND, wanted[id(node)]))
            _spread(layer)


def _spread(layer: Sequence[_Node]) -> None:
    """Side by side, around the middle."""
    total = sum(node.width for node in layer) + GAP * (len(layer) - 1)
    x = -total / 2
    for node in layer:
        node.x = x + node.width / 2
        x += node.width + GAP


def _place(layers: Sequence[list[_Node]], chains: Sequence[Sequence[_Node]]) -> None:
    """Move each node to where its neighbours are, as near as the order and the gaps allow."""
    for sweep in range(SWEEPS):
        near = _neighbours(chains, -1 if sweep % 2 == 0 else 1)
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            _settle(layer, [_mean(near.get(id(node), [node])) for node in layer])
    # A road around the compound stays clear of it.
    outside = [node for layer in layers for node in layer if not node.inside and node.width == BEND]
    inside = [node.x + node.width / 2 for layer in layers for node in layer if node not in outside]
    begun: dict[str, int] = {}
    for node in outside:
        begun[node.name] = min(begun.get(node.name, node.layer), node.layer)
    # The road that begins lowest is the nearest, so that no road lies on another or crosses it.
    lanes = sorted(begun, key=lambda road: -begun[road])
    for node in outside:
        node.x = max(inside) + GAP + MARGIN + LANE * lanes.index(node.name)


def _settle(layer: Sequence[_Node], wanted: Sequence[float]) -> None:
    """The places nearest to the wanted ones that keep the gaps: neighbours that collide move as one."""
    offsets = [0.0]
    for left, right in pairwise(layer):
        offsets.append(offsets[-1] + (left.width + right.width) / 2 + GAP)
    blocks: list[list[float]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        blocks.append([want - offset])
        while len(blocks) > 1 and _average(blocks[-2]) > _average(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    places = [_average(block) for block in blocks for _ in block]
    for node, place, offset in zip(layer, places, offsets, strict=True):
        node.x = place + offset


def _measured(
    layers: Sequence[Sequence[_Node]],
    chains: Sequence[Sequence[_Node]],
    roads: Sequence[Road],
    inner: Mapping[str, Sequence[str]],
) -> Layout:
    nodes = [node for layer in layers for node in layer]
    shift = 2 * MARGIN - min(node.x - node.width / 2 for node in nodes)
    for node in nodes:
        node.x = round(node.x + shift, 1)
    boxes = {
        node.name: Box(left=node.x - WIDTH / 2, top=MARGIN + STEP * node.layer, width=WIDTH, height=HEIGHT)
        for node in nodes
        if node.width == WIDTH
    }
    compounds = {name: _around([boxes[each] for each in of], nodes) for name, of in inner.items()}
    led = tuple(
        Road(
            source=road.source,
            target=road.target,
            arrows=road.arrows,
            points=_points(road, chain, boxes, compounds),
        )
        for road, chain in zip(roads, chains, strict=True)
    )
    right = max([b.left + b.width for b in (*boxes.values(), *compounds.values())] + [n.x for n in nodes])
    bottom = max(box.bottom for box in boxes.values())
    return Layout(
        boxes=boxes, compounds=compounds, roads=led, width=right + 2 * MARGIN, height=bottom + MARGIN
    )


def _points(
    road: Road, chain: Sequence[_Node], boxes: Mapping[str, Box], compounds: Mapping[str, Box]
) -> tuple[Point, ...]:
    target = boxes[road.target]
    if road.source == road.target:
        right = target.left + target.width
        return (Point(right, target.top + 10), Point(right, target.bottom - 10))
    if not chain:
        around = compounds[road.source]
        # It leaves the compound's edge, also for a state that is beside the compound.
        left, right = around.left + MARGIN, around.left + around.width - MARGIN
        return (Point(min(max(target.middle, left), right), around.bottom), Point(target.middle, target.top))
    bends = [Point(node.x, MARGIN + STEP * node.layer + y) for node in chain[1:-1] for y in (0.0, HEIGHT)]
    source = boxes[road.source]
    return (Point(source.middle, source.bottom), *bends, Point(target.middle, target.top))


def _around(boxes: Sequence[Box], nodes: Sequence[_Node]) -> Box:
    bends = [node.x for node in nodes if node.inside and node.width == BEND]
    left = min([box.left for box in boxes] + bends) - MARGIN
    right = max([box.left + box.width for box in boxes] + bends) + MARGIN
    top = min(box.top for box in boxes) - 1.4 * MARGIN
    bottom = max(box.bottom for box in boxes) + MARGIN
    return Box(left=left, top=top, width=right - left, height=bottom - top)


def _mean(nodes: Sequence[_Node]) -> float:
    return _average([node.x for node in nodes])


def _average(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
