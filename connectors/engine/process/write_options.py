"""What can be asked of a sync on the command line, beside its configuration and catalog. Plain values."""

from pathlib import Path

from attrs import field, frozen

from connectors.engine.monitor.monitor import Watching
from connectors.engine.process.signals import Requests
from dataflow.pipeline.aggregate import Thresholds
from dataflow.pipeline.states import Miscounts


@frozen(kw_only=True)
class WriteOptions:
    """How a sync is run."""

    journal: Path | None = None
    miscounts: Miscounts = Miscounts.WARN
    faults: tuple[str, ...] = ()
    thresholds: Thresholds = field(factory=Thresholds)
    watching: Watching = field(factory=Watching)
    # Flushes of one stream that are at work at once. No argument of the command line gives it.
    flushes_at_once: int = 1
    # How the sync is asked to stop.
    requests: Requests | None = None
