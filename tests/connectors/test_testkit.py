"""The kit itself: no suite hides another's test, and what a capability leaves out is listed."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from connectors.testkit import ContractSuite

LIMITED = """
from connectors.testkit import Capabilities
from connectors.testkit.destination import Suite, needs

class TestLimited(Suite):
    capabilities = Capabilities(foreign_tables=False)

    @needs(foreign_tables=True)
    def test_left_out(self):
        raise AssertionError

    @needs(foreign_tables=False)
    def test_meant_for_it(self):
        pass

    def test_for_all(self):
        pass
"""


def test_no_two_suites_have_a_test_of_one_name() -> None:
    """One class inherits them all, so the second would never run."""
    own = [name for suite in ContractSuite.__mro__ for name in vars(suite) if name.startswith("test_")]

    assert {name: times for name, times in Counter(own).items() if times > 1} == {}


def test_a_test_that_needs_more_than_there_is_does_not_run_and_is_listed(tmp_path: Path) -> None:
    module = tmp_path / "test_limited.py"
    module.write_text(LIMITED)

    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "connectors.testkit.plugin",
            "--rootdir",
            tmp_path,
            module,
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )

    assert "2 passed, 1 deselected" in ran.stdout
    assert "TestLimited::test_left_out needs foreign_tables=True" in ran.stdout
