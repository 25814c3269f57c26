"""The figures of the proof, as docs/guarantees.md has them, are what the search and the crashes are."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dataflow.runtime import SYSTEM
from machines.verify.classes import Asked, report
from machines.verify.rules import KINDS
from tests.connectors.simulation.faulty import FAULTS as PLANTED
from tests.crash.scenarios import SCENARIOS
from tests.crash.test_matrix import POINTS
from tests.docs.pages import ROOT
from tests.machines.verify.faulty import FAULTS
from tests.machines.verify.faulty_names import NAME_FAULTS
from tests.starting import installed

PAGE = (ROOT / "docs" / "guarantees.md").read_text()


def test_every_fault_that_the_search_must_find_is_named() -> None:
    assert set(re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE)) == {*FAULTS, *NAME_FAULTS, *PLANTED}


def test_the_crashes_strike_at_as_many_places_as_the_page_says() -> None:
    assert f"It strikes at {len(POINTS)} places, on all {len(SCENARIOS)} ways" in PAGE


@pytest.mark.campaign
def test_the_search_prints_what_the_page_shows() -> None:
    (shown,) = re.findall(r"^```text\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    verify = [str(Path(sys.executable).with_name("dataflow")), "verify"]

    printed = subprocess.run(verify, capture_output=True, text=True, check=True, env=installed()).stdout

    assert untimed(printed) == untimed(shown)


@pytest.mark.campaign
@pytest.mark.parametrize("of", "ABCD")
def test_the_search_of_each_class_has_as_many_states_as_the_page_says(of: str) -> None:
    explored = [each for _, each in report(Asked(kinds=(KINDS[of],)), SYSTEM.clock)]

    assert f"| {of} | {sum(each.states for each in explored):,} |" in PAGE


def untimed(lines: str) -> str:
    """The lines without how long the search took."""
    return re.sub(r", [\d. hms]+$", "", lines.strip(), flags=re.MULTILINE)
