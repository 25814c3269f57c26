"""The commands: `destination-<name>` per connector, and `dataflow` for what surrounds a sync. Parses; no more.

The standard library parses: a destination starts once per sync, and a richer parser took a fifth of its start.
"""

import argparse
import gc
import importlib.metadata
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from connectors.contract import Definition
from connectors.runner import Destination, WriteOptions, standard_output
from dataflow.aggregate import STATE_LATENCY, Thresholds
from machines.diagram import MACHINES, mermaid, page
from machines.replay import lives, replay

VERBS = ("spec", "check", "write")
DISTRIBUTION = "dataflow-destinations"


def destination_parser(name: str) -> argparse.ArgumentParser:
    """The command line of an Airbyte destination."""
    parser = argparse.ArgumentParser(
        prog=f"destination-{name}",
        description=f"Load Airbyte records into {name}: messages in on stdin, messages out on stdout.",
        epilog="Upstream's spellings --spec, --check and --write work too.",
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    verbs = parser.add_subparsers(dest="verb", metavar="{spec,check,write}")
    verbs.add_parser("spec", help="print what can be configured")
    check = verbs.add_parser("check", help="print whether a sync could work")
    write = verbs.add_parser("write", help="load the records on stdin, print STATE when it is durable")
    for verb in (check, write):
        verb.add_argument("--config", type=Path, required=True, help="the configuration, a JSON file")
    write.add_argument("--catalog", type=Path, required=True, help="the configured catalog, a JSON file")
    write.add_argument("--journal", type=Path, help="append every lifecycle transition to this file")
    write.add_argument(
        "--state-latency",
        type=float,
        default=STATE_LATENCY,
        metavar="SECONDS",
        help="how long a STATE may wait before the rows it covers are written (default: %(default)s)",
    )
    write.add_argument(
        "--fault",
        action="append",
        default=[],
        help="fail on purpose, for example after:swap=kill; needs DATAFLOW_ALLOW_FAULTS=1",
    )
    return parser


def upstream_spelling(arguments: Sequence[str]) -> list[str]:
    """The arguments with `--write` and its like, wherever it stands, as the verb that comes first."""
    for verb in VERBS:
        if f"--{verb}" in arguments:
            return [verb, *(argument for argument in arguments if argument != f"--{verb}")]
    return list(arguments)


def run_destination(destination: Destination, given: argparse.Namespace) -> int:
    """Run the parsed command; its exit code."""
    match given.verb:
        case "spec":
            return destination.spec()
        case "check":
            return destination.check(given.config)
        case _:
            options = WriteOptions(
                journal=given.journal,
                faults=tuple(given.fault),
                thresholds=Thresholds(state_latency=given.state_latency),
            )
            return destination.write(given.config, given.catalog, sys.stdin.fileno(), options)


def main_for(definition: Definition) -> None:
    """The whole of a connector's command: run it, exit with its code. stdout carries protocol lines only."""
    parser = destination_parser(definition.name)
    given = parser.parse_args(upstream_spelling(sys.argv[1:]))
    if given.version:
        print(importlib.metadata.version(DISTRIBUTION))
        return
    if given.verb is None:
        parser.error("say what to do: spec, check or write")
    _collect_rarely()
    destination = Destination(definition, standard_output())
    code = destination.guard(lambda: run_destination(destination, given))
    sys.stderr.flush()
    os._exit(code)


def _collect_rarely() -> None:
    """A batch makes thousands of short-lived tuples and no cycles: looking for cycles cost a fifth of a sync's CPU."""
    gc.freeze()
    gc.set_threshold(200_000, 50, 50)


def dataflow_parser() -> argparse.ArgumentParser:
    """The command line of what surrounds a sync."""
    parser = argparse.ArgumentParser(
        prog="dataflow", description="Pictures of the machines, and replay of journals."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="{diagram,replay}")
    diagram = commands.add_parser("diagram", help="print a machine's picture (Mermaid), or write every page")
    diagram.add_argument("machine", nargs="?", choices=[*MACHINES], help="which; all, if it is not said")
    diagram.add_argument("--out", type=Path, help="write the machines' pages into this folder")
    again = commands.add_parser("replay", help="drive fresh machines from a journal; name where one diverges")
    again.add_argument("journal", type=Path, help="a journal that `write --journal` wrote")
    return parser


def draw(machine: str | None, out: Path | None) -> int:
    """Print pictures, or write pages into a folder."""
    for name in [machine] if machine else list(MACHINES):
        if out is not None:
            (out / f"{name}.md").write_text(page(name))
        else:
            print(mermaid(MACHINES[name]))
    return 0


def replay_journal(journal: Path) -> int:
    """Replay every life of a journal; 1 when one diverged."""
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    diverged = 0
    for life in lives(entries):
        replayed = replay(life)
        who = life[0].get("stream") or life[0]["machine"]
        if replayed.divergence is None:
            print(f"{who}: {len(life)} transitions, ends in {replayed.path[-1]}")
        else:
            diverged += 1
            print(f"{who}: {replayed.divergence}")
    return 1 if diverged else 0


def main() -> None:
    """The `dataflow` command."""
    given = dataflow_parser().parse_args()
    if given.command == "diagram":
        sys.exit(draw(given.machine, given.out))
    sys.exit(replay_journal(given.journal))
