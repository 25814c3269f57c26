"""What cannot be used is refused clearly, before a table is touched or where it stands; nothing durable is lost."""

import json
from typing import Any

import pytest

from tests.whole.command import Destination
from tests.whole.messages import catalog, complete, record, state, stream

USERS = stream("users", {"id": "integer"})


@pytest.mark.parametrize(
    ("streams", "failure_type", "says"),
    [
        ([], "config_error", "at least one stream"),
        (
            [stream("users", {"id": "integer"}, generation=5, minimum=3)],
            "system_error",
            "hybrid refresh",
        ),
        ([stream("users", {"id": "integer"}, mode="append_dedup")], "config_error", "primary key"),
        ([{"stream": {"name": "users"}}], "config_error", "catalog cannot be read"),
    ],
)
def test_a_catalog_that_cannot_be_followed_is_refused_before_any_table_is_touched(
    destination: Destination, streams: list[Any], failure_type: str, says: str
) -> None:
    outcome = destination.write(catalog(*streams), [record("users", {"id": 1}), complete("users")])

    (error,) = outcome.errors
    assert outcome.code == 1
    assert error["failure_type"] == failure_type
    assert says in error["message"]
    assert destination.tables() == []


@pytest.mark.parametrize(
    "bad",
    [
        b"this is not JSON\n",
        b'{"type":"RECORD","record":{"stream":"strangers","emitted_at":1,"data":{}}}\n',
        b"[1]\n",
    ],
    ids=["no JSON", "unknown stream", "no message"],
)
def test_the_run_stops_at_a_line_it_cannot_use_and_acknowledges_what_is_durable(
    destination: Destination, bad: bytes
) -> None:
    lines = [
        record("users", {"id": 1}),
        state("users", "s1"),
        bad,
        record("users", {"id": 2}),
        complete("users"),
    ]

    outcome = destination.write(catalog(USERS), lines)

    (error,) = outcome.errors
    assert outcome.code == 1
    assert outcome.states == ["s1"]
    assert "Line 3 " in error["message"]
    assert "this is not JSON" not in json.dumps(error)
    assert destination.rows("users", ["id"]) == [(1,)]


def test_a_stream_without_complete_fails_alone(destination: Destination) -> None:
    orders = stream("orders", {"id": "integer"}, generation=1, minimum=1)
    lines = [
        record("users", {"id": 1}),
        record("orders", {"id": 7}),
        state("orders", "o1"),
        complete("users"),
    ]

    outcome = destination.write(catalog(USERS, orders), lines)

    (error,) = outcome.errors
    assert outcome.code == 1
    assert error["failure_type"] == "transient_error"
    assert error["stream_descriptor"]["name"] == "orders"
    assert outcome.states == ["o1"]
    assert destination.rows("users", ["id"]) == [(1,)]
    assert "orders" not in destination.tables()


def test_a_configuration_that_cannot_be_used_is_a_config_error(destination: Destination) -> None:
    running = destination.start(
        "write",
        "--config",
        destination.file("bad.json", ["no object"]),
        "--catalog",
        destination.file("catalog.json", catalog(USERS)),
    )

    outcome = running.finish()

    assert outcome.code == 1
    assert outcome.errors[0]["failure_type"] == "config_error"


def test_a_failed_check_is_an_answer(destination: Destination) -> None:
    running = destination.start("check", "--config", destination.file("bad.json", {}))

    outcome = running.finish()

    (status,) = (m["connectionStatus"] for m in outcome.messages if m["type"] == "CONNECTION_STATUS")
    assert outcome.code == 0
    assert status["status"] == "FAILED"
    assert status["message"]
