"""The commands of a destination: spec, check, write. Builds everything a sync needs; the only place that does."""

import json
import os
import sys
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

from attrs import field, frozen

from connectors.check import check_connector
from connectors.contract import Definition
from connectors.faults import Faults, read_faults
from connectors.journal_file import journal_file
from connectors.journal_keeper import journal_keeper
from connectors.masking import Mask, mask_of
from connectors.options import read_options, with_options
from connectors.sync import Sync, run_sync
from dataflow.aggregate import Thresholds
from dataflow.catalog import read_catalog
from dataflow.errors import ConfigError, DataflowError
from dataflow.intake import intake_of
from dataflow.pipeline import Miscounts
from dataflow.processes import Processes
from dataflow.protocol import connection_status_message, error_message, log_message, spec_message
from machines.journal import Entry


@frozen(kw_only=True)
class WriteOptions:
    """What can be asked of a sync beside its configuration and catalog."""

    journal: Path | None = None
    # Started already, to pack the input; without any, this process does.
    processes: Processes | None = None
    miscounts: Miscounts = Miscounts.WARN
    faults: tuple[str, ...] = ()
    thresholds: Thresholds = field(factory=Thresholds)


class Destination:
    """A destination's commands, writing protocol lines to `out`. Each returns the process's exit code."""

    def __init__(self, definition: Definition, out: BinaryIO) -> None:
        self._definition = definition
        self._out = out
        self._run = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._mask = Mask()

    def spec(self) -> int:
        """Tell what the destination can be configured with."""
        self._write_line(spec_message(with_options(self._definition.spec())))
        return 0

    def check(self, config: Path) -> int:
        """Tell whether a sync could work; a failed check is an answer and no failure of the command."""
        try:
            configuration = self._configuration(config)
            read_options(configuration)
            connector = self._definition.connector(configuration, self._run)
            with closing(connector):
                check_connector(connector)
        except DataflowError as error:
            self._write_line(error_message(error))
            self._write_line(connection_status_message(error))
        else:
            self._write_line(connection_status_message(None))
        return 0

    def write(self, config: Path, catalog: Path, source: int, options: WriteOptions) -> int:
        """Run a sync from the file descriptor `source`; 0 when every stream was published, else 1."""
        intake = intake_of(options.processes)
        try:
            faults = Faults(read_faults(options.faults, os.environ))
            streams = read_catalog(_read(catalog, "catalog"))
            configuration = self._configuration(config)
            shared = read_options(configuration)
            connector = self._definition.connector(configuration, self._run)
            with (
                closing(connector),
                journal_file(options.journal, self._warn) as keep_in_file,
                journal_keeper(connector, shared.journal_days, self._warn) as keep_in_table,
            ):

                def keep(entry: Entry) -> None:
                    masked = self._mask.entry(entry)
                    keep_in_file(masked)
                    keep_in_table(masked)

                sync = Sync(
                    run=self._run,
                    connector=connector,
                    streams=streams,
                    source=source,
                    write_line=self._write_line,
                    keep=keep,
                    thresholds=options.thresholds,
                    intake=intake,
                    miscounts=options.miscounts,
                    faults=faults,
                    generations=shared.generations,
                )
                return 0 if run_sync(sync) else 1
        except DataflowError as error:
            self._write_line(error_message(error))
            return 1
        finally:
            intake.close()

    def guard(self, command: Callable[[], int]) -> int:
        """A command's exit code; a defect of ours is told as a TRACE ERROR like any other error."""
        try:
            return command()
        except Exception as error:  # noqa: BLE001 - the last line of defence: nothing leaves without a TRACE
            self._write_line(error_message(error))
            return 1

    def _configuration(self, path: Path) -> Mapping[str, Any]:
        """The configuration; from here on its secrets are told to nobody."""
        configuration = _read_json(path, "configuration")
        self._mask = mask_of(self._definition.spec(), configuration)
        return configuration

    def _warn(self, message: str) -> None:
        self._write_line(log_message("WARN", message))

    def _write_line(self, line: bytes) -> None:
        self._out.write(self._mask.line(line))
        self._out.flush()


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"The {what} {str(path)!r} cannot be read: {error.strerror}.",
            remedy="Check the path and its permissions.",
        ) from error


def _read_json(path: Path, what: str) -> Mapping[str, Any]:
    try:
        value = json.loads(_read(path, what))
    except ValueError as error:
        raise ConfigError(f"The {what} {str(path)!r} is not JSON.", remedy="Give a JSON object.") from error
    if not isinstance(value, dict):
        raise ConfigError(f"The {what} {str(path)!r} is not a JSON object.", remedy="Give a JSON object.")
    return value


def standard_output() -> BinaryIO:
    """The process's stdout, for the protocol alone: whatever else prints, prints to stderr from here on.

    Buffered, since only then a long line is written whole, also between those of another thread.
    """
    out = os.fdopen(os.dup(1), "wb")
    # Who started us may have left it otherwise: a slow reader would then cost us lines.
    os.set_blocking(out.fileno(), True)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return out
