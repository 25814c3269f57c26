"""The kit: no suite hides a test of another, the simplest runs first, and what a capability leaves out is listed."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.testkit import (
    BasicFunctionalitySuite,
    ContractSuite,
    JournalTableSuite,
    LedgerSuite,
    LockSuite,
    MergeSuite,
    SchemaEvolutionSuite,
    TableOperationsSuite,
)

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
from connectors.testkit.harness.destination import Suite, needs

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
# An author's own order: none.
SHUFFLED = """
import pytest
from connectors.testkit import Capabilities, LedgerSuite, MergeSuite, TableOperationsSuite
from tests.connectors.memory import memory_destination

class Mine:
    capabilities = Capabilities(foreign_tables=False)

    @pytest.fixture
    def destination(self):
        return memory_destination()

def test_of_my_own():
    pass

class TestA(Mine, LedgerSuite):
    def test_of_a(self):
        pass

class TestB(Mine, MergeSuite, TableOperationsSuite):
    pass
"""
SABOTAGED = """
from contextlib import contextmanager
import pytest
from attrs import evolve
from connectors.memory import sql
from connectors.memory.client import MemoryClient, MemoryJournal, MemoryLedger
from connectors.testkit import Capabilities, ContractSuite
from dataflow.evolution import ColumnType
from tests.connectors.memory import memory_destination

class TestSabotaged(ContractSuite):
    capabilities = Capabilities(foreign_tables=False, ledger_table=False)

    @pytest.fixture
    def destination(self):
        return memory_destination()
"""
ROLLBACK_COMMITS = """
genuine = MemoryClient.transaction

@contextmanager
def committing(self):
    failures = []
    with genuine(self):
        try:
            yield
        except BaseException as failure:
            failures.append(failure)
    for failure in failures:
        raise failure

MemoryClient.transaction = committing
"""
WRONG_TYPE = """
genuine = MemoryClient.apply_changeset

def apply_changeset(self, table, changeset):
    genuine(self, table, evolve(changeset, add=dict.fromkeys(changeset.add, ColumnType("json"))))

MemoryClient.apply_changeset = apply_changeset
"""
# What is broken, and the suite that is about it.
SABOTAGES = {
    "a ROLLBACK that commits": (ROLLBACK_COMMITS, TableOperationsSuite),
    "a merge in which every row that comes wins": ("sql.rank = lambda *_: ()", MergeSuite),
    "a column that is added with another type": (WRONG_TYPE, SchemaEvolutionSuite),
    "a ledger that is not written": ("MemoryLedger.save = lambda *_: None", LedgerSuite),
    "a lock that keeps nobody out": ("MemoryClient.lock = lambda *_: None", LockSuite),
    "a journal that is lost": ("MemoryJournal.append = lambda *_: None", JournalTableSuite),
}


def test_no_two_suites_have_a_test_of_one_name() -> None:
    """One class inherits them all, so the second would never run."""
    own = [name for suite in ContractSuite.__mro__ for name in vars(suite) if name.startswith("test_")]

    assert {name: times for name, times in Counter(own).items() if times > 1} == {}


def test_every_test_of_upstreams_end_to_end_suite_has_one_of_ours_that_claims_it() -> None:
    tests = [each for name in dir(BasicFunctionalitySuite) if (each := _test(name))]
    claimed = Counter(name for test in tests for name in _claims(test))

    assert claimed == dict.fromkeys(UPSTREAM, 1)


def test_a_test_that_claims_an_upstream_test_says_first_what_it_defends() -> None:
    silent = [
        test.__name__
        for name in dir(BasicFunctionalitySuite)
        if (test := _test(name)) and _claims(test) and (test.__doc__ or "").startswith("Upstream")
    ]

    assert silent == []


def test_a_test_that_needs_more_than_there_is_does_not_run_and_is_listed(tmp_path: Path) -> None:
    ran = run(tmp_path, LIMITED, "-q")

    assert "2 passed, 1 deselected" in ran
    assert "TestLimited::test_left_out needs foreign_tables=True" in ran


def test_the_suites_run_in_the_kits_order_whatever_the_authors(tmp_path: Path) -> None:
    listed = re.findall(r"::(Test\w)?(?:::)?(test_\w+)", run(tmp_path, SHUFFLED, "-q", "--collect-only"))

    kits = [(cls, suite) for cls, test in listed if (suite := suite_of(test))]
    assert listed[0] == ("", "test_of_my_own")
    assert list(dict.fromkeys(kits)) == [
        ("TestB", TableOperationsSuite),
        ("TestB", MergeSuite),
        ("TestA", LedgerSuite),
    ]


@pytest.mark.parametrize("broken", SABOTAGES)
def test_the_first_failure_is_of_the_suite_that_is_about_what_is_broken(tmp_path: Path, broken: str) -> None:
    sabotage, suite = SABOTAGES[broken]

    (failed,) = failures(run(tmp_path, SABOTAGED + sabotage, "-q", "-x", "--tb=no"))

    assert suite_of(failed) is suite


def test_a_rollback_that_commits_is_found_within_the_first_ten_tests(tmp_path: Path) -> None:
    ran = run(tmp_path, SABOTAGED + ROLLBACK_COMMITS, "-q", "-x", "--tb=no")

    assert failures(ran) == ["test_a_row_that_a_transaction_inserted_is_gone_when_it_fails"]
    assert int(re.findall(r"(\d+) passed", ran)[0]) < 10


def test_workers_that_share_the_tests_agree_on_their_order(tmp_path: Path) -> None:
    ran = run(tmp_path, SHUFFLED, "-q", "-n", "2")

    assert re.search(r"^\d+ passed", ran, re.MULTILINE), ran


def run(folder: Path, module: str, *options: str) -> str:
    """What pytest prints of this test module of an author's."""
    file = folder / "test_author.py"
    file.write_text(module)
    command = [sys.executable, "-m", "pytest", "-p", "connectors.testkit.plugin", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [*command, *options, "--rootdir", folder, file],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    return ran.stdout


def failures(ran: str) -> list[str]:
    """The names of the tests that failed."""
    return re.findall(r"^FAILED \S+::(\w+)", ran, re.MULTILINE)


def suite_of(test: str) -> type | None:
    """The suite that has a test of this name."""
    return next((suite for suite in ContractSuite.__mro__ if test in vars(suite)), None)


def _test(name: str) -> Callable[..., Any] | None:
    return getattr(BasicFunctionalitySuite, name) if name.startswith("test_") else None


def _claims(test: Callable[..., Any]) -> list[str]:
    """The names after "Upstream:" in its docstring."""
    _, _, said = (test.__doc__ or "").partition("Upstream:")
    return re.findall(r"test[A-Z]\w+|resumeAfter\w+", said)
