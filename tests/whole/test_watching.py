"""What a person sees of a sync while it goes on, from the process that runs it."""

import fcntl
import json
import os
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.connectors.duckdb.place import duckdb_destination
from tests.connectors.postgres.place import postgres_destination
from tests.servers.address import Address
from tests.starting import installed
from tests.whole.command import ROOT, TIMEOUT, Destination
from tests.whole.messages import catalog, complete, record, state, stream

USERS = catalog(stream("users", {"id": "integer"}, mode="append_dedup", primary_key=["id"]))
SENT = [record("users", {"id": 1}), state("users", 1), complete("users")]


def logged(messages: Iterator[Mapping[str, Any]]) -> Iterator[str]:
    """The LOG messages of a running sync, as they come."""
    return (message["log"]["message"] for message in messages if message["type"] == "LOG")


def test_a_merge_that_waits_for_a_lock_is_seen_to_be_at_work(
    tmp_path: Path, postgres_database: Address
) -> None:
    destination = postgres_destination(tmp_path, postgres_database)
    assert destination.write(USERS, SENT).code == 0

    with psycopg.connect(postgres_database.dsn) as other:
        other.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        running = destination.start_write(USERS, "--heartbeat", "0.2")
        running.send(*SENT)
        stdout = running.process.stdout
        assert stdout is not None
        ages = []
        for message in logged(map(json.loads, stdout)):
            if found := re.fullmatch(r"Stream users: merging for (\d+) ms\.", message):
                ages.append(int(found[1]))
            if len(ages) == 2:
                break

    assert running.finish().code == 0
    assert ages[1] > ages[0]


def test_a_sync_on_a_terminal_is_drawn_there_and_its_protocol_stays_on_stdout(tmp_path: Path) -> None:
    destination = duckdb_destination(tmp_path)

    # Long enough for a second picture in the place of the first.
    drawn, out = on_a_terminal(destination, "--fault", "before:flush=slow")

    assert re.search(r"users +done +1 +1 ", drawn)
    assert "Done after" in drawn
    assert "\x1b[0J" in drawn
    assert [json.loads(line)["type"] for line in out.splitlines()].count("STATE") == 1


def test_a_quiet_sync_says_nothing_but_its_states(tmp_path: Path) -> None:
    destination = duckdb_destination(tmp_path)

    drawn, out = on_a_terminal(destination, "--quiet")

    assert drawn == ""
    assert [json.loads(line)["type"] for line in out.splitlines()] == ["STATE"]


@pytest.mark.parametrize(("level", "told"), [("debug", True), ("info", False)])
def test_each_transition_is_logged_if_that_is_asked_for(tmp_path: Path, level: str, told: bool) -> None:
    outcome = duckdb_destination(tmp_path).write(USERS, SENT, "--log-level", level)

    transition = "Stream users: merging -> done, succeeded."
    assert (transition in logged(iter(outcome.messages))) is told


def on_a_terminal(destination: Destination, *arguments: str) -> tuple[str, bytes]:
    """What a sync draws on a terminal that is its stderr, and what it writes on its stdout."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 140, 0, 0))
    drawn = bytearray()

    def look() -> None:
        # A terminal whose other side is gone answers with an error.
        try:
            while part := os.read(ours, 4096):
                drawn.extend(part)
        except OSError:
            return

    looking = threading.Thread(target=look)
    looking.start()
    with subprocess.Popen(
        [
            *(sys.executable, "-m", f"connectors.{destination.name}", "write", *arguments),
            *("--config", destination.file("config.json", destination.config)),
            *("--catalog", destination.file("catalog.json", USERS)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=theirs,
        cwd=ROOT,
        env=installed() | {"DATAFLOW_ALLOW_FAULTS": "1"},
    ) as process:
        os.close(theirs)
        assert process.stdin is not None
        process.stdin.write(b"".join(SENT[:1]))
        process.stdin.flush()
        # Long enough for it to be drawn while it waits for more.
        time.sleep(1.5)
        out, _ = process.communicate(b"".join(SENT[1:]), timeout=TIMEOUT)
    looking.join(TIMEOUT)
    os.close(ours)
    # Without its colours.
    return re.sub(r"\x1b\[[\d;]*m", "", drawn.decode()), out
