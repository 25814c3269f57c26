"""The search itself, breadth first, and its report: what was explored, and for a broken law the shortest history."""

import gc
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from attrs import field, frozen

from dataflow.runtime.clock import Clock
from machines.formatting import count, duration
from machines.verify.decisions import Decisions
from machines.verify.laws import LIMITS, Laws
from machines.verify.moves import Moves
from machines.verify.scenarios import Scenario, scenarios
from machines.verify.steps import Step, Steps
from machines.verify.transactions import Operations
from machines.verify.world import World


@frozen(kw_only=True)
class Violation:
    """A law that was broken, and the shortest history that breaks it."""

    scenario: str
    complaint: str
    history: tuple[str, ...]

    @property
    def limit(self) -> str:
        """The known limit that the history shows, as docs/guarantees.md names it; empty if it shows none."""
        return next((name for text, name in LIMITS.items() if self.complaint.endswith(text)), "")

    def __str__(self) -> str:
        steps = "\n".join(f"  {number:2}. {label}" for number, label in enumerate(self.history, 1))
        return f"{self.scenario}: {self.complaint}\n{steps}"


@frozen(kw_only=True)
class Explored:
    """What a search went through. A crash point is a step in which something befell a run.

    `limits` are histories of what such a database is known not to keep; they are no violations. `met` are the arrows
    that were taken, and the ways in which runs were disturbed.
    """

    states: int = 0
    steps: int = 0
    crash_points: int = 0
    violations: tuple[Violation, ...] = ()
    limits: tuple[Violation, ...] = ()
    met: frozenset[str] = frozenset()

    def __add__(self, other: "Explored") -> "Explored":
        return Explored(
            states=self.states + other.states,
            steps=self.steps + other.steps,
            crash_points=self.crash_points + other.crash_points,
            violations=self.violations + other.violations,
            limits=self.limits + other.limits,
            met=self.met | other.met,
        )


# A world's predecessor, and what led from it.
Trail = dict[World, tuple[World, str] | None]


@frozen(kw_only=True)
class Search:
    """How a search is done: with which machine and database, and what may befall a history.

    `crashes`: how many crashes and errors; `rivals`: how many runs are started while another lives.
    """

    crashes: int = 2
    rivals: int = 1
    decisions: Decisions = field(factory=Decisions)
    operations: Operations = field(factory=Operations)
    moves: Callable[[Decisions, Operations, int], Moves] = Moves
    steps: Callable[[Scenario, Moves], Steps] = Steps
    flushes: int = 1
    strict: bool = True
    # What runs may come to is remembered from scenario to scenario.
    _moves: Moves = field(init=False, eq=False, repr=False)

    @_moves.default
    def _made(self) -> Moves:
        return self.moves(self.decisions, self.operations, self.flushes)

    def explore(self, scenario: Scenario) -> Explored:
        """Every world that can be reached. The search does not go on beyond a broken law, and keeps each kind once."""
        steps = self.steps(scenario, self._moves)
        laws = Laws(scenario, strict=self.strict, flushes=self.flushes)
        with _nothing_collected():
            return self._explored(scenario, steps, laws)

    def _explored(self, scenario: Scenario, steps: Steps, laws: Laws) -> Explored:
        first = steps.platform.first(self.crashes, self.rivals)
        trail: Trail = {first: None}
        waiting = deque([first])
        taken = struck = 0
        found: dict[str, Violation] = {}
        while waiting:
            world = waiting.popleft()
            for step in steps.after(world):
                taken += 1
                struck += bool(step.befell)
                seen = step.world in trail
                # A law may forbid the step to a world that is reached by others, too.
                if complaint := laws.broken(world, step, seen=seen):
                    found.setdefault(complaint, _violation(scenario, complaint, trail, world, step))
                    continue
                if seen:
                    continue
                trail[step.world] = (world, step.label)
                waiting.append(step.world)
        return Explored(
            states=len(trail),
            steps=taken,
            crash_points=struck,
            violations=tuple(found.values()),
            met=frozenset(self.decisions.met | self._moves.met),
        )


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """A search keeps the millions of values that it makes. To look for garbage there would take a third of its time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _violation(scenario: Scenario, complaint: str, trail: Trail, world: World, step: Step) -> Violation:
    labels = [step.label]
    at = trail[world]
    while at is not None:
        world, label = at
        labels.append(label)
        at = trail[world]
    return Violation(scenario=scenario.name, complaint=complaint, history=tuple(reversed(labels)))


def report(search: Search, clock: Clock) -> Iterator[tuple[str, Explored]]:
    """Search every scenario: a text for each as it ends, and one for them all, each with all explored so far."""
    began, total = clock.monotonic(), Explored()
    for scenario in scenarios():
        explored = search.explore(scenario)
        total += explored
        yield "\n".join([f"{scenario.name}: {counts(explored)}", *map(str, explored.violations)]), total
    befell = f"{search.crashes} crashes or errors, {search.rivals} competing runs"
    yield f"{befell}: {counts(total)}, {duration(clock.monotonic() - began)}", total


def counts(of: Explored) -> str:
    """What was explored, in figures."""
    return f"{count(of.states)} states, {count(of.crash_points)} crash points, {count(len(of.violations))} violations"
