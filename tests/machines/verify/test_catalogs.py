"""The search over catalogs finds nothing in our rules of names, and finds every rule that is broken on purpose."""

import pytest

from dataflow.runtime import SYSTEM
from machines.verify.catalogs.scenarios import Scenario, scenarios
from machines.verify.catalogs.search import Search, report
from machines.verify.catalogs.transactions import Operations
from machines.verify.search import Explored
from tests.machines.verify.faulty_names import NAME_FAULTS


def _named(name: str) -> Scenario:
    return next(scenario for scenario in scenarios() if scenario.name == name)


def test_no_history_of_catalogs_that_change_and_a_crash_breaks_a_law() -> None:
    *_, (text, explored) = report(Search(), SYSTEM.clock, syncs=1, crashes=1, rivals=0)

    assert explored.violations == ()
    assert explored.crash_points > 5_000
    assert "0 violations" in text


@pytest.mark.campaign
def test_no_history_of_longer_changes_of_catalogs_breaks_a_law() -> None:
    *_, (_, explored) = report(Search(), SYSTEM.clock, syncs=3, crashes=2, rivals=1)

    assert explored.violations == ()


@pytest.mark.parametrize("fault", NAME_FAULTS)
def test_a_seeded_fault_of_names_is_found(fault: str) -> None:
    of = NAME_FAULTS[fault]

    found = Search(names=of.names).explore(_named(of.scenario))

    assert any(each.complaint.startswith(of.law) for each in found.violations)


def test_a_temp_table_that_is_looked_for_by_todays_name_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """An earlier version chose another name for it, which the ledger has."""
    monkeypatch.setattr(Operations, "_temp", lambda _, entry, by: by.tables.temp)

    found = Search().explore(_named("dedup, begun by an earlier version"))

    assert found.violations != ()


@pytest.mark.parametrize(
    "scenario",
    sorted(
        {each.scenario for each in NAME_FAULTS.values()}
        | {"dedup, one named like another's temp table", "dedup, begun by an earlier version"}
    ),
)
def test_the_same_scenario_without_the_fault_breaks_no_law(scenario: str) -> None:
    found: Explored = Search().explore(_named(scenario))

    assert found.violations == ()
