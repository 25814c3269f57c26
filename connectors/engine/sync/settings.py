"""What a sync is made of, and what it has in common with a load: values. Runs nothing."""

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
from dataflow.errors import DataflowError
from dataflow.pipeline.aggregate import Thresholds
from dataflow.pipeline.reader_thread import Intake, Source
from dataflow.pipeline.states import Miscounts, Outlet
from machines.formatting import duration
from machines.journal.entries import Entry


@frozen(kw_only=True)
class Process:
    """What a process works with, whether it syncs or loads. The caller closes the connector.

    Messages leave through `outlet`, and each transition is given to `keep`.
    """

    run: str
    connector: Connector
    outlet: Outlet
    keep: Callable[[Entry], None]
    retry: RetryPolicy = field(factory=RetryPolicy)
    strike: Strike = no_fault
    watch: Watch = field(default=Factory(lambda process: Watch(process.connector.runtime), takes_self=True))
    # Whose transition is written down: streams start side by side.
    turn: AbstractContextManager[Any] = field(
        default=Factory(lambda process: process.connector.runtime.threads.lock(), takes_self=True),
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

    def retrying(self, error: DataflowError, attempt: int, wait: float) -> None:
        """Say that an attempt failed, and that another is made after that many seconds."""
        self.outlet.log("WARN", f"Attempt {attempt} failed; trying again in {duration(wait)}. {error}")


@frozen(kw_only=True)
class Sync(Process):
    """What a sync is made of. `source` is the file descriptor of its input, or makes rows by itself.

    Messages to the platform leave through `outlet`.
    """

    streams: Sequence[DestinationStream]
    source: int | Source
    thresholds: Thresholds = field(factory=Thresholds)
    intake: Intake = field(
        default=Factory(lambda sync: Intake(sync.connector.runtime.threads), takes_self=True)
    )
    miscounts: Miscounts = Miscounts.WARN
    # How many flushes of one stream may be at work at once, each on a connection of its own.
    flushes_at_once: int = 1
    # What is tried before all is set up; a rehearsal has nothing to try.
    probe: Callable[[Connector, Transactions], None] = expect_undone_at_first
