"""What can be asked of a sync on the command line, beside its configuration and catalog. Plain values."""

from pathlib import Path

from attrs import field, frozen

from dataflow.aggregate import Thresholds
from dataflow.pipeline import Miscounts
from dataflow.processes import Process


@frozen(kw_only=True)
class WriteOptions:
    """How a sync is run."""

    journal: Path | None = None
    # Started already, to pack the input; without any, this process does.
    processes: tuple[Process, ...] = ()
    miscounts: Miscounts = Miscounts.WARN
    faults: tuple[str, ...] = ()
    thresholds: Thresholds = field(factory=Thresholds)
