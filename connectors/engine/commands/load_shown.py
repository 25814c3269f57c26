"""How a load is shown to a person: warnings and progress while it goes on, and what became of it."""

import argparse
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connectors.engine.load.stopping import Stop
    from connectors.engine.process.crew import Crew
    from connectors.engine.process.load_files import Job, LoadedFiles
    from connectors.engine.process.open_destination import Configured
    from connectors.engine.process.signals import Requests
    from connectors.engine.process.terminal import Terminal
    from dataflow.pipeline.checkpoints import Checkpoint
    from dataflow.runtime.clock import Clock
    from dataflow.types import StreamName
    from machines.loads import ShardRow

# Seconds between two lines of progress.
PROGRESS = 10.0


def asked() -> "Requests":
    """Requests to stop, which signals make. A command asks for them before it starts any thread."""
    from connectors.engine.process.signals import Requests

    return Requests()


def job_of(
    given: argparse.Namespace, to: str, config: str, stop: "Stop", crew: "Crew | None" = None
) -> "Job":
    """The job of a command, which opens the destination whenever it needs it."""
    from connectors.engine.monitor.monitor import Watching
    from connectors.engine.process.load_files import Job
    from connectors.engine.process.load_rows import Showing
    from connectors.engine.process.open_destination import configured, mask_in
    from connectors.engine.sync.faults import Faults, read_faults
    from dataflow.runtime.randomness import token

    faults = Faults(read_faults(given.fault, os.environ), given.runtime.threads)
    run = f"{os.getpid()}-{token(given.runtime.randomness, 8)}"
    mask = mask_in(to, config)
    given.terminal.keep_secret(mask)
    warned: set[str] = set()

    @contextmanager
    def opened() -> "Iterator[Configured]":
        with configured(to, config, run, given.runtime, given.terminal.keep_secret) as destination:
            for warning in destination.warnings:
                if warning not in warned:
                    warned.add(warning)
                    given.terminal.complain(f"WARN {warning}")
            yield destination

    return Job(
        destination=opened,
        run=run,
        showing=Showing(
            outlet=Spoken(given.terminal, given.command),
            watching=Watching(heartbeat=0.0),
            journal=getattr(given, "journal", None),
            mask=mask,
            progress=Progress(given.terminal, given.runtime.clock).saw,
        ),
        stop=stop,
        strike=faults.strike,
        crew=crew,
    )


def show_loaded(terminal: "Terminal", loaded: "LoadedFiles") -> None:
    """What became of a load, and what the table holds now."""
    from machines.formatting import number_of
    from machines.journal.account import changes_in
    from machines.loads import written

    shards = loaded.shards
    rows = number_of(loaded.rows, "row")
    if loaded.succeeded:
        terminal.show(f"Loaded {rows} of {number_of(loaded.files, 'file')}.")
    elif shards:
        terminal.show(f"Wrote {written(shards)} of {number_of(len(shards), 'shard')}: {rows}.")
    for change in changes_in(loaded.account):
        terminal.show(f"  {change}.")
    if loaded.left_out:
        left_out = ", ".join(number_of(count, what, what.many) for what, count in loaded.left_out.items())
        terminal.show(f"Left out: {left_out}.")
    if loaded.standing:
        terminal.show(loaded.standing)
    # What a destination of ours wrote gives its columns again.
    if any(not name.startswith("_airbyte_") for name in loaded.account.unknown.names):
        terminal.complain(
            "WARN The values of fields that are not in the schema were not loaded. To load them, add these fields to "
            "the schema that --schema-out writes, and load again with --schema."
        )


class Spoken:
    """The outlet of a load: a person reads warnings as they come, and each error once, at its end."""

    def __init__(self, terminal: "Terminal", command: str) -> None:
        self._terminal = terminal
        self._command = command

    def emit(self, checkpoint: "Checkpoint") -> None:
        """A load has no STATE."""

    def log(self, level: str, message: str) -> None:
        """Show what a person may have to act on."""
        if level == "WARN":
            self._terminal.complain(f"WARN {message}")

    def report(self, error: BaseException, stream: "StreamName | None" = None) -> None:
        """Show why the load failed."""
        self._terminal.complain(f"dataflow {self._command}: {error}")


class Progress:
    """A line every few seconds, once a load takes longer than that."""

    def __init__(self, terminal: "Terminal", clock: "Clock") -> None:
        self._terminal = terminal
        self._clock = clock
        self._shown = clock.monotonic()

    def saw(self, shards: "Sequence[ShardRow]") -> None:
        """The ledger was asked: these are the shards."""
        from machines.formatting import number_of
        from machines.loads import written

        now = self._clock.monotonic()
        if now - self._shown < PROGRESS:
            return
        self._shown = now
        rows = number_of(sum(shard.rows or 0 for shard in shards), "row")
        self._terminal.complain(
            f"{written(shards)} of {number_of(len(shards), 'shard')} are written: {rows}."
        )
