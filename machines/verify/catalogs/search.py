"""The search over catalogs, breadth first: what was explored, and for a broken law the shortest history."""

from collections import deque
from collections.abc import Iterable, Iterator

from attrs import field, frozen

from dataflow.runtime.clock import Clock
from machines.formatting import duration
from machines.verify.catalogs.laws import broken_at_the_end, broken_by
from machines.verify.catalogs.names import Names
from machines.verify.catalogs.scenarios import CRASHES, RIVALS, SYNCS, Scenario, scenarios
from machines.verify.catalogs.steps import Steps
from machines.verify.catalogs.world import World, first
from machines.verify.decisions import Decisions
from machines.verify.search import Explored, Violation, counts

# A world's predecessor, and what led from it.
Trail = dict[World, tuple[World, str] | None]


@frozen(kw_only=True)
class Search:
    """How catalogs are searched: with which decisions about names, and which about streams."""

    names: Names = field(factory=Names)
    decisions: Decisions = field(factory=Decisions)

    def explore(self, scenario: Scenario) -> Explored:
        """Every world that can be reached, and from each in which nothing runs a run of everything.

        The search does not go on beyond a broken law, and keeps each kind once.
        """
        steps = Steps(scenario, self.names, self.decisions)
        start = first(scenario.everything, scenario.syncs, scenario.crashes, scenario.rivals)
        trail: Trail = {start: None}
        waiting = deque([start])
        taken = struck = 0
        found: dict[str, Violation] = {}
        ended: set[object] = set()
        while waiting:
            world = waiting.popleft()
            if world.quiet and (world.database, world.streams) not in ended:
                ended.add((world.database, world.streams))
                after, labels, run = steps.undisturbed(world, scenario.everything)
                if complaint := broken_at_the_end(after, run, scenario):
                    found.setdefault(complaint, _violation(scenario, complaint, trail, world, labels))
            for step in steps.after(world):
                taken += 1
                struck += step.befell
                if step.world in trail:
                    continue
                if complaint := broken_by(step, scenario):
                    found.setdefault(complaint, _violation(scenario, complaint, trail, world, (step.label,)))
                    continue
                trail[step.world] = (world, step.label)
                waiting.append(step.world)
        return Explored(states=len(trail), steps=taken, crash_points=struck, violations=tuple(found.values()))


def _violation(
    scenario: Scenario, complaint: str, trail: Trail, world: World, last: Iterable[str]
) -> Violation:
    labels = list(reversed(list(last)))
    at = trail[world]
    while at is not None:
        world, label = at
        labels.append(label)
        at = trail[world]
    return Violation(scenario=scenario.name, complaint=complaint, history=tuple(reversed(labels)))


def report(
    search: Search, clock: Clock, *, syncs: int = SYNCS, crashes: int = CRASHES, rivals: int = RIVALS
) -> Iterator[tuple[str, Explored]]:
    """Search every scenario: a text for each kind of twins, by all strategies, and one for all, with all so far."""
    began, total = clock.monotonic(), Explored()
    kinds: dict[str, list[Scenario]] = {}
    for scenario in scenarios(syncs, crashes, rivals):
        kinds.setdefault(scenario.kind, []).append(scenario)
    for kind, alike in kinds.items():
        explored = Explored()
        for scenario in alike:
            explored += search.explore(scenario)
        total += explored
        yield "\n".join([f"{kind}: {counts(explored)}", *map(str, explored.violations)]), total
    befell = f"catalogs that change, {crashes} crashes, {rivals} competing runs"
    yield f"{befell}: {counts(total)}, {duration(clock.monotonic() - began)}", total
