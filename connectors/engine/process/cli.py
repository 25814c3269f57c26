"""The command of a destination, `destination-<name>`. Parses, and hands on what was parsed; no more.

A destination starts once per sync. So the standard library parses: a richer parser took a fifth of the start.
"""

import argparse
import gc
import math
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.engine.process.economy import collect_rarely, make_libraries_frugal
from connectors.engine.process.signals import Requests

if TYPE_CHECKING:
    from connectors.engine.monitor.monitor import Watching
    from connectors.engine.process.runner import Destination

VERBS = ("spec", "check", "write")
STDIN, STDOUT, STDERR = range(3)


def count_from_one(text: str) -> int:
    """A whole number above zero."""
    if not re.fullmatch("0*[1-9][0-9]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def seconds(text: str) -> float:
    """A time that is not negative and ends."""
    with suppress(ValueError):
        if 0 <= float(text) < math.inf:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, 0 or more")


def destination_parser(name: str) -> argparse.ArgumentParser:
    """The command line of an Airbyte destination."""
    parser = argparse.ArgumentParser(
        prog=f"destination-{name}",
        description=f"Load Airbyte records into {name}: messages in on stdin, messages out on stdout.",
        epilog="Upstream's spellings --spec, --check and --write work too.",
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    verbs = parser.add_subparsers(dest="verb", metavar="{spec,check,write}")
    verbs.add_parser("spec", help="print the specification: the options of the configuration")
    check = verbs.add_parser("check", help="check whether a sync would work")
    write = verbs.add_parser(
        "write", help="load the records on stdin; emit each STATE when its records are durable"
    )
    for verb in (check, write):
        verb.add_argument("--config", required=True, help="the configuration, a JSON file or a URL")
    write.add_argument("--catalog", type=Path, required=True, help="the configured catalog, a JSON file")
    write.add_argument("--journal", type=Path, help="append every lifecycle transition to this file")
    write.add_argument(
        "--state-latency",
        type=seconds,
        metavar="SECONDS",
        help="how long a STATE may wait before the rows it covers are written (default: 3)",
    )
    write.add_argument(
        "--flush-rows",
        type=count_from_one,
        metavar="ROWS",
        help="write a stream's rows once this many have accumulated, or enough bytes of them (default: 122880)",
    )
    write.add_argument(
        "--miscounts",
        choices=["warn", "fail"],
        default="warn",
        help="what to do when a source's record count for a STATE differs from the number received (default: "
        "%(default)s)",
    )
    write.add_argument(
        "--log-level",
        choices=["fatal", "error", "warn", "info", "debug", "trace"],
        default="info",
        help="emit LOG messages of this level and above (default: %(default)s)",
    )
    write.add_argument(
        "--heartbeat",
        type=seconds,
        default=60.0,
        metavar="SECONDS",
        help="seconds between progress lines in the log when stderr is not a terminal; 0: never (default: %(default)s)",
    )
    write.add_argument(
        "--quiet",
        action="store_true",
        help="log only warnings and errors; no progress lines, no progress display",
    )
    write.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="WHEN:OPERATION[#N]=KIND",
        help="fail on purpose, for example after:swap=kill; needs DATAFLOW_ALLOW_FAULTS=1 (see docs/faults.md)",
    )
    return parser


def upstream_spelling(arguments: Sequence[str]) -> list[str]:
    """The arguments with `--write` and its like, wherever it stands, as the verb that comes first."""
    for verb in VERBS:
        if f"--{verb}" in arguments:
            return [verb, *(argument for argument in arguments if argument != f"--{verb}")]
    return list(arguments)


def main_for(name: str, module: str) -> None:
    """The whole of a connector's command: run it, exit with its code. stdout carries protocol lines only.

    `module` is the connector's package, which has its `DEFINITION`; `name` is what it is called there, and
    registered as.
    """
    requests = Requests()
    parser = destination_parser(name)
    given = parser.parse_args(upstream_spelling(sys.argv[1:]))
    if given.version:
        from connectors.engine.process.registry import find

        print(find(name).version)
        return
    if given.verb is None:
        parser.error("choose a command: spec, check or write")
    if not _hold_standard_streams():
        parser.exit(1, f"{parser.prog}: stdout is closed, so no message could be emitted. Open it.\n")
    gc.disable()
    from dataflow.runtime import SYSTEM  # noqa: TID251 - an entry of the process

    if given.verb != "write":
        # There is nothing to bring to an end.
        requests.notify(lambda _: os._exit(requests.failure_code), SYSTEM.threads)
    make_libraries_frugal()
    from connectors.engine.process.runner import Destination, standard_output

    definition = import_module(module).DEFINITION
    collect_rarely()
    destination = Destination(definition, standard_output(), SYSTEM)
    if given.verb == "write":
        from dataflow.malloc import keep_what_is_freed

        keep_what_is_freed()
    code = destination.guard(lambda: run_destination(destination, given, requests))
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(code)


def _hold_standard_streams() -> bool:
    """Keep each standard stream's place, which the next file would take where one is closed. Whether stdout is open."""
    closed = [number for number in (STDIN, STDOUT, STDERR) if not _is_open(number)]
    if closed:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in closed:
            os.dup2(nowhere, number)
    if STDERR in closed:
        sys.stderr = os.fdopen(STDERR, "w")
    return STDOUT not in closed


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def run_destination(
    destination: "Destination", given: argparse.Namespace, requests: Requests | None = None
) -> int:
    """Run the parsed command; its exit code."""
    match given.verb:
        case "spec":
            return destination.spec()
        case "check":
            return destination.check(given.config)
    from connectors.engine.process.write_options import WriteOptions
    from dataflow.pipeline.aggregate import Thresholds
    from dataflow.pipeline.states import Miscounts

    chosen: dict[str, Any] = {}
    if given.state_latency is not None:
        chosen["state_latency"] = given.state_latency
    if given.flush_rows is not None:
        chosen["flush_rows"] = chosen["parcel_rows"] = given.flush_rows
    options = WriteOptions(
        journal=given.journal,
        miscounts=Miscounts(given.miscounts),
        faults=tuple(given.fault),
        thresholds=Thresholds(**chosen),
        watching=_watching(given),
        requests=requests,
    )
    return destination.write(given.config, given.catalog, STDIN, options)


def _watching(given: argparse.Namespace) -> "Watching":
    from connectors.engine.monitor.monitor import Watching
    from dataflow.output_messages import LEVELS

    level = given.log_level.upper()
    if given.quiet:
        return Watching(level=min(level, "WARN", key=LEVELS.index), heartbeat=0.0)
    terminal = sys.stderr if sys.stderr.isatty() else None
    return Watching(level=level, heartbeat=given.heartbeat, terminal=terminal)
