"""The tests that a connector must pass, as classes over one value. For connectors here and elsewhere; names none.

A connector's test module subclasses `ContractSuite`, or some of its parts, and gives a fixture `destination`. Its
conftest names the plugin: `pytest_plugins = ["connectors.testkit.plugin"]`. It runs the suites in the order in which
`ContractSuite` names them, whatever the order of the author's classes, and lists what a capability leaves out.
Nothing but tests may import this package: it needs pytest.
"""

import pytest

# Before the suites are imported: their assertions should explain themselves like any test's.
pytest.register_assert_rewrite(f"{__name__}.suites")

from connectors.testkit.harness.destination import Capabilities, Destination, needs  # noqa: E402
from connectors.testkit.suites.account import AccountSuite  # noqa: E402
from connectors.testkit.suites.changes import ChangingSourceSuite  # noqa: E402
from connectors.testkit.suites.check import CheckSuite  # noqa: E402
from connectors.testkit.suites.checkpoints import CheckpointSuite  # noqa: E402
from connectors.testkit.suites.coercion import CoercionSuite  # noqa: E402
from connectors.testkit.suites.cuts import CutSuite  # noqa: E402
from connectors.testkit.suites.doctor import DoctorSuite  # noqa: E402
from connectors.testkit.suites.evolution import SchemaEvolutionSuite  # noqa: E402
from connectors.testkit.suites.failures import FailureSuite  # noqa: E402
from connectors.testkit.suites.journal import JournalSuite  # noqa: E402
from connectors.testkit.suites.journal_table import JournalTableSuite  # noqa: E402
from connectors.testkit.suites.keys import KeySuite  # noqa: E402
from connectors.testkit.suites.ledger import LedgerSuite, LockSuite  # noqa: E402
from connectors.testkit.suites.leftovers import LeftoverSuite  # noqa: E402
from connectors.testkit.suites.load_publications import LoadPublicationSuite  # noqa: E402
from connectors.testkit.suites.load_tables import LoadTablesSuite  # noqa: E402
from connectors.testkit.suites.loads import LoadSuite  # noqa: E402
from connectors.testkit.suites.merging import MergeSuite  # noqa: E402
from connectors.testkit.suites.naming import NamingSuite  # noqa: E402
from connectors.testkit.suites.narrowing import NarrowingSuite  # noqa: E402
from connectors.testkit.suites.operations import OperationsSuite  # noqa: E402
from connectors.testkit.suites.options import OptionsSuite  # noqa: E402
from connectors.testkit.suites.overwrites import OverwriteSuite  # noqa: E402
from connectors.testkit.suites.ownership import OwnershipSuite  # noqa: E402
from connectors.testkit.suites.recovery import RecoverySuite  # noqa: E402
from connectors.testkit.suites.rehearsal import RehearsalSuite  # noqa: E402
from connectors.testkit.suites.strangers import StrangersSuite  # noqa: E402
from connectors.testkit.suites.suspicions import SuspicionSuite  # noqa: E402
from connectors.testkit.suites.syncs import SyncSuite  # noqa: E402
from connectors.testkit.suites.tables import TableOperationsSuite  # noqa: E402

__all__ = [
    "AccountSuite",
    "BasicFunctionalitySuite",
    "Capabilities",
    "ChangingSourceSuite",
    "CheckSuite",
    "CheckpointSuite",
    "CoercionSuite",
    "ContractSuite",
    "CutSuite",
    "Destination",
    "DoctorSuite",
    "FailureSuite",
    "JournalSuite",
    "JournalTableSuite",
    "KeySuite",
    "LedgerSuite",
    "LeftoverSuite",
    "LoadPublicationSuite",
    "LoadSuite",
    "LoadTablesSuite",
    "LockSuite",
    "MergeSuite",
    "NamingSuite",
    "NarrowingSuite",
    "OperationsSuite",
    "OptionsSuite",
    "OverwriteSuite",
    "OwnershipSuite",
    "RecoverySuite",
    "RehearsalSuite",
    "SchemaEvolutionSuite",
    "StrangersSuite",
    "SuspicionSuite",
    "SyncSuite",
    "TableOperationsSuite",
    "needs",
]


class BasicFunctionalitySuite(
    SyncSuite,
    StrangersSuite,
    CoercionSuite,
    KeySuite,
    NamingSuite,
    NarrowingSuite,
    OwnershipSuite,
    ChangingSourceSuite,
    CheckpointSuite,
    FailureSuite,
    RecoverySuite,
    LeftoverSuite,
    OverwriteSuite,
    JournalSuite,
    AccountSuite,
    RehearsalSuite,
    SuspicionSuite,
    DoctorSuite,
):
    """Whole syncs, undisturbed and not: every scenario of upstream's suite of that name, and more."""


class ContractSuite(
    OptionsSuite,
    TableOperationsSuite,
    MergeSuite,
    SchemaEvolutionSuite,
    LedgerSuite,
    LockSuite,
    LoadTablesSuite,
    JournalTableSuite,
    OperationsSuite,
    CheckSuite,
    BasicFunctionalitySuite,
    CutSuite,
    LoadSuite,
    LoadPublicationSuite,
):
    """All that a connector must pass, the simplest first: a suite rests on rules that those before it test.

    The order of its bases, and of theirs, is the order in which the tests run and the documentation lists them.
    """
