"""The search finds nothing in the protocol on a database of any class, and finds each rule of it that is left out."""

import pytest
from attrs import evolve, frozen

from dataflow.runtime import SYSTEM
from machines.verify.classes import Asked, of_names, report, search_of, shortest
from machines.verify.loads import scenarios_of
from machines.verify.rules import KINDS as CLASSES
from machines.verify.rules import MEANING, Kind, Rule
from machines.verify.scenarios import scenarios


@frozen
class Without:
    """A rule that is left out, the class that needs it, and where that shows.

    `twin` is left out with it, where late statements are ended: they would find an append into the final table alone.
    """

    rule: Rule
    of: str
    scenario: str
    law: str
    crashes: int = 1
    rivals: int = 0
    flushes: int = 1
    twin: Rule | None = None

    @property
    def kind(self) -> Kind:
        """The database of the class without the rule."""
        without = frozenset({self.rule, self.twin or self.rule})
        return evolve(CLASSES[self.of], ends_others=self.twin is not None, without=without)


FOUND = [
    Without(Rule.DECIDE_TO_REPLACE, "B", "append_truncate into no table", "law 1"),
    Without(Rule.DECIDE_TO_REPLACE, "C", "append_truncate, then another", "law 3"),
    Without(Rule.DECIDE_TO_REPLACE, "D", "append_truncate, then another", "law 3"),
    Without(Rule.DECIDE_TO_ADD, "D", "dedup, then more of it", "law 1"),
    Without(Rule.DECIDE_BEFORE_DEDUPE, "C", "dedup_truncate, then another", "law 1"),
    Without(Rule.DECIDE_BEFORE_DEDUPE, "D", "dedup_truncate, then another", "law 1"),
    Without(Rule.COMPLETE_WHAT_WAS_BEGUN, "B", "append_truncate into no table", "law 1"),
    Without(Rule.COMPLETE_WHAT_WAS_BEGUN, "C", "append_truncate into no table", "law 1"),
    Without(Rule.COMPLETE_WHAT_WAS_BEGUN, "D", "append_truncate into no table", "law 1"),
    Without(Rule.FORGET_BEFORE_DROPPING, "B", "dedup into no table", "law 3"),
    Without(Rule.FORGET_BEFORE_DROPPING, "C", "dedup into no table", "law 3"),
    Without(Rule.SWEEP_WHAT_IS_UNNAMED, "B", "dedup into no table", "law 4"),
    Without(Rule.KEEP_WHAT_IS_PUBLISHED, "B", "append_truncate of no records", "law 3"),
    Without(Rule.KEEP_WHAT_IS_PUBLISHED, "C", "append_truncate of no records", "law 3"),
    Without(Rule.FIT_TEMP, "B", "append_truncate, then with another column", "law 3", crashes=2),
    Without(Rule.USE_A_NAME_ONCE, "B", "append_truncate, then another", "law 1"),
    Without(Rule.RENEW_NAMES, "C", "dedup into no table", "law 5"),
    Without(Rule.FENCE, "B", "append into no table", "law 5", crashes=0, rivals=1),
    Without(Rule.FENCE, "D", "dedup into no table", "law 1", rivals=1),
    Without(Rule.LOOK_FOR_ROWS, "C", "append into no table", "law 3"),
    Without(Rule.COPY_WHAT_IS_MISSING, "C", "append into no table", "law 3"),
    Without(Rule.MARK_WHAT_IS_PUBLISHED, "C", "append_truncate, then another", "law 2"),
    Without(Rule.STOP_AT_THE_GAP, "B", "append_truncate into no table", "law 4", flushes=2),
    Without(Rule.STOP_AT_THE_GAP, "C", "append_truncate into no table", "law 4", flushes=2),
    Without(Rule.STOP_AT_THE_GAP, "D", "append_truncate into no table", "law 4", flushes=2),
    Without(Rule.APPEND_THROUGH_TEMP, "C", "append into no table", "law 3"),
    Without(Rule.RESERVE_IDS, "C", "append into no table", "law 3", twin=Rule.APPEND_THROUGH_TEMP),
    Without(Rule.CREATE_BEFORE_NAMING, "B", "dedup, then another", "law 4", twin=Rule.NOTE_WHERE_ROWS_GO),
    Without(Rule.CREATE_BEFORE_NAMING, "D", "dedup, then another", "law 4", twin=Rule.NOTE_WHERE_ROWS_GO),
    *(
        Without(rule, of, f"a load by append{scenario}", law)
        for of in "AB"
        for rule, scenario, law in (
            (Rule.KEEP_OTHERS_OUT, ", then a sync", "law 1"),
            (Rule.LOOK_AT_THE_LOAD, ", then a sync", "law 2"),
            (Rule.FORGET_THE_SHARDS, " where", "law 4"),
            (Rule.ROWS_WITH_THEIR_SHARD, " where", "law 3"),
            (Rule.KEEP_A_LOADS_ROWS, " where", "law 1"),
            (Rule.COUNT_THE_SHARDS, " where", "law 1"),
            (Rule.OPEN_SHARDS_ONCE, ", then a sync", "law 3"),
            (Rule.RESERVE_SHARDS_IDS, ", then a sync", "law 1"),
        )
    ),
    # In class A one commit holds the decision and the end.
    Without(Rule.FILES_WITH_THE_DECISION, "B", "a load by append where", "law 3"),
    Without(Rule.CLAIM_FOR_NOTHING, "B", "a load by append where", "law 3"),
    Without(Rule.FILES_AFTER_THE_CLAIM, "A", "a load by append where", "law 3", rivals=1),
]
# Each of two rules makes up for the other. Rows that no flush row counts wait in temp alone, where they are cut before
# their raw ids are given again; and a table that was named and not made is forgotten when rows go to another.
TWINS = {
    Rule.RESERVE_IDS: Rule.APPEND_THROUGH_TEMP,
    Rule.CREATE_BEFORE_NAMING: Rule.NOTE_WHERE_ROWS_GO,
}


@pytest.mark.parametrize("of", "BCD")
def test_no_history_of_a_crash_breaks_a_law_in_a_class(of: str) -> None:
    asked = Asked(kinds=(CLASSES[of],), crashes=1, rivals=0, flushes=1)

    found = [explored for _, explored in report(asked, SYSTEM.clock)]

    assert [each for explored in found for each in explored.violations] == []
    assert sum(explored.crash_points for explored in found) > 5000


@pytest.mark.parametrize("of", "ABCD")
def test_no_history_of_two_flushes_at_work_and_a_competing_run_breaks_a_law(of: str) -> None:
    asked = Asked(kinds=(CLASSES[of],), scenario="append_truncate, then more of it", flushes=2)

    found = [explored for _, explored in report(asked, SYSTEM.clock)]

    assert [each for explored in found for each in explored.violations] == []


@pytest.mark.campaign
@pytest.mark.parametrize("of", "ABCD")
def test_no_history_of_a_crash_and_a_competing_run_breaks_a_law_in_a_class(of: str) -> None:
    found = [explored for _, explored in report(Asked(kinds=(CLASSES[of],)), SYSTEM.clock)]

    assert [each for explored in found for each in explored.violations] == []


@pytest.mark.parametrize("left_out", FOUND, ids=lambda of: f"{of.rule} in {of.of}")
def test_a_rule_that_is_left_out_is_found(left_out: Without) -> None:
    search = search_of(
        left_out.kind,
        crashes=left_out.crashes,
        rivals=left_out.rivals,
        flushes=left_out.flushes,
        strict=False,
    )

    found = [each for named in of_names(left_out.scenario) for each in search.explore(named).violations]

    assert any(each.complaint.startswith(left_out.law) for each in found)


def test_each_rule_that_is_left_out_is_found_alone_or_with_its_twin() -> None:
    alone = {each.rule for each in FOUND if each.twin is None}
    with_twin = {(each.rule, each.twin) for each in FOUND if each.twin is not None}

    assert with_twin == set(TWINS.items())
    assert alone | {*TWINS, *TWINS.values()} == set(Rule) == set(MEANING)


@pytest.mark.parametrize(
    ("rule", "of"),
    [
        (Rule.RESERVE_IDS, "C"),
        (Rule.APPEND_THROUGH_TEMP, "C"),
        (Rule.CREATE_BEFORE_NAMING, "B"),
        (Rule.NOTE_WHERE_ROWS_GO, "B"),
        (Rule.CREATE_BEFORE_NAMING, "D"),
        (Rule.NOTE_WHERE_ROWS_GO, "D"),
    ],
)
def test_a_rule_is_not_missed_as_long_as_its_twin_is_kept(rule: Rule, of: str) -> None:
    kind = evolve(CLASSES[of], ends_others=True, without=frozenset({rule}))
    search = search_of(kind, crashes=1, rivals=0, flushes=1, strict=True)

    found = [each for named in scenarios() for each in search.explore(named).violations]

    assert found == []


@pytest.mark.parametrize("of", "BCD")
def test_a_late_statement_leaves_an_empty_table_or_other_columns_and_nothing_else(of: str) -> None:
    search = search_of(CLASSES[of], crashes=1, rivals=0, flushes=1, strict=True)
    names = ("append into no table", "dedup into no table", "append_truncate of no records")

    found = [each for name in names for named in of_names(name) for each in search.explore(named).violations]

    limits = ("late statement has left an empty table", "late statement changed the columns")
    assert found != []
    assert [each for each in found if not any(limit in each.complaint for limit in limits)] == []


@pytest.mark.parametrize("of", "BCD")
def test_a_database_that_ends_the_statements_of_others_has_no_limit(of: str) -> None:
    kind = evolve(CLASSES[of], ends_others=True)
    search = search_of(kind, crashes=1, rivals=0, flushes=1, strict=True)

    found = [each for named in of_names("into no table") for each in search.explore(named).violations]

    assert found == []


@pytest.mark.campaign
@pytest.mark.parametrize("of", "BCD")
def test_a_database_that_ends_the_statements_of_others_has_no_limit_in_any_scenario(of: str) -> None:
    asked = Asked(kinds=(evolve(CLASSES[of], ends_others=True),))

    found = [explored for _, explored in report(asked, SYSTEM.clock)]

    assert [each for explored in found for each in explored.violations] == []


def test_several_processes_find_what_one_finds() -> None:
    asked = Asked(kinds=(CLASSES["A"], CLASSES["D"]), scenario="into no table", rivals=0, flushes=1)

    one, two = (list(report(asked, SYSTEM.clock, jobs)) for jobs in (1, 2))

    assert [explored.states for _, explored in one] == [explored.states for _, explored in two]
    assert [text.split(",")[0] for text, _ in one] == [text.split(",")[0] for text, _ in two]


def test_the_figures_of_a_whole_search_say_which_arrows_and_disturbances_no_history_met() -> None:
    asked = Asked(kinds=(CLASSES["B"],), crashes=0, rivals=1, flushes=1)

    *_, (text, _) = report(asked, SYSTEM.clock)

    assert "arrows: " in text
    assert "never met, of the arrows: writing --errored--> " in text
    assert "never met, of the kinds of disturbance: killed before it\n" in text
    assert "never met, of the kinds of disturbance: falls silent, and another starts" not in text


def test_the_figures_of_one_scenario_name_nothing_that_others_may_meet() -> None:
    asked = Asked(kinds=(CLASSES["B"],), scenario="append into no table", crashes=0, rivals=0, flushes=1)

    *_, (text, _) = report(asked, SYSTEM.clock)

    assert "arrows: " in text
    assert "never met" not in text


def test_shares_of_as_many_seeds_in_a_row_are_all_scenarios() -> None:
    def searched(share: int, seed: int) -> set[str]:
        asked = Asked(kinds=(CLASSES["A"],), crashes=0, rivals=0, flushes=1, share=share, seed=seed)
        return {text.split(":")[0] for text, explored in report(asked, SYSTEM.clock) if explored.states}

    shares = [searched(3, seed) for seed in range(7, 10)]

    assert sum(map(len, shares)) == len(set.union(*shares)) == len(list(scenarios_of(CLASSES["A"])))


def test_a_broken_law_that_is_no_limit_is_a_violation_among_the_limits_too() -> None:
    without = frozenset({Rule.DECIDE_TO_REPLACE})
    asked = Asked(
        kinds=(CLASSES["B"],), scenario="append_truncate into", limits=True, without=without, rivals=0
    )

    found = [explored for _, explored in report(asked, SYSTEM.clock)]

    assert [each.complaint for explored in found for each in explored.violations if each.limit] == []
    assert any(explored.violations for explored in found)
    assert any(explored.limits for explored in found)


@pytest.mark.parametrize("of", "BD")
def test_two_unanswered_statements_of_one_run_break_no_law(of: str) -> None:
    asked = Asked(
        kinds=(CLASSES[of],), scenario="append_truncate into no table", crashes=2, rivals=1, flushes=1
    )

    (_, explored), _ = report(asked, SYSTEM.clock)

    assert explored.violations == ()


def test_the_limits_are_shown_with_their_shortest_histories() -> None:
    asked = Asked(kinds=(CLASSES["B"],), scenario="dedup into no table", limits=True, rivals=0, flushes=1)

    *_, (text, _) = report(asked, SYSTEM.clock)

    assert "limit (a), dedup into no table: law 4, nothing is left behind: a late statement has left" in text
    assert "0 violations, 2 histories of limits" in text
    assert "what was still at work takes effect: create_temp" in text
    assert shortest(()) == []
