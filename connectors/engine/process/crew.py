"""Chooses what writes the shards of a load: this process, processes beside it, or a cluster. Writes none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from connectors.contract import Atomic, Connector
from connectors.engine.load.executors import Executor, LocalProcesses
from connectors.engine.load.session import Opened, Workers
from connectors.engine.process.config_url import is_url
from connectors.engine.process.open_destination import Configured, configuration_in
from connectors.engine.process.registry import find
from connectors.engine.process.shard_task import Task, Writer, our_version, write_task
from dataflow.errors import ConfigError
from dataflow.pipeline.states import Outlet


def config_for_workers(name: str, config: str) -> str | Mapping[str, Any]:
    """What workers are given of --config: a file's path from the root, or the configuration of a URL."""
    definition = find(name).definition()
    return configuration_in(config, definition) if is_url(config, name) else str(Path(config).absolute())


ONE_WRITER = "This destination takes one writer at a time: the load is written by one process."


@frozen(kw_only=True)
class Crew:
    """What is to write the shards: `workers` processes of this machine, or the workers of the cluster of `scheduler`.

    `config` is the path of the destination's configuration on the workers, or the configuration itself, which only
    processes on this machine are given. At most `connections` shards are written at a time.
    """

    config: str | Mapping[str, Any]
    workers: int = 1
    scheduler: str | None = None
    connections: int | None = None

    def expect_possible(self, connector: Connector) -> None:
        """Raises ConfigError for a cluster that could not write to this destination."""
        if self.scheduler is None:
            return
        if connector.streams_at_once == 1:
            raise ConfigError(
                "This destination is opened by one process, so no cluster can write to it.",
                doing="preparing the load",
                remedy="Leave out --on, and run the load on the machine that has the database.",
            )
        if not isinstance(self.config, str):
            raise ConfigError(
                "A configuration is not sent through a scheduler, since it may hold secrets.",
                doing="preparing the load",
                remedy="Write it to a file on each worker, and give its path with --config-on-workers.",
            )

    def workers_for(self, destination: Configured, opened: Opened, outlet: Outlet) -> Workers | None:
        """What writes the shards of an open load; None: this process."""
        connector = destination.connector
        several = connector.atomic is Atomic.EVERYTHING and connector.streams_at_once > 1
        if not several and self.workers > 1:
            outlet.log("WARN", ONE_WRITER)
        most = self.connections if several else 1
        executor: Executor
        if self.scheduler is not None:
            from connectors.engine.load.cluster import Cluster

            executor = Cluster(
                self.scheduler,
                most,
                lambda message: outlet.log("WARN", message),
                connector.runtime.clock,
            )
        else:
            count = min(self.workers, opened.missing, most or self.workers)
            if count <= 1:
                return None
            executor = LocalProcesses(count)
        writer = Writer(
            destination=destination.name,
            config=self.config,
            target=opened.target,
            engine=our_version(),
        )
        return Workers(
            executor=executor, work=write_task, task=lambda number: Task(writer=writer, number=number)
        )
