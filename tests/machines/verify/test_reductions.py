"""What the search leaves out changes nothing of what it finds: it is held to searches that leave out less."""

from collections import deque
from collections.abc import Iterator

import pytest
from attrs import evolve, frozen

from machines.verify import statements
from machines.verify.classes import of_names, search_of
from machines.verify.database import Database
from machines.verify.moves import Moves
from machines.verify.outcomes import Move
from machines.verify.rules import KINDS as CLASSES
from machines.verify.rules import Rule
from machines.verify.search import Search
from machines.verify.steps import Steps
from machines.verify.transactions import Commit
from machines.verify.works import Work
from machines.verify.world import RUN, Run, World

# Small scenarios in which each class needs the rule, and one each in which nothing is left out.
CASES = [
    ("A", "dedup into no table", None),
    ("B", "append into no table", None),
    ("C", "append into no table", None),
    ("D", "dedup into no table", None),
    ("A", "append_truncate into no table", Rule.STOP_AT_THE_GAP),
    ("B", "append_truncate into no table", Rule.STOP_AT_THE_GAP),
    ("B", "dedup into no table", Rule.FORGET_BEFORE_DROPPING),
    ("B", "append_truncate into no table", Rule.USE_A_NAME_ONCE),
    ("C", "dedup into no table", Rule.RENEW_NAMES),
    ("C", "append into no table", Rule.LOOK_FOR_ROWS),
    ("D", "append_truncate into no table", Rule.STOP_AT_THE_GAP),
    ("D", "dedup into no table", Rule.FENCE),
]


def searched(of: str, without: Rule | None) -> Search:
    """One crash, two flushes at work, and every limit of the class is a violation."""
    kind = evolve(CLASSES[of], without=frozenset({without} if without is not None else ()))
    return search_of(kind, crashes=1, rivals=0, flushes=2, strict=True)


@frozen
class Found:
    """What a search says of one scenario."""

    states: int
    complaints: frozenset[str]


def found(search: Search, scenario: str) -> Found:
    """What is found in the scenario of this name."""
    (named,) = (each for each in of_names(scenario) if each.name == scenario)
    explored = search.explore(named)
    return Found(explored.states, frozenset(each.complaint for each in explored.violations))


class InAnyOrder(Steps):
    """Flushes are cut in every way and commit in every order, whether anything can come between them or not."""

    def _comes_between(self, world: World, slot: str) -> bool:
        return True


@pytest.mark.parametrize(("of", "scenario", "without"), CASES)
def test_flushes_in_any_order_break_the_same_laws_where_nothing_comes_between_them(
    of: str, scenario: str, without: Rule | None
) -> None:
    reduced = found(searched(of, without), scenario)
    whole = found(evolve(searched(of, without), steps=InAnyOrder), scenario)

    assert reduced.complaints == whole.complaints
    assert reduced.states < whole.states


@pytest.mark.parametrize(("of", "scenario", "without"), [case for case in CASES if case[0] != "A"])
def test_late_statements_that_are_distinguished_by_more_than_they_do_break_the_same_laws(
    monkeypatch: pytest.MonkeyPatch, of: str, scenario: str, without: Rule | None
) -> None:
    reduced = found(searched(of, without), scenario)
    monkeypatch.setattr(statements, "SAYING_ALL", frozenset())

    whole = found(searched(of, without), scenario)

    assert reduced.complaints == whole.complaints
    assert reduced.states <= whole.states


class LeavesEachFlush(Moves):
    """A run that is killed, or gives up, leaves the statements of all its flushes at work."""

    def _at_work(self, name: str, database: Database, run: Run, work: Work, commit: Commit) -> Iterator[Move]:
        yield from super()._at_work(name, database, run, work, commit)
        left: Database | None = database
        for sent in self.sent(database, run):
            left = self.statements.left(left, sent) if left is not None else None
        if left is not None and len(left.at_work) > 1:
            struck_at, errored = work.request.operation, self.works.errored(RUN, run)
            yield Move(f"{name}: killed, all still at work", left, None, befell=struck_at)
            yield Move(f"{name}: given up, all still at work", left, errored, befell=struck_at)


@pytest.mark.parametrize(("of", "scenario", "without"), CASES)
def test_all_statements_of_a_run_that_is_struck_break_the_same_laws_as_one_of_them(
    of: str, scenario: str, without: Rule | None
) -> None:
    one = found(searched(of, without), scenario)
    all_of_them = found(evolve(searched(of, without), moves=LeavesEachFlush), scenario)

    assert one.complaints == all_of_them.complaints


@pytest.mark.parametrize("of", "BC")
def test_two_runs_leave_a_statement_at_work_each(of: str) -> None:
    search = search_of(CLASSES[of], crashes=1, rivals=1, flushes=1, strict=False)
    (scenario,) = (each for each in of_names("append into no table") if each.name == "append into no table")
    steps = Steps(scenario, Moves(search.decisions, search.operations))
    first = steps.platform.first(1, 1)

    seen, waiting, most = {first}, deque([first]), 0
    while waiting and most < 2:
        for step in steps.after(waiting.popleft()):
            most = max(most, len(step.world.database.at_work))
            if step.world not in seen:
                seen.add(step.world)
                waiting.append(step.world)

    assert most == 2
