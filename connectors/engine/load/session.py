"""What one process's part in a load is made of: a value. Runs nothing."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Any

from attrs import Factory, field, frozen

from connectors.contract import Connector
from connectors.engine.load.executors import Executor
from connectors.engine.load.stopping import Stop
from connectors.engine.load.writing import Outcome, Target
from connectors.engine.monitor.log import remarks
from connectors.engine.monitor.progress import Watch
from connectors.engine.sync.faults import Strike, no_fault
from connectors.engine.sync.transactions import RetryPolicy
from dataflow.catalog import DestinationStream
from dataflow.pipeline.states import Outlet
from machines.journal.entries import Entry
from machines.loads import Load, ShardRow


class Until(StrEnum):
    """How far a process takes a load."""

    # Opened, for other processes to write its shards.
    OPEN = "open"
    # Written by this process's workers, and published.
    PUBLISHED = "published"
    # Published, if other processes have written every shard.
    WRITTEN_BY_OTHERS = "written by others"
    # Dropped.
    GIVEN_UP = "given up"


@frozen(kw_only=True)
class Opened:
    """An open load whose shards this process has written. `missing` is how many of them are not there."""

    target: Target
    missing: int


@frozen(kw_only=True)
class Workers:
    """What writes the shards: an executor, the work that it does, and the task that each shard is."""

    executor: Executor
    work: Callable[[Any], Outcome]
    task: Callable[[int], Any]


@frozen(kw_only=True)
class Session:
    """One process's part in a load. The caller closes the connector, and the executor.

    `workers` is asked for them once the load is open; a process that writes no shard has none. `progress` is given
    the shards whenever the ledger was asked.
    """

    run: str
    connector: Connector
    stream: DestinationStream
    load: Load
    until: Until
    outlet: Outlet
    keep: Callable[[Entry], None]
    workers: Callable[[Opened], Workers] | None = None
    progress: Callable[[Sequence[ShardRow]], None] = lambda _: None
    retry: RetryPolicy = field(factory=RetryPolicy)
    strike: Strike = no_fault
    stop: Stop = field(
        default=Factory(lambda session: Stop(session.connector.runtime.threads), takes_self=True)
    )
    watch: Watch = field(default=Factory(lambda session: Watch(session.connector.runtime), takes_self=True))
    turn: AbstractContextManager[Any] = field(
        default=Factory(lambda session: session.connector.runtime.threads.lock(), takes_self=True),
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
