"""One run of a sync: its process, what it reads and says, and what befalls it. Decides nothing of the platform's."""

import errno
from collections.abc import Callable
from pathlib import Path

from attrs import define, field, frozen

from connectors.contract import Definition
from connectors.engine.process.runner import Destination
from connectors.engine.process.write_options import WriteOptions
from connectors.simulation.coverage import ABANDONED, DEAF, KILLED, STOPPED
from connectors.simulation.destination import SimulatedDefinition
from connectors.simulation.plan import Asked, RunPlan
from connectors.simulation.scheduler import Process
from connectors.simulation.session import Session
from connectors.simulation.source import Source
from connectors.simulation.stopping import stopped_after
from connectors.simulation.threads import runtime_of


@define(eq=False)
class Run:
    """One run of a sync, as its platform sees it."""

    plan: RunPlan
    asked: tuple[Asked, ...]
    process: Process
    session: Session
    source: Source
    # Whether nothing disturbs it, not even a run before it.
    alone: bool
    code: int | None = None
    # The platform takes it for dead.
    abandoned: bool = False
    # It had locks as it ended.
    left_locks: bool = False
    befell: list[str] = field(factory=list)
    lines: int = 0

    def happens(self, what: str) -> None:
        """Something befalls the process itself."""
        self.befell.append(what)


@frozen
class Files:
    """What the processes of a history are started with."""

    config: Path
    catalog: Path


def start(
    run: Run,
    definition: Definition,
    files: Files,
    options: WriteOptions,
    hear: Callable[[bytes], None],
    streams_at_once: int,
) -> None:
    """Start the process of a run. The platform hears its lines by `hear`, unless it has given the run up."""
    process, session, planned = run.process, run.session, run.plan
    if planned.speaks is not None:
        run.happens(f"input that ends: {planned.end}")
    _set_moments(run)
    destination = Destination(
        SimulatedDefinition(definition, session, streams_at_once),
        _Out(run, hear),
        runtime_of(process, run.source, planned.ahead, session),
    )
    stopping = stopped_after(planned.stopped_after, options, lambda: run.happens(STOPPED))

    def main() -> None:
        run.code = destination.guard(
            lambda: destination.write(files.config, files.catalog, run.source.read_end, stopping)
        )
        run.left_locks = session.server.holds(session.run)
        # Threads that are left end with their process.
        process.kill()

    process.scheduler.start(main, "main", process)


def _set_moments(run: Run) -> None:
    process = run.process

    def dies() -> None:
        run.happens(KILLED)
        process.kill()

    def is_abandoned() -> None:
        run.happens(ABANDONED)
        run.abandoned = run.session.disturbed = True
        if run.plan.unlocked:
            run.session.server.end_session(run.session.run)
        process.scheduler.wake(process.scheduler.world)

    process.at(run.plan.dies_at, dies)
    process.at(run.plan.abandoned_at, is_abandoned)


@frozen
class _Out:
    """The stdout of a run, which its platform reads."""

    run: Run
    hear: Callable[[bytes], None]

    def write(self, line: bytes) -> None:
        run = self.run
        run.process.scheduler.handover()
        run.lines += 1
        if run.plan.deaf_at is not None and run.lines > run.plan.deaf_at:
            run.happens(DEAF)
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        if not run.abandoned:
            self.hear(line)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        return False
