"""The kit itself: no suite hides another's test, and what a capability leaves out is listed."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from connectors.testkit import BasicFunctionalitySuite, ContractSuite

# Upstream's end-to-end suite, test by test.
UPSTREAM = [
    "testOutOfOrderStateMessages",
    "testStateMessageBeforeRecords",
    "testStreamStateTypes",
    "testCDCStateTypes",
    "testBasicWrite",
    "testBasicWriteFile",
    "testMidSyncCheckpointingStreamState",
    "testNamespaces",
    "testFunkyCharacters",
    "testFunkyCharactersDedup",
    "testTruncateRefresh",
    "testTruncateRefreshChangeSyncMode",
    "testInterruptedTruncateWithPriorData",
    "testInterruptedTruncateWithoutPriorData",
    "resumeAfterCancelledTruncate",
    "testAppend",
    "testAppendSchemaEvolution",
    "testAppendJsonSchemaEvolution",
    "testOverwriteSchemaEvolution",
    "testDedup",
    "testDedupWithStringKey",
    "testDedupNoCursor",
    "testDedupChangeCursor",
    "testDedupChangePk",
    "testManyStreamsCompletion",
    "testBasicTypes",
    "testNumericTypes",
    "testContainerTypes",
    "testUnknownTypes",
    "testUnions",
    "testCoerceLegacyUnions",
    "testNoColumns",
    "testNoData",
    "testTruncateRefreshNoData",
    "testClear",
]
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


def test_every_test_of_upstreams_end_to_end_suite_has_one_of_ours_that_claims_it() -> None:
    tests = [each for name in dir(BasicFunctionalitySuite) if (each := _test(name))]
    claimed = Counter(name for test in tests for name in _claims(test))

    assert claimed == dict.fromkeys(UPSTREAM, 1)


def test_whoever_claims_an_upstream_test_says_first_what_it_defends() -> None:
    silent = [
        test.__name__
        for name in dir(BasicFunctionalitySuite)
        if (test := _test(name)) and _claims(test) and (test.__doc__ or "").startswith("Upstream")
    ]

    assert silent == []


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


def _test(name: str) -> Callable[..., Any] | None:
    return getattr(BasicFunctionalitySuite, name) if name.startswith("test_") else None


def _claims(test: Callable[..., Any]) -> list[str]:
    """The names after "Upstream:" in its docstring."""
    _, _, said = (test.__doc__ or "").partition("Upstream:")
    return re.findall(r"test[A-Z]\w+|resumeAfter\w+", said)
