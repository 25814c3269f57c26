"""A destination as the first process of a container, which no signal ends that it does not wait for."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.connectors.duckdb.place import duckdb_destination
from tests.environments import CHECKOUT
from tests.whole.messages import catalog, stream

# The image's, up to the destination itself.
(ENTRYPOINT,) = re.findall(r"^ENTRYPOINT (.*)$", (CHECKOUT / "Dockerfile").read_text(), re.MULTILINE)
HOLDING_BACK = json.loads(ENTRYPOINT)[:-1]
USERS = catalog(stream("users", {"id": "integer"}))


@contextmanager
def first_process(folder: Path) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """A sync that waits for its input, and its number out here."""
    destination = duckdb_destination(folder)
    arguments = [
        *("write", "--config", destination.file("config.json", destination.config)),
        *("--catalog", destination.file("catalog.json", USERS), "--quiet"),
    ]
    command = [*HOLDING_BACK, sys.executable, "-m", "connectors.duckdb", *arguments]
    with subprocess.Popen(
        ["/usr/bin/unshare", "--pid", "--fork", "--kill-child", *command],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        yield process, _running(process.pid)


def _running(parent: int) -> int:
    """The number of the destination, once it is more than what holds its signals back."""
    while True:
        for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            if Path(f"/proc/{child}/cmdline").read_bytes().startswith(sys.executable.encode()):
                return int(child)
        time.sleep(0.001)


def test_it_can_be_asked_to_stop_before_python_has_begun(tmp_path: Path) -> None:
    with first_process(tmp_path) as (process, child):
        os.kill(child, signal.SIGTERM)

        said, _ = process.communicate(timeout=60)

    assert process.returncode == 143
    assert b"The sync was asked to stop, by SIGTERM." in said


def test_the_second_request_ends_it_at_once(tmp_path: Path) -> None:
    with first_process(tmp_path) as (process, child):
        os.kill(child, signal.SIGSTOP)
        os.kill(child, signal.SIGTERM)
        os.kill(child, signal.SIGINT)
        os.kill(child, signal.SIGCONT)

        process.communicate(timeout=60)

    assert process.returncode in {130, 143}
