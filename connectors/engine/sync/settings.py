"""What a sync is made of: a value. Runs nothing."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from attrs import Factory, field, frozen

from connectors.contract import Connector
from connectors.engine.monitor.log import remarks
from connectors.engine.monitor.progress import Watch
from connectors.engine.sync.faults import Strike, no_fault
from connectors.engine.sync.transactions import RetryPolicy, Transactions
from connectors.engine.sync.undoing import expect_undone_at_first
from dataflow.catalog import DestinationStream
from dataflow.pipeline.aggregate import Thresholds
from dataflow.pipeline.reader_thread import Intake, Source
from dataflow.pipeline.states import Miscounts, Outlet
from machines.journal.entries import Entry


@frozen(kw_only=True)
class Sync:
    """What a sync is made of. `source` is the file descriptor of its input, or makes rows by itself.

    Messages to the platform leave through `outlet`. The caller closes the connector.
    """

    run: str
    connector: Connector
    streams: Sequence[DestinationStream]
    source: int | Source
    outlet: Outlet
    keep: Callable[[Entry], None]
    thresholds: Thresholds = field(factory=Thresholds)
    retry: RetryPolicy = field(factory=RetryPolicy)
    intake: Intake = field(
        default=Factory(lambda sync: Intake(sync.connector.runtime.threads), takes_self=True)
    )
    miscounts: Miscounts = Miscounts.WARN
    # How many flushes of one stream may be at work at once, each on a connection of its own.
    flushes_at_once: int = 1
    strike: Strike = no_fault
    watch: Watch = field(default=Factory(lambda sync: Watch(sync.connector.runtime), takes_self=True))
    # What is tried before all is set up; a rehearsal has nothing to try.
    probe: Callable[[Connector, Transactions], None] = expect_undone_at_first
    # Whose transition is written down: streams start side by side.
    turn: AbstractContextManager[Any] = field(
        default=Factory(lambda sync: sync.connector.runtime.threads.lock(), takes_self=True),
        init=False,
        repr=False,
        eq=False,
    )

    def record(self, entry: Entry) -> None:
        """Keep an entry; the log says so too."""
        self.keep(entry)
        self.watch.heard(entry)
        for level, message in remarks(entry):
            self.outlet.log(level, message)
