"""The commands of a destination: spec, check, write. Builds everything a sync needs; the only place that does.

What only one command needs it imports itself: each starts once per sync, and `spec` should answer at once.
"""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from connectors.contract.options import with_options
from connectors.engine.process.masking import Mask, mask_of
from connectors.engine.process.open_destination import configuration_in, configure, streams_of
from connectors.engine.process.outlet import ProcessOutlet, Sink
from dataflow.errors import DataflowError
from dataflow.output_messages import connection_status_message, spec_message
from dataflow.runtime import Runtime
from dataflow.runtime.randomness import token

if TYPE_CHECKING:
    from connectors.contract import Definition
    from connectors.engine.process.write_options import WriteOptions
    from machines.journal.entries import Entry


class Destination:
    """A destination's commands, writing protocol lines to `out`. Each returns the process's exit code."""

    def __init__(self, definition: "Definition", out: Sink, runtime: Runtime) -> None:
        self._definition = definition
        self._runtime = runtime
        self._outlet = ProcessOutlet(out, runtime)
        self._run = f"{os.getpid()}-{token(runtime.randomness, 8)}"
        self._mask = Mask()

    def spec(self) -> int:
        """Print what the destination can be configured with."""
        self._outlet.answer(spec_message(with_options(self._definition.spec())))
        return 0

    def check(self, config: str | Path) -> int:
        """Check whether a sync could work; a failed check is an answer and no failure of the command."""
        from connectors.engine.sync.check import check_connector

        try:
            destination = configure(self._definition, self._configuration(config), self._run, self._runtime)
            for warning in destination.warnings:
                self._outlet.log("WARN", warning)
            with closing(destination.connector):
                check_connector(destination.connector, self._run)
        except DataflowError as error:
            self._outlet.report(error)
            self._outlet.answer(connection_status_message(error))
        else:
            self._outlet.answer(connection_status_message(None))
        return 0

    def write(self, config: str | Path, catalog: Path, source: int, options: "WriteOptions") -> int:
        """Run a sync from the file descriptor `source`; 0 when every stream was published.

        Else 1, or what says that it was asked to stop.
        """
        from connectors.engine.journal.file import journal_file
        from connectors.engine.journal.writer import journal_keeper
        from connectors.engine.monitor.monitor import watching
        from connectors.engine.monitor.progress import Watch
        from connectors.engine.sync.faults import Faults, read_faults
        from connectors.engine.sync.settings import Sync
        from connectors.engine.sync.sync import run_sync
        from dataflow.pipeline.reader_thread import Intake

        intake, requests = Intake(self._runtime.threads), options.requests
        if requests is not None:
            requests.notify(intake.stop, self._runtime.threads)
        try:
            faults = Faults(read_faults(options.faults, os.environ), self._runtime.threads)
            streams = streams_of(catalog)
            destination = configure(self._definition, self._configuration(config), self._run, self._runtime)
            connector, shared = destination.connector, destination.options
            watch, warn = Watch(self._runtime), partial(self._outlet.log, "WARN")
            self._outlet.begin(options.watching.level, watch)
            for warning in destination.warnings:
                warn(warning)
            with (
                closing(connector),
                watching(options.watching, watch, self._outlet.log, self._runtime) as picture,
                self._outlet.above(picture),
                journal_file(options.journal, warn) as keep_in_file,
                journal_keeper(connector, shared.journal_days, warn) as keep_in_table,
            ):

                def keep(entry: "Entry") -> None:
                    masked = self._mask.entry(entry)
                    keep_in_file(masked)
                    keep_in_table(masked)

                sync = Sync(
                    run=self._run,
                    connector=connector,
                    streams=shared.meant(streams),
                    source=source,
                    outlet=self._outlet,
                    keep=keep,
                    thresholds=options.thresholds,
                    flushes_at_once=options.flushes_at_once,
                    intake=intake,
                    miscounts=options.miscounts,
                    strike=faults.strike,
                    watch=watch,
                )
                succeeded = run_sync(sync)
        except DataflowError as error:
            self._outlet.report(error)
            return 1
        else:
            failure_code = requests.failure_code if requests is not None else 1
            return 0 if succeeded else failure_code

    def guard(self, command: Callable[[], int]) -> int:
        """A command's exit code: never 0 when what it said could not be heard.

        A defect of ours is reported as a TRACE ERROR like any other error.
        """
        try:
            code = command()
        except Exception as error:  # noqa: BLE001 - the last line of defence: nothing leaves without a TRACE
            self._outlet.report(error)
            return 1
        return code or int(self._outlet.lost)

    def _configuration(self, config: str | Path) -> Mapping[str, Any]:
        """The configuration; from here on its secrets are masked everywhere."""
        configuration = configuration_in(config, self._definition)
        self._mask = mask_of(self._definition.spec(), configuration)
        self._outlet.keep_secret(self._mask)
        return configuration


def standard_output() -> BinaryIO:
    """The process's stdout, for the protocol alone: whatever else prints, prints to stderr from here on.

    Buffered, since only then a long line is written whole, also between those of another thread.
    """
    out = os.fdopen(os.dup(1), "wb")
    # The process that started us may have left it otherwise: a slow reader would then cost us lines.
    os.set_blocking(out.fileno(), True)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return out
