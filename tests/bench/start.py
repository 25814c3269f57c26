"""How long a command takes to answer: from the start of its process, with nothing to do. Knows no database."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.process import Cost
from tests.starting import installed
from tests.whole import messages

CATALOG = messages.catalog(messages.stream("users", {"id": "integer"}))
LINES = messages.record("users", {"id": 1}) + messages.state("users", "s1", count=1)


def command(*arguments: str) -> Cost:
    """A run of Python that answers and ends."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, env=installed(), check=True)
    return Cost(time.perf_counter() - started, 0, 0)


def first_state(connector: str, config: Mapping[str, Any], folder: Path) -> Cost:
    """A sync of one record and one STATE that may not wait: until the STATE is emitted."""
    files = {"config": config, "catalog": CATALOG}
    options = ["--state-latency", "0"]
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
        options += [f"--{name}", str(folder / name)]
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", f"connectors.{connector}", "write", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=installed(),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(LINES)
        process.stdin.flush()
        while b'"STATE"' not in process.stdout.readline():
            if process.poll() is not None:
                raise RuntimeError(f"destination-{connector} ended without a STATE: see its output")
        seconds = time.perf_counter() - started
        process.stdin.write(messages.complete("users"))
        process.communicate()
    return Cost(seconds, 0, 0)
