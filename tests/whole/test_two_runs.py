"""Two processes and one stream: a live run is named to the second, and a killed one is in nobody's way."""

from pathlib import Path

from tests.connectors.postgres.place import postgres_destination
from tests.servers.address import Address
from tests.whole.command import Destination
from tests.whole.messages import catalog, complete, record, state, stream

USERS = catalog(stream("users", {"id": "integer"}))
SECOND = [record("users", {"id": 2}), state("users", 2), complete("users")]


def test_a_second_run_is_refused_with_the_holder_of_the_stream(destination: Destination) -> None:
    first = destination.start_write(USERS, "--state-latency", "0")
    first.send(record("users", {"id": 1}), state("users", 1))
    first.wait_for_state()

    second = destination.write(USERS, SECOND)

    first.send(complete("users"))
    assert (second.code, second.states) == (1, [])
    assert {error["failure_type"] for error in second.errors} == {"config_error"}
    assert str(first.process.pid) in " ".join(error["message"] for error in second.errors)
    assert first.finish().code == 0
    assert destination.rows("users", ["id"]) == [(1,)]


def test_a_run_that_hangs_is_named_to_the_next_until_it_is_killed(destination: Destination) -> None:
    """It may come back at any time."""
    expect_named_while_it_hangs(destination, "before:flush=hang")


def test_a_run_that_hangs_in_a_transaction_is_named_to_the_next_until_it_is_killed(
    tmp_path: Path, postgres_database: Address
) -> None:
    """Databases in which a transaction does not keep the others out of the database."""
    expect_named_while_it_hangs(postgres_destination(tmp_path, postgres_database), "during:flush=hang")


def expect_named_while_it_hangs(destination: Destination, fault: str) -> None:
    """Nothing is written by the second run, and all by the third."""
    hung = destination.start_write(USERS, "--state-latency", "0", faults=[fault])
    hung.send(record("users", {"id": 1}), state("users", 1))
    hung.wait_until_read()

    refused = destination.write(USERS, SECOND)
    hung.kill()
    welcome = destination.write(USERS, [record("users", {"id": 3}), complete("users")])

    assert refused.code == 1
    assert {error["failure_type"] for error in refused.errors} == {"config_error"}
    assert str(hung.process.pid) in " ".join(error["message"] for error in refused.errors)
    assert welcome.code == 0
    assert destination.rows("users", ["id"]) == [(3,)]


def test_a_killed_run_does_not_keep_the_next_one_out(destination: Destination) -> None:
    first = destination.start_write(USERS, "--state-latency", "0")
    first.send(record("users", {"id": 1}), state("users", 1))
    first.wait_for_state()
    first.kill()

    second = destination.write(USERS, SECOND)

    assert (second.code, second.states) == (0, [2])
    assert destination.rows("users", ["id"]) == [(1,), (2,)]
