"""The search over classes of databases: which of them, with which rules, in which scenarios. Judges nothing itself.

Each scenario of each class is a search of its own, so that processes can share them out, and none searches a state
twice.
"""

from collections.abc import Iterator
from functools import lru_cache, partial
from itertools import groupby

from attrs import evolve, field, frozen

from dataflow.runtime.clock import Clock
from dataflow.runtime.processes import in_processes
from machines.formatting import count, duration
from machines.parts import Atomic
from machines.verify.coverage import coverage, missed
from machines.verify.decisions import Decisions
from machines.verify.loads import all_scenarios, scenarios_of
from machines.verify.rules import KINDS, Kind, Rule
from machines.verify.scenarios import Scenario
from machines.verify.search import Explored, Search, Violation, counts
from machines.verify.transactions import Operations

# A scenario of a kind of database: their places among all of them.
Task = tuple[int, int]


@frozen(kw_only=True)
class Asked:
    """What is to be searched. `scenario`: a part of the names of those that are wanted. `without`: rules to leave out.

    `limits`: look for what a class that does not end the statements of others cannot keep. `share`: how many shares the
    scenarios are dealt into; the one that `seed` falls on is searched, so as many seeds in a row search all.
    """

    kinds: tuple[Kind, ...] = field(factory=lambda: tuple(KINDS.values()))
    scenario: str = ""
    without: frozenset[Rule] = frozenset()
    limits: bool = False
    share: int = 1
    seed: int = 0
    crashes: int = 1
    rivals: int = 1
    flushes: int = 2

    @property
    def tasks(self) -> Iterator[Task]:
        """The scenarios of the share, kind by kind."""
        number = 0
        for kind in range(len(self.kinds)):
            for at, scenario in enumerate(scenarios_of(self.kinds[kind])):
                number += 1
                if self.scenario in scenario.name and (number - self.seed) % self.share == 0:
                    yield kind, at

    @property
    def is_whole(self) -> bool:
        """Whether all histories of its kinds are searched."""
        return not self.scenario and self.share == 1

    def has_limits(self, kind: Kind) -> bool:
        """Whether limits of this kind are looked for: it has some, unless it ends the statements of others."""
        return self.limits and kind.atomic is not Atomic.EVERYTHING and not kind.ends_others

    def search(self, kind: Kind) -> Search:
        """The search of one of its kinds."""
        return search_of(
            evolve(kind, without=kind.without | self.without),
            crashes=self.crashes,
            rivals=self.rivals,
            flushes=self.flushes,
            strict=self.limits or kind.atomic is Atomic.EVERYTHING or kind.ends_others,
        )


def search_of(kind: Kind, *, crashes: int, rivals: int, flushes: int, strict: bool) -> Search:
    """The search over databases of a kind."""
    # The machine decides by the class whether an append writes to temp.
    decides_by = kind.atomic if kind.keeps(Rule.APPEND_THROUGH_TEMP) else Atomic.EVERYTHING
    return Search(
        crashes=crashes,
        rivals=rivals,
        flushes=flushes,
        strict=strict,
        decisions=Decisions(atomic=decides_by),
        operations=Operations(kind),
    )


def report(asked: Asked, clock: Clock, jobs: int = 1) -> Iterator[tuple[str, Explored]]:
    """Search, scenario by scenario and class by class: a text for each as it ends, with what was explored in it.

    Each class's last text has its figures and what its histories met. `jobs`: how many processes work on it.
    """
    tasks = tuple(asked.tasks)
    explored_of = zip(tasks, in_processes(jobs, partial(_explore, asked), tasks), strict=True)
    for at, of_kind in groupby(explored_of, key=lambda each: each[0][0]):
        kind, began, total = asked.kinds[at], clock.monotonic(), Explored()
        names = [scenario.name for scenario in scenarios_of(kind)]
        for (_, scenario), explored in of_kind:
            total += explored
            line = f"{kind.name}, {names[scenario]}: {_counts(asked, kind, explored)}"
            yield "\n".join([line, *map(str, explored.violations)]), explored
        took = duration(clock.monotonic() - began)
        lines = [f"class {kind.name}, {_befell(asked)}: {_counts(asked, kind, total)}, {took}"]
        arrows = asked.search(kind).decisions.arrows
        lines += coverage(total.met, arrows)
        if asked.is_whole:
            lines += missed(total.met, arrows)
        lines += [f"limit {each.limit}, {each}" for each in shortest(total.limits)]
        yield "\n".join(lines), Explored()


def _explore(asked: Asked, task: Task) -> Explored:
    number, at = task
    explored = _search(asked, number).explore(list(scenarios_of(asked.kinds[number]))[at])
    if not asked.has_limits(asked.kinds[number]):
        return explored
    limits = tuple(each for each in explored.violations if each.limit)
    broken = tuple(each for each in explored.violations if not each.limit)
    return evolve(explored, violations=broken, limits=limits)


def _counts(asked: Asked, kind: Kind, of: Explored) -> str:
    """What was explored, in figures; histories of limits are counted apart from violations."""
    if not asked.has_limits(kind):
        return counts(of)
    return f"{counts(of)}, {count(len(of.limits))} histories of limits"


@lru_cache(maxsize=1)
def _search(asked: Asked, kind: int) -> Search:
    """One search for all scenarios of a kind, so that it remembers what runs may come to."""
    return asked.search(asked.kinds[kind])


def shortest(violations: tuple[Violation, ...]) -> list[Violation]:
    """The shortest history of each kind of complaint."""
    found: dict[str, Violation] = {}
    for each in sorted(violations, key=lambda one: len(one.history)):
        found.setdefault(each.complaint, each)
    return list(found.values())


def _befell(asked: Asked) -> str:
    return (
        f"{asked.crashes} crashes or errors, {asked.rivals} competing runs, {asked.flushes} flushes at work"
    )


def of_names(scenario: str) -> Iterator[Scenario]:
    """The scenarios whose names have that in them."""
    return (each for each in all_scenarios() if scenario in each.name)
