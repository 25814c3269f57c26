"""The search with loads: it finds nothing in our machine, and finds each guard of a load that is broken on purpose."""

from collections.abc import Iterator

import pytest
from attrs import evolve

from dataflow.runtime import SYSTEM
from machines.lifecycle import GIVEN_UP, LEFT_OPEN
from machines.operations import Recipe, StreamOperation
from machines.stream import StreamLife
from machines.verify.classes import Asked, report, search_of
from machines.verify.loads import LOADING, loads, scenarios_of
from machines.verify.rules import KINDS as CLASSES
from machines.verify.rules import Rule
from machines.verify.search import Explored, Search
from tests.machines.verify.test_verify import BROKEN_IN_A_LOAD


def searched(search: Search, name: str) -> Iterator[Explored]:
    return (search.explore(scenario) for scenario in loads() if name in scenario.name)


def found(search: Search, name: str = "") -> str:
    """The first violation in a scenario of that name, the shortest of it; empty if there is none."""
    for explored in searched(search, name):
        if explored.violations:
            return str(min(explored.violations, key=lambda violation: len(violation.history)))
    return ""


def search_in(of: str, *, rivals: int = 0, without: frozenset[Rule] = frozenset()) -> Search:
    kind = evolve(CLASSES[of], without=without)
    return search_of(kind, crashes=1, rivals=rivals, flushes=1, strict=of == "A")


@pytest.mark.parametrize(
    ("of", "rivals", "name"),
    [
        ("A", 0, "load"),
        ("A", 1, "append, then"),
        ("A", 1, "append_truncate, then more"),
        ("B", 1, "somebody"),
    ],
)
def test_no_history_of_a_load_breaks_a_law(of: str, rivals: int, name: str) -> None:
    assert found(search_in(of, rivals=rivals), name) == ""


@pytest.mark.campaign
@pytest.mark.parametrize("of", "AB")
def test_no_history_of_a_load_with_a_crash_and_a_competing_run_breaks_a_law(of: str) -> None:
    found = [explored for _, explored in report(Asked(kinds=(CLASSES[of],), scenario="load"), SYSTEM.clock)]

    assert [each for explored in found for each in explored.violations] == []


def test_the_search_meets_each_end_of_a_load() -> None:
    """What it never came to would break no law."""
    search = search_in("A", rivals=1)

    met = {arrow for explored in searched(search, "append, then more") for arrow in explored.met}

    for source, target in (("writing", LEFT_OPEN), ("giving_up", GIVEN_UP), ("inspecting", GIVEN_UP)):
        assert any(arrow.startswith(source) and arrow.endswith(target) for arrow in met)
    assert "inspecting --succeeded--> done" in met


@pytest.mark.parametrize(("guard", "always"), sorted(BROKEN_IN_A_LOAD))
def test_a_broken_guard_of_a_load_is_found(monkeypatch: pytest.MonkeyPatch, guard: str, always: bool) -> None:
    monkeypatch.setattr(StreamLife, guard, property(lambda _: always))

    assert "law" in found(search_in("A", rivals=1), "append where")


def test_a_load_of_files_that_another_has_published_is_found() -> None:
    class Overlooks(StreamLife):
        """It goes on although another load has brought its files since."""

        @property
        def files_were_loaded_since(self) -> bool:
            return False

    search = search_in("A", rivals=1)
    search.decisions._life = Overlooks

    assert "is there twice" in found(search, "append, then more")


def test_a_load_that_goes_straight_to_the_final_table_is_found() -> None:
    class Straight(StreamLife):
        """An append that writes to the final table, also where it is a load."""

        @property
        def writes_to_temp(self) -> bool:
            return self.recipe.strategy is not self.recipe.strategy.APPEND

    search = search_in("A")
    search.decisions._life = Straight

    assert "law" in found(search, "append where")


def test_a_load_whose_empty_temp_table_is_dropped_is_found() -> None:
    class Tidy(StreamLife):
        """It drops an empty temp table, also where workers may write to it."""

        @property
        def temp_disposable(self) -> bool:
            return self._temp is not None and self._temp.empty

    search = search_in("A")
    search.decisions._life = Tidy

    assert "an open load was dropped" in found(search, "append where")


def test_a_sync_that_goes_on_with_a_loads_temp_table_is_found() -> None:
    """The claim's refusal alone would do: no sync then sees such a table."""

    class Alike(StreamLife):
        """It asks for the rest of a recipe, and not for the load."""

        @property
        def recipe(self) -> Recipe:
            return evolve(super().recipe, load=None)

        @property
        def temp_continues(self) -> bool:
            temp = self._temp
            of = temp.recipe if temp is not None else None
            return of is not None and evolve(of, load=None) == self.recipe

    search = search_in("A", without=frozenset({Rule.KEEP_OTHERS_OUT}))
    search.decisions._life = Alike

    assert "law" in found(search, "dedup, then a sync")


@pytest.mark.parametrize("of", "CD")
def test_loads_are_searched_where_one_commit_holds_rows_and_the_ledger(of: str) -> None:
    assert CLASSES[of].atomic not in LOADING
    assert not any(scenario.loads for scenario in scenarios_of(CLASSES[of]))


def test_a_load_is_claimed_once_more_where_a_publication_may_be_cut_in_two() -> None:
    """In class A a load without new files claims nothing, and no operation is asked for."""
    (of_a,) = searched(search_in("A"), "append where")
    (of_b,) = searched(search_in("B"), "append where")

    done = f"{StreamOperation.INSPECT.value}ing --succeeded--> done"
    assert done not in of_a.met
    assert done in of_b.met
