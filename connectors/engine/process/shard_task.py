"""A shard as a task that another process is given: plain data, and the function that does it. Holds no secret, unless
the configuration itself was handed over for a process on this machine.
"""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from connectors.engine.load.writing import Outcome, ShardWriter, Target, failure_of
from connectors.engine.process.compatibility import ENGINE
from connectors.engine.process.files import read_configuration
from connectors.engine.process.open_destination import configure
from dataflow.errors import ConfigError, DataflowError
from dataflow.runtime.randomness import token

if TYPE_CHECKING:
    from connectors.contract import Connector
    from dataflow.runtime import Runtime


@frozen(kw_only=True)
class Writer:
    """Whose shards are written, and where. `config` is the path of the configuration, or the configuration itself.

    `engine` is the version that opened the load.
    """

    destination: str
    config: str | Mapping[str, Any] = field(repr=False)
    target: Target
    engine: str = ""


@frozen(kw_only=True)
class Task:
    """One shard to write."""

    writer: Writer
    number: int


def our_version() -> str:
    """The version of the engine in this process."""
    return version(ENGINE)


# What each thread of this process writes with: connections are kept from shard to shard.
_OPEN: "dict[str, tuple[Writer, Connector, ShardWriter]]" = {}


def write_task(task: Task) -> Outcome:
    """Write the shard, in a worker process. Whatever is in its way is in the outcome."""
    from dataflow.runtime import SYSTEM  # noqa: TID251 - an entry of the process

    try:
        _expect_version(task.writer)
        return _writer(task.writer, SYSTEM).write(task.number)
    except DataflowError as error:
        return Outcome(number=task.number, failure=failure_of(error))


def _expect_version(writer: Writer) -> None:
    ours = our_version()
    if writer.engine != ours:
        raise ConfigError(
            f"A worker has version {ours} of {ENGINE}, and the load was opened by version {writer.engine}.",
            doing="beginning a shard",
            remedy="Nothing was written by that worker. Install one version on all machines.",
        )


def _writer(wanted: Writer, runtime: "Runtime") -> ShardWriter:
    """The thread's writer; a new one in place of another load's."""
    thread = runtime.threads.current()
    if thread in _OPEN:
        before, connector, writer = _OPEN[thread]
        if before == wanted:
            return writer
        del _OPEN[thread]
        writer.close()
        connector.close()
    connector = _connector(wanted, runtime)
    writer = ShardWriter(connector, wanted.target)
    _OPEN[thread] = (wanted, connector, writer)
    return writer


def _connector(wanted: Writer, runtime: "Runtime") -> "Connector":
    from connectors.engine.process.registry import find

    configuration = (
        read_configuration(Path(wanted.config)) if isinstance(wanted.config, str) else wanted.config
    )
    run = f"worker-{token(runtime.randomness, 8)}"
    return configure(find(wanted.destination).definition(), configuration, run, runtime).connector
