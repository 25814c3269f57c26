"""Two processes and one stream: a live run is named to the second, and a killed one is in nobody's way."""

from tests.whole.command import Destination
from tests.whole.messages import catalog, complete, record, state, stream

USERS = catalog(stream("users", {"id": "integer"}))


def test_a_second_run_is_told_who_holds_the_stream(destination: Destination) -> None:
    first = destination.start_write(USERS, "--state-latency", "0")
    first.send(record("users", {"id": 1}), state("users", 1))
    first.wait_for_state()

    second = destination.write(USERS, [record("users", {"id": 2}), state("users", 2), complete("users")])

    first.send(complete("users"))
    assert (second.code, second.states) == (1, [])
    assert {error["failure_type"] for error in second.errors} == {"config_error"}
    assert str(first.process.pid) in " ".join(error["message"] for error in second.errors)
    assert first.finish().code == 0
    assert destination.rows("users", ["id"]) == [(1,)]


def test_a_killed_run_does_not_keep_the_next_one_out(destination: Destination) -> None:
    first = destination.start_write(USERS, "--state-latency", "0")
    first.send(record("users", {"id": 1}), state("users", 1))
    first.wait_for_state()
    first.kill()

    second = destination.write(USERS, [record("users", {"id": 2}), state("users", 2), complete("users")])

    assert (second.code, second.states) == (0, [2])
    assert destination.rows("users", ["id"]) == [(1,), (2,)]
