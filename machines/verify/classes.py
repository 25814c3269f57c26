"""The search over classes of databases: which of them, with which rules, in which scenarios. Judges nothing itself."""

from collections.abc import Iterator

from attrs import evolve, field, frozen

from dataflow.runtime.clock import Clock
from machines.formatting import duration
from machines.parts import Atomic
from machines.verify.decisions import Decisions
from machines.verify.rules import KINDS, Kind, Rule
from machines.verify.scenarios import Scenario, scenarios
from machines.verify.search import Explored, Search, Violation, counts
from machines.verify.transactions import Operations


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


def search_of(kind: Kind, *, crashes: int, rivals: int, flushes: int, strict: bool) -> Search:
    """The search over databases of a kind."""
    return Search(
        crashes=crashes,
        rivals=rivals,
        flushes=flushes,
        strict=strict,
        decisions=Decisions(atomic=kind.atomic),
        operations=Operations(kind),
    )


def report(asked: Asked, clock: Clock) -> Iterator[tuple[str, Explored]]:
    """Search, scenario by scenario and class by class: a text for each as it ends, with what was explored in it."""
    number = 0
    for kind in asked.kinds:
        began, total = clock.monotonic(), Explored()
        search = _search(kind, asked)
        for scenario in scenarios():
            number += 1
            if asked.scenario in scenario.name and (number - asked.seed) % asked.share == 0:
                explored = search.explore(scenario)
                total += explored
                shown = () if asked.limits else map(str, explored.violations)
                yield "\n".join([f"{kind.name}, {scenario.name}: {counts(explored)}", *shown]), explored
        took = duration(clock.monotonic() - began)
        text = f"class {kind.name}, {_befell(asked)}: {counts(total)}, {took}"
        if asked.limits:
            yield "\n".join([text, *map(str, shortest(total.violations))]), Explored()
        else:
            yield text, Explored()


def _search(kind: Kind, asked: Asked) -> Search:
    return search_of(
        evolve(kind, without=kind.without | asked.without),
        crashes=asked.crashes,
        rivals=asked.rivals,
        flushes=asked.flushes,
        strict=asked.limits or kind.atomic is Atomic.EVERYTHING or kind.ends_others,
    )


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
    return (each for each in scenarios() if scenario in each.name)
