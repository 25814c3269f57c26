"""The commands: `destination-<name>` per connector, and `dataflow` for what surrounds a sync. Parses; no more."""

import gc
import json
import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from connectors.contract import Definition
from connectors.runner import Destination, WriteOptions, standard_output
from dataflow.aggregate import STATE_LATENCY, Thresholds
from machines.diagram import MACHINES, mermaid, page
from machines.replay import lives, replay

ConfigPath = Annotated[Path, Parameter(name="--config", help="The destination's configuration, a JSON file.")]
CatalogPath = Annotated[Path, Parameter(name="--catalog", help="The configured catalog, a JSON file.")]
JournalPath = Annotated[
    Path | None,
    Parameter(name="--journal", help="Append every lifecycle transition to this file, as JSON lines."),
]

Faults = Annotated[
    tuple[str, ...],
    Parameter(
        name="--fault", help="Fail on purpose, for example after:swap=kill. Needs DATAFLOW_ALLOW_FAULTS=1."
    ),
]
StateLatency = Annotated[
    float,
    Parameter(name="--state-latency", help="Seconds a STATE may wait before the rows it covers are written."),
]


def destination_app(definition: Definition, destination: Destination) -> App:
    """The command line of an Airbyte destination; `--spec`, `--check` and `--write` are upstream's spellings."""
    app = App(
        name=f"destination-{definition.name}",
        help=f"Load Airbyte records into {definition.name}. Messages in on stdin, messages out on stdout.",
        version_flags=["--version"],
        result_action="return_value",
    )

    def spec() -> int:
        """Print the SPEC message: what can be configured."""
        return destination.spec()

    def check(*, config: ConfigPath) -> int:
        """Print a CONNECTION_STATUS message: whether a sync could work."""
        return destination.check(config)

    def write(
        *,
        config: ConfigPath,
        catalog: CatalogPath,
        journal: JournalPath = None,
        fault: Faults = (),
        state_latency: StateLatency = STATE_LATENCY,
    ) -> int:
        """Load the records on stdin; print STATE messages as soon as what they cover is durable."""
        thresholds = Thresholds(state_latency=state_latency)
        options = WriteOptions(journal=journal, faults=fault, thresholds=thresholds)
        return destination.write(config, catalog, sys.stdin.fileno(), options)

    for command in (spec, check, write):
        app.command(command)
        app.command(command, name=f"--{command.__name__}", show=False)
    return app


def main_for(definition: Definition) -> None:
    """The whole of a connector's command: run it, exit with its code. stdout carries protocol lines only."""
    _collect_rarely()
    destination = Destination(definition, standard_output())
    app = destination_app(definition, destination)
    code = destination.guard(lambda: int(app(sys.argv[1:])))
    sys.stderr.flush()
    os._exit(code)


def _collect_rarely() -> None:
    """A batch makes thousands of short-lived tuples and no cycles: looking for cycles cost a fifth of a sync's CPU."""
    gc.freeze()
    gc.set_threshold(200_000, 50, 50)


dataflow_app = App(
    name="dataflow",
    help="What surrounds a sync: pictures of the machines, replay of journals.",
    result_action="return_value",
)


@dataflow_app.command
def diagram(machine: str | None = None, *, out: Path | None = None) -> int:
    """Print a machine's picture (Mermaid), or write every machine's page into a folder."""
    for name in [machine] if machine else list(MACHINES):
        if out is not None:
            (out / f"{name}.md").write_text(page(name))
        else:
            print(mermaid(MACHINES[name]))
    return 0


@dataflow_app.command(name="replay")
def replay_journal(journal: Path) -> int:
    """Drive fresh machines from a journal, and name the first divergence."""
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
    sys.exit(dataflow_app(sys.argv[1:]))
