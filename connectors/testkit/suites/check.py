"""The suite of the check: it leaves nothing, wherever it ends."""

from contextlib import closing, suppress

from connectors.contract import Atomic, Connector
from connectors.contract.ledger import LedgerEntry
from connectors.engine.sync.check import check_connector
from connectors.testkit.harness.cuts import Cut, Ear, Fault, Interruption
from connectors.testkit.harness.destination import Destination, Suite
from dataflow.types import TableName

CHECK = "check"


class CheckSuite(Suite):
    """`check_connector` leaves no table and no entry of the ledger, in each class of databases."""

    def test_a_check_leaves_no_table_and_no_entry(self, destination: Destination) -> None:
        with closing(destination.connector()) as connector:
            check_connector(connector, CHECK)
            check_connector(connector, CHECK)

            assert _left(destination, connector) == (set(), [])

    def test_checks_that_end_before_any_request_leave_nothing_once_another_was_made(
        self, destination: Destination
    ) -> None:
        """Each is a process that was killed. What a rollback does not take back, a later check does."""
        ear = Ear()
        with closing(destination.connector(requests=ear)) as connector:
            requests = _requests(connector, ear)
            # One rollback undoes one transaction, whichever of its requests was the last.
            every = 5 if connector.atomic is Atomic.EVERYTHING else 1
            struck = [_killed(connector, ear, at) for at in range(1, len(requests) + 1, every)]
            ear.to = None
            check_connector(connector, CHECK)

            assert len(requests) > 1
            assert None not in struck
            assert _left(destination, connector) == (set(), [])


def _left(destination: Destination, connector: Connector) -> tuple[set[TableName], list[LedgerEntry]]:
    with closing(connector.client()) as client, client.transaction():
        entries = list(client.ledger.entries())
    return destination.tables(), entries


def _requests(connector: Connector, ear: Ear) -> list[str]:
    """What is said of the requests of a check that nothing interrupts."""
    ear.to = Interruption(operation=CHECK, fault=Fault.LOST_ANSWER, at=0)
    with ear.to.watching(CHECK):
        check_connector(connector, CHECK)
    return ear.to.seen


def _killed(connector: Connector, ear: Ear, at: int) -> str | None:
    """The request before which a check was killed."""
    ear.to = Interruption(operation=CHECK, fault=Fault.CUT, at=at)
    with suppress(Cut), ear.to.watching(CHECK):
        check_connector(connector, f"{CHECK} {at}")
    return ear.to.struck
