"""Time, randomness and threads: what their homes promise, and that nothing else uses the system's."""

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from attrs import frozen

from dataflow import runtime
from dataflow.runtime import SYSTEM
from dataflow.runtime.clock import SetClock, milliseconds
from dataflow.runtime.randomness import fraction, token
from dataflow.runtime.threads import Empty
from tests.ours import OURS

ROOT = Path(__file__).parents[3]
ELSEWHERE = [
    "dataflow/batch.py",
    "machines/stream.py",
    "connectors/engine/sync/sync.py",
    "connectors/sqlite/client.py",
]


@frozen
class Same:
    """Randomness of one byte alone."""

    byte: int

    def take(self, count: int) -> bytes:
        return bytes([self.byte]) * count


def complaints(file: str, code: str) -> str:
    """What the linter says of this code in that file."""
    command = [sys.executable, "-m", "ruff", "check", "--select=TID251", "--output-format=concise"]
    found = subprocess.run(
        [*command, f"--stdin-filename={file}", "-"],
        input=code,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    return found.stdout


@pytest.mark.parametrize("file", ELSEWHERE)
@pytest.mark.parametrize(
    "code",
    [
        "import time",
        "from time import sleep",
        "from datetime import datetime\nnow = datetime.now()",
        "import datetime\nnow = datetime.datetime.now(datetime.UTC)",
        "import threading",
        "from concurrent.futures import ThreadPoolExecutor",
        "from queue import SimpleQueue",
        "import asyncio",
        "import random",
        "import secrets",
        "import os\nsome = os.urandom(8)",
        "from uuid import uuid4",
        "import uuid\nname = uuid.uuid4()",
        "import numpy as np\nsome = np.random.default_rng()",
        "from tenacity import wait_exponential_jitter",
        "from dataflow.runtime import SYSTEM",
        "import asyncssh",
        "import subprocess",
        "import tempfile",
        "import fcntl\nfcntl.flock(0, fcntl.LOCK_EX)",
        "import signal\nsignal.sigwait([signal.SIGTERM])",
        "from socket import create_connection",
    ],
)
def test_the_linter_refuses_the_systems_time_randomness_and_threads(file: str, code: str) -> None:
    assert "TID251" in complaints(file, code)


@pytest.mark.parametrize("file", ELSEWHERE)
@pytest.mark.parametrize(
    "code",
    [
        "from datetime import datetime, time\nwhen = datetime.fromtimestamp(0), time.fromisoformat('10:00')",
        "from uuid import UUID",
        "from dataflow.runtime import Runtime",
        "from dataflow.runtime.threads import Threads",
    ],
)
def test_the_linter_allows_values_of_time_and_what_is_handed_in(file: str, code: str) -> None:
    assert "TID251" not in complaints(file, code)


def test_each_place_that_waits_by_itself_is_named_where_the_rule_is() -> None:
    excused = {
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        for room in ("dataflow", "machines", "connectors")
        for path in (ROOT / room).rglob("*.py")
        for line in path.read_text().split("\n")
        if "noqa: TID251" in line and "import SYSTEM" not in line
    }

    said = [runtime.__doc__, *(import_module(f"connectors.{name}").__doc__ for name in OURS)]
    assert excused == set(re.findall(r"`(connectors\.[a-z_]+\.[a-z_.]+)`", "".join(map(str, said))))


@pytest.mark.parametrize(("byte", "expected"), [(0x00, 0.0), (0x80, 0.501960784313725), (0xFF, 1 - 2**-53)])
def test_a_fraction_is_from_0_up_to_and_without_1(byte: int, expected: float) -> None:
    found = fraction(Same(byte))

    assert found == pytest.approx(expected)
    assert 0 <= found < 1


@pytest.mark.parametrize("digits", [8, 32])
def test_a_token_has_as_many_hexadecimal_digits_as_were_asked_for(digits: int) -> None:
    found = token(SYSTEM.randomness, digits)

    assert len(found) == digits
    assert set(found) <= set("0123456789abcdef")


def test_the_time_in_milliseconds_is_whole() -> None:
    assert milliseconds(SetClock(1_767_225_600.1259)) == 1_767_225_600_125


def test_the_systems_moments_never_go_back() -> None:
    first, second = SYSTEM.clock.monotonic(), SYSTEM.clock.monotonic()

    assert first <= second


def test_a_descriptor_is_readable_once_something_came_and_at_its_end() -> None:
    source, into = os.pipe()

    before = SYSTEM.threads.readable(source, 0.0)
    os.write(into, b"x")
    written = SYSTEM.threads.readable(source, 60.0)
    os.read(source, 1)
    os.close(into)
    ended = SYSTEM.threads.readable(source, 60.0)

    os.close(source)
    assert (before, written, ended) == (False, True, True)


def test_a_thread_does_its_work_under_its_name() -> None:
    names: list[str] = []

    thread = SYSTEM.threads.start(lambda: names.append(SYSTEM.threads.current()), "worker")
    thread.join()

    assert names == ["worker"]
    assert not thread.is_alive()


def test_a_lock_is_taken_again_by_the_thread_that_has_it() -> None:
    lock = SYSTEM.threads.lock()

    with lock, lock:
        pass


def test_a_queue_keeps_the_order_and_says_when_nothing_came_in_time() -> None:
    queue = SYSTEM.threads.queue()
    queue.put(1)
    queue.put(2)

    assert (queue.qsize(), queue.get(), queue.get(timeout=0.0)) == (2, 1, 2)
    with pytest.raises(Empty):
        queue.get(timeout=0.0)
