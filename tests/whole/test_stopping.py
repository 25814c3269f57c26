"""A sync that is asked to stop, or that nobody reads: what was acknowledged is kept, and no success is reported."""

import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.connectors.duckdb.place import duckdb_destination
from tests.whole.command import Destination, Running
from tests.whole.messages import catalog, complete, record, state, stream

# Published by a swap: until then the rows are in a temp table.
USERS = catalog(stream("users", {"id": "integer"}, generation=2, minimum=2))
# A STATE waits for an hour, unless something else has its rows written.
WAITING = ("--state-latency", "3600")
AT_ONCE = ("--state-latency", "0")


def begun(destination: Destination, *arguments: str, faults: Sequence[str] = ()) -> Running:
    """A sync that has read three records, of which a STATE covers two, and waits for more."""
    running = destination.start_write(USERS, *arguments, faults=faults)
    running.send(*(record("users", {"id": number}) for number in (1, 2)), state("users", 2))
    running.send(record("users", {"id": 3}))
    running.wait_until_read()
    return running


def published_by_the_next_run(destination: Destination) -> list[tuple[int]]:
    """The ids in the table, once a run has sent what the last STATE does not cover."""
    sent = [record("users", {"id": number}) for number in (3, 4)]
    assert destination.write(USERS, [*sent, complete("users")]).code == 0
    assert destination.tables() == ["users"]
    return destination.rows("users", ["id"])


# -- asked to stop


def test_a_sync_that_is_asked_to_stop_writes_what_it_has_read_and_acknowledges_it(
    destination: Destination,
) -> None:
    running = begun(destination, *WAITING)
    running.process.send_signal(signal.SIGTERM)
    running.process.wait(60)

    outcome = running.finish()

    assert (outcome.code, outcome.states) == (143, [2])
    assert [error["failure_type"] for error in outcome.errors] == ["transient_error"]
    assert "SIGTERM" in outcome.errors[0]["message"]
    assert "users" not in destination.tables()
    assert published_by_the_next_run(destination) == [(1,), (2,), (3,), (4,)]


def test_a_sync_that_is_asked_to_stop_before_it_has_read_anything_leaves_nothing_behind(
    destination: Destination,
) -> None:
    journal = destination.folder / "journal.jsonl"
    running = destination.start_write(USERS, "--journal", str(journal), faults=["after:open_temp=slow"])
    while not journal.exists() or "inspect" not in journal.read_text():
        time.sleep(0.01)
    running.process.send_signal(signal.SIGTERM)
    running.process.wait(60)

    outcome = running.finish()

    assert (outcome.code, outcome.states) == (143, [])
    assert destination.tables() == []


def test_a_second_request_to_stop_ends_the_waiting(destination: Destination) -> None:
    running = begun(destination, *AT_ONCE, faults=["before:flush=hang"])
    running.process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        running.process.wait(0.5)

    running.process.send_signal(signal.SIGTERM)

    assert running.finish().code == -signal.SIGTERM


# -- nobody listens


def test_a_sync_whose_messages_nobody_reads_stops_and_publishes_nothing(destination: Destination) -> None:
    running = destination.start_write(USERS, *AT_ONCE, stderr=subprocess.PIPE)
    running.send(*(record("users", {"id": number}) for number in (1, 2)), state("users", 2))
    running.wait_for_state()
    assert running.process.stdout
    assert running.process.stderr
    running.process.stdout.close()

    running.send(record("users", {"id": 3}), state("users", 3))
    running.process.wait(60)

    said = running.process.stderr.read().decode()
    running.process.stderr.close()
    running.end_input()
    assert running.process.returncode == 1
    assert "Broken pipe" in said
    assert "Traceback" not in said
    assert "users" not in destination.tables()
    # What was written and could not be acknowledged is sent again: an append may have it twice.
    assert set(published_by_the_next_run(destination)) == {(1,), (2,), (3,), (4,)}


def test_no_success_is_reported_when_a_state_could_not_be_written(destination: Destination) -> None:
    with Path("/dev/full").open("wb") as full:
        running = destination.start_write(USERS, stdout=full.fileno(), stderr=subprocess.PIPE)
        running.send(record("users", {"id": 1}), state("users", 1), complete("users"))
        _, said = running.process.communicate(timeout=60)

    assert running.process.returncode == 1
    assert b"No space left on device" in said
    assert b"Traceback" not in said


@pytest.mark.parametrize("verb", ["spec", "check"])
def test_an_answer_that_could_not_be_written_is_no_success(destination: Destination, verb: str) -> None:
    config = ["--config", destination.file("config.json", destination.config)] if verb == "check" else []
    with Path("/dev/full").open("wb") as full:
        running = destination.start(verb, *config, stdout=full.fileno(), stderr=subprocess.PIPE)
        _, said = running.process.communicate(timeout=60)

    assert running.process.returncode == 1
    assert b"Traceback" not in said


@pytest.mark.parametrize("verb", ["spec", "check", "write"])
def test_a_command_whose_stdout_is_closed_says_so_and_does_nothing(tmp_path: Path, verb: str) -> None:
    """The next file opened would have its number, and messages in it."""
    destination = duckdb_destination(tmp_path)
    config = ["--config", destination.file("config.json", destination.config)] if verb != "spec" else []
    names = ["--catalog", destination.file("catalog.json", USERS)] if verb == "write" else []
    before = sorted(destination.folder.iterdir())

    ran = destination.run_in_shell(">&-", verb, *config, *names, sent=[complete("users")])

    assert ran.returncode == 1
    assert b"stdout is closed" in ran.stderr
    assert sorted(destination.folder.iterdir()) == before


def test_a_sync_whose_stdin_is_closed_has_read_nothing(tmp_path: Path) -> None:
    destination = duckdb_destination(tmp_path)
    config = destination.file("config.json", destination.config)
    names = destination.file("catalog.json", USERS)

    ran = destination.run_in_shell("<&-", "write", "--config", config, "--catalog", names)

    assert ran.returncode == 1
    assert b"Traceback" not in ran.stderr
    assert "users" not in destination.tables()


def test_a_sync_whose_stderr_is_closed_works_all_the_same(tmp_path: Path) -> None:
    destination = duckdb_destination(tmp_path)
    config = destination.file("config.json", destination.config)
    names = destination.file("catalog.json", USERS)
    sent = [record("users", {"id": 1}), complete("users")]

    ran = destination.run_in_shell("2>&-", "write", "--config", config, "--catalog", names, sent=sent)

    assert ran.returncode == 0
    assert destination.rows("users", ["id"]) == [(1,)]


# -- nobody speaks


def test_an_input_that_ends_in_the_middle_of_a_line_may_be_sent_again(
    destination: Destination,
) -> None:
    """The source, or what stands between, was killed; that is nobody's mistake."""
    sent = [record("users", {"id": 1}), record("users", {"id": 2}), state("users", 2)]

    outcome = destination.write(USERS, [*sent, record("users", {"id": 3})[:-9]])

    assert (outcome.code, outcome.states) == (1, [2])
    assert [error["failure_type"] for error in outcome.errors] == ["transient_error"]
    assert "in the middle of line 4" in outcome.errors[0]["message"]
    assert published_by_the_next_run(destination) == [(1,), (2,), (3,), (4,)]


def test_a_last_line_without_its_end_counts(destination: Destination) -> None:
    outcome = destination.write(USERS, [record("users", {"id": 1}), complete("users").rstrip()])

    assert outcome.code == 0
    assert destination.rows("users", ["id"]) == [(1,)]
