"""A destination's whole process, fed through a pipe and timed. Knows no database."""

import os
import subprocess
import sys
import time
from pathlib import Path

from attrs import frozen

from tests.bench.workload import Workload


@frozen
class Cost:
    """What a process took: seconds on the clock, seconds of CPU, and the most memory it held, in MiB."""

    seconds: float
    cpu: float
    memory: float


def load(connector: str, config: Path, work: Workload, *options: str) -> Cost:
    """`cat messages | python -m connectors.<connector> write ...`, from start to exit."""
    started = time.perf_counter()
    with subprocess.Popen(["cat", str(work.messages)], stdout=subprocess.PIPE) as source:  # noqa: S607
        destination = subprocess.Popen(
            [
                *(sys.executable, "-m", f"connectors.{connector}", "write"),
                *("--config", str(config), "--catalog", str(work.catalog), *options),
            ],
            stdin=source.stdout,
            stdout=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(destination.pid, 0)
        seconds = time.perf_counter() - started
        # It was waited for behind its back.
        destination.returncode = os.waitstatus_to_exitcode(status)
    if destination.returncode != 0:
        raise RuntimeError(f"destination-{connector} exited with {destination.returncode}: see its output")
    return Cost(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
