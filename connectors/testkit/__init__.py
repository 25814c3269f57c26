"""The tests that a connector must pass, as classes over one value. For connectors here and elsewhere; names none.

A connector's test module subclasses `ContractSuite`, or some of its parts, and gives a fixture `destination`. Its
conftest names the plugin that lists what a capability leaves out: `pytest_plugins = ["connectors.testkit.plugin"]`.
Nothing but tests may import this package: it needs pytest.
"""

import pytest

_SUITES = (
    "tables",
    "merging",
    "evolution",
    "ledger",
    "journal",
    "operations",
    "syncs",
    "changes",
    "checkpoints",
    "failures",
    "recovery",
    "leftovers",
    "overwrites",
)
# Before the suites are imported: their assertions should explain themselves like any test's.
pytest.register_assert_rewrite(*(f"{__name__}.{suite}" for suite in _SUITES))

from connectors.testkit.changes import ChangingSourceSuite  # noqa: E402
from connectors.testkit.checkpoints import CheckpointSuite  # noqa: E402
from connectors.testkit.destination import Capabilities, Destination, needs  # noqa: E402
from connectors.testkit.evolution import SchemaEvolutionSuite  # noqa: E402
from connectors.testkit.failures import FailureSuite  # noqa: E402
from connectors.testkit.journal import JournalSuite  # noqa: E402
from connectors.testkit.ledger import LedgerSuite  # noqa: E402
from connectors.testkit.leftovers import LeftoverSuite  # noqa: E402
from connectors.testkit.merging import MergeSuite  # noqa: E402
from connectors.testkit.operations import OperationsSuite  # noqa: E402
from connectors.testkit.overwrites import OverwriteSuite  # noqa: E402
from connectors.testkit.recovery import RecoverySuite  # noqa: E402
from connectors.testkit.syncs import SyncSuite  # noqa: E402
from connectors.testkit.tables import TableOperationsSuite  # noqa: E402

__all__ = [
    "Capabilities",
    "ChangingSourceSuite",
    "CheckpointSuite",
    "ContractSuite",
    "Destination",
    "FailureSuite",
    "JournalSuite",
    "LedgerSuite",
    "LeftoverSuite",
    "LifecycleSuite",
    "MergeSuite",
    "OperationsSuite",
    "OverwriteSuite",
    "RecoverySuite",
    "SchemaEvolutionSuite",
    "SyncSuite",
    "TableOperationsSuite",
    "needs",
]


class LifecycleSuite(
    SyncSuite,
    ChangingSourceSuite,
    CheckpointSuite,
    FailureSuite,
    RecoverySuite,
    LeftoverSuite,
    OverwriteSuite,
    JournalSuite,
):
    """Whole syncs, undisturbed and not."""


class ContractSuite(
    TableOperationsSuite, MergeSuite, SchemaEvolutionSuite, LedgerSuite, OperationsSuite, LifecycleSuite
):
    """All that a connector must pass."""
