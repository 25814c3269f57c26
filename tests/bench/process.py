"""A destination's whole process, fed through a pipe and timed. Knows no database."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from tests.bench.workload import Workload
from tests.starting import installed

# Between looks at the memory, in seconds: a look costs about a millisecond.
INTERVAL = 0.1


@frozen
class Cost:
    """What a process and its own took: seconds on the clock, seconds of CPU, and the most memory they held, in MiB.

    Memory that processes share is counted once, and sampled: a peak of a few milliseconds may be missed. `largest` is
    the most that one of them held resident, in MiB, with what it shared; 0 where it was not measured.
    """

    seconds: float
    cpu: float
    memory: float
    largest: float = 0


def load(connector: str, config: Path, work: Workload, *options: str) -> Cost:
    """`cat messages | python -m connectors.<connector> write ...`, from start to exit."""
    return run((f"connectors.{connector}",), config, work, *options)


def run(module: Sequence[str], config: Path, work: Workload, *options: str) -> Cost:
    """The same with a module, and the arguments that come before `write`."""
    return feed(("cat", str(work.messages)), module, config, work.catalog, *options)


def feed(
    messages: Sequence[str],
    module: Sequence[str],
    config: Path,
    catalog: Path,
    *options: str,
    codes: Collection[int] = (0,),
) -> Cost:
    """The same with a command that writes the messages, and the exit codes that are no failure of the measurement."""
    started = time.perf_counter()
    with subprocess.Popen(messages, stdout=subprocess.PIPE) as source:
        destination = subprocess.Popen(
            [
                *(sys.executable, "-m", *module, "write"),
                *("--config", str(config), "--catalog", str(catalog), *options),
            ],
            stdin=source.stdout,
            stdout=subprocess.DEVNULL,
            env=installed(),
        )
        memory = _watch(destination.pid)
        _, status, used = os.wait4(destination.pid, 0)
        seconds = time.perf_counter() - started
        # It was waited for behind its back.
        destination.returncode = os.waitstatus_to_exitcode(status)
    if destination.returncode not in codes:
        raise RuntimeError(f"{module[-1]} exited with {destination.returncode}: see its output")
    return Cost(seconds, used.ru_utime + used.ru_stime, memory())


def watched(command: Sequence[str]) -> Cost:
    """A command that is given nothing to read, from its start to its exit."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=installed())
    memory = _watch(process.pid)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    peak = memory()
    if process.returncode:
        raise RuntimeError(f"{command[0]} exited with {process.returncode}: see its output")
    return Cost(seconds, used.ru_utime + used.ru_stime, peak, used.ru_maxrss / 1024)


def _watch(pid: int) -> Callable[[], float]:
    """Begin to watch a process and its children; the answer ends it, and gives the most memory seen, in MiB."""
    peak = 0.0
    ended = threading.Event()

    def sample() -> None:
        nonlocal peak
        while not ended.wait(INTERVAL):
            family = [pid, *_descendants(pid)]
            peak = max(peak, sum(map(_proportional_memory, family)))

    watcher = threading.Thread(target=sample)
    watcher.start()

    def end() -> float:
        ended.set()
        watcher.join()
        return peak

    return end


def _descendants(pid: int) -> list[int]:
    with suppress(OSError):
        children = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return [each for child in children for each in (child, *_descendants(child))]
    return []


def _proportional_memory(pid: int) -> float:
    """What a process holds, of shared pages its share, in MiB; 0 once it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0
