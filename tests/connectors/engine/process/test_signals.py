"""SIGTERM and SIGINT as requests: reported once, held back from everything else, and not answered a second time."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys, threading, time
asked, before = signal.Signals(int(sys.argv[1])), sys.argv[2]
signal.signal(asked, getattr(signal, before))
from connectors.engine.process.signals import Requests
from dataflow.runtime import SYSTEM

requests, heard = Requests(), threading.Event()
requests.notify(lambda reason: (print(reason, flush=True), heard.set()), SYSTEM.threads)
os.kill(os.getpid(), asked)
heard.wait(0.5 if before == "SIG_IGN" else 60)
print(requests.failure_code, flush=True)
if sys.argv[3] == "again":
    os.kill(os.getpid(), asked)
    time.sleep(60)
"""


def ran(asked: signal.Signals, before: str, then: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", PROGRAM, str(int(asked)), before, then]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(("asked", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_first_request_is_reported_and_is_what_a_failure_exits_with(
    asked: signal.Signals, code: int
) -> None:
    found = ran(asked, "SIG_DFL")

    told, failure_code = found.stdout.splitlines()
    assert (found.returncode, failure_code) == (0, str(code))
    assert told.startswith(f"The sync was asked to stop, by {asked.name}.")


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_the_second_request_ends_the_process(asked: signal.Signals) -> None:
    assert ran(asked, "SIG_DFL", "again").returncode == -asked


def test_what_was_to_be_ignored_still_is() -> None:
    """As of a process that a shell has put into the background."""
    found = ran(signal.SIGINT, "SIG_IGN")

    assert (found.returncode, found.stdout.split()) == (0, ["1"])


def test_a_request_that_came_before_is_reported_too() -> None:
    """Its parent had held the signals back, as the entry point of the image does."""
    command = ["env", "--block-signal=TERM", sys.executable, "-c", EARLY]

    found = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert found.stdout.startswith("The sync was asked to stop, by SIGTERM.")


EARLY = """
import os, signal, threading
os.kill(os.getpid(), signal.SIGTERM)
from connectors.engine.process.signals import Requests
from dataflow.runtime import SYSTEM

heard = threading.Event()
Requests().notify(lambda reason: (print(reason, flush=True), heard.set()), SYSTEM.threads)
heard.wait(60)
"""
