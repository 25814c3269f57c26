"""`dataflow load` and `dataflow shards` as a person runs them: processes of their own."""

import subprocess
import sys

from attrs import frozen

from tests.starting import installed
from tests.whole.command import TIMEOUT, Destination

MAIN = (sys.executable, "-c", "from connectors.engine.commands import main; main()")
ENVIRONMENT = {"DATAFLOW_ALLOW_FAULTS": "1"}


@frozen
class Ran:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def to(destination: Destination) -> tuple[str, ...]:
    """The arguments that name a destination."""
    return ("--to", destination.name, "--config", str(destination.file("config.json", destination.config)))


def load(destination: Destination, *arguments: str) -> Ran:
    """`dataflow load` into the destination."""
    return dataflow("load", *arguments, *to(destination))


def dataflow(*arguments: str) -> Ran:
    """Any command."""
    ran = subprocess.run(
        [*MAIN, *arguments],
        capture_output=True,
        text=True,
        env=installed() | ENVIRONMENT,
        timeout=TIMEOUT,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)
