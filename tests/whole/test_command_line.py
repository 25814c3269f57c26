"""The command line of an Airbyte destination: its verbs, their upstream spellings, and nothing else on stdout."""

import pytest

from tests.whole.command import Destination
from tests.whole.messages import catalog, complete, record, state, stream


@pytest.mark.parametrize("verb", ["spec", "--spec"])
def test_spec_prints_what_can_be_configured(destination: Destination, verb: str) -> None:
    outcome = destination.start(verb).finish()

    (message,) = outcome.messages
    assert outcome.code == 0
    assert message["spec"]["connectionSpecification"]["type"] == "object"
    assert message["spec"]["supported_destination_sync_modes"] == ["overwrite", "append", "append_dedup"]


@pytest.mark.parametrize("verb", ["check", "--check"])
def test_check_succeeds_and_leaves_nothing_behind(destination: Destination, verb: str) -> None:
    outcome = destination.start(
        verb, "--config", destination.file("config.json", destination.config)
    ).finish()

    assert outcome.code == 0
    assert outcome.messages[-1]["connectionStatus"]["status"] == "SUCCEEDED"
    assert destination.tables() == []


@pytest.mark.parametrize("verb", ["write", "--write"])
def test_write_loads_records_and_emits_state(destination: Destination, verb: str) -> None:
    configured = catalog(stream("users", {"id": "integer", "name": "string"}))
    running = destination.start(
        verb,
        "--config",
        destination.file("config.json", destination.config),
        "--catalog",
        destination.file("catalog.json", configured),
    )
    running.send(record("users", {"id": 1, "name": ""}), state("users", "s1", count=1), complete("users"))

    outcome = running.finish()

    assert outcome.code == 0
    assert outcome.states == ["s1"]
    assert destination.rows("users", ["id", "name"]) == [(1, "")]


def test_everything_on_stdout_is_a_message(destination: Destination) -> None:
    outcome = destination.write(catalog(stream("users", {"id": "integer"})), [complete("users")])

    assert outcome.code == 0
    assert {message["type"] for message in outcome.messages} <= {"LOG", "STATE", "TRACE"}


def test_a_state_is_emitted_while_the_source_is_still_silent(destination: Destination) -> None:
    running = destination.start_write(catalog(stream("users", {"id": "integer"})), "--state-latency", "0.1")
    running.send(record("users", {"id": 1}), state("users", "s1"))

    told = running.wait_for_state()

    assert told == "s1"
    running.send(complete("users"))
    assert running.finish().code == 0


def test_a_journal_that_can_no_longer_be_written_does_not_end_the_sync(destination: Destination) -> None:
    running = destination.start_write(catalog(stream("users", {"id": "integer"})), "--journal", "/dev/full")
    running.send(record("users", {"id": 1}), state("users", "s1"), complete("users"))

    outcome = running.finish()

    logged = [message["log"] for message in outcome.messages if message["type"] == "LOG"]
    warnings = [log["message"] for log in logged if log["level"] == "WARN"]
    assert (outcome.code, outcome.states) == (0, ["s1"])
    assert warnings == ["The journal ends here: No space left on device. The sync continues without it."]


def test_a_stream_that_cannot_be_started_is_named(destination: Destination) -> None:
    running = destination.start_write(
        catalog(stream("users", {"id": "integer"})), faults=["before:claim=permanent"]
    )

    outcome = running.finish()

    assert outcome.code == 1
    assert [error.get("stream_descriptor") for error in outcome.errors] == [
        None,
        {"name": "users", "namespace": None},
    ]


def test_a_miscount_fails_its_stream_where_that_is_asked_for(destination: Destination) -> None:
    counted = catalog(stream("users", {"id": "integer"}))
    running = destination.start_write(counted, "--miscounts", "fail")
    running.send(record("users", {"id": 1}), state("users", "s1", count=2), complete("users"))

    outcome = running.finish()

    (error,) = outcome.errors
    assert (outcome.code, outcome.states) == (1, [])
    assert error["stream_descriptor"] == {"name": "users", "namespace": None}
    assert (
        "The source counts 2 records before a STATE of stream users; the number received is 1."
        in error["message"]
    )
