"""What one process's part in a load is made of: a value. Runs nothing."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

from attrs import Factory, field, frozen

from connectors.engine.load.executors import Executor
from connectors.engine.load.stopping import Stop
from connectors.engine.load.writing import Outcome, Target
from connectors.engine.sync.settings import Process
from dataflow.catalog import DestinationStream
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
class Session(Process):
    """One process's part in a load. The caller closes the executor, too.

    `workers` is asked for them once the load is open; a process that writes no shard has none. `progress` is given
    the shards whenever the ledger was asked.
    """

    stream: DestinationStream
    load: Load
    until: Until
    workers: Callable[[Opened], Workers] | None = None
    progress: Callable[[Sequence[ShardRow]], None] = lambda _: None
    stop: Stop = field(
        default=Factory(lambda session: Stop(session.connector.runtime.threads), takes_self=True)
    )
