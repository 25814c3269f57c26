"""STATE as sources and platforms really write it, and what is told back."""

import json

import msgspec
import pytest

from dataflow.errors import ConfigError
from dataflow.protocol import (
    StateKind,
    Status,
    connection_status_message,
    error_message,
    read_state,
    read_trace,
    state_message,
)
from dataflow.types import StreamName


@pytest.mark.parametrize(
    ("text", "kind", "stream"),
    [
        (
            b'{"type":"STREAM","stream":{"stream_descriptor":{"name":"a"}}}',
            StateKind.STREAM,
            StreamName(None, "a"),
        ),
        (
            b'{"type":"STREAM","stream":{"stream_descriptor":{"name":"a","namespace":"n"}},"global_":null,"data":null}',
            StateKind.STREAM,
            StreamName("n", "a"),
        ),
        (b'{"type":"GLOBAL","global":{"stream_states":[]}}', StateKind.GLOBAL, None),
        (b'{"global":{"stream_states":[]}}', StateKind.GLOBAL, None),
        (b'{"type":null,"global":null,"stream":null,"data":{"cursor":1}}', StateKind.LEGACY, None),
        (b'{"type":"LEGACY","data":{}}', StateKind.LEGACY, None),
        (b'{"data":{}}', StateKind.LEGACY, None),
        (
            b'{"stream":{"stream_descriptor":{"name":"a","namespace":""}}}',
            StateKind.STREAM,
            StreamName(None, "a"),
        ),
    ],
)
def test_a_state_says_what_it_covers(text: bytes, kind: StateKind, stream: StreamName | None) -> None:
    state = read_state(text)

    assert (state.kind, state.stream) == (kind, stream)


def test_a_state_is_told_back_as_it_came_with_our_members_added() -> None:
    text = (
        b'{"type":"STREAM","stream":{"stream_descriptor":{"name":"a"},'
        b'"stream_state":{"n":1.10,"big":12345678901234567890123}},"x":[1, 2]}'
    )

    line = state_message(read_state(text), {"destinationStats": {"recordCount": 2.0}})

    assert line.startswith(b'{"type":"STATE","state":')
    assert b'"n":1.10,"big":12345678901234567890123' in line
    assert b'"x":[1, 2]' in line
    assert json.loads(line)["state"]["destinationStats"] == {"recordCount": 2.0}


def test_a_stream_state_without_its_stream_is_no_state() -> None:
    with pytest.raises(msgspec.ValidationError):
        read_state(b'{"type":"STREAM"}')


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (
            b'{"type":"STREAM_STATUS","stream_status":{"stream_descriptor":{"name":"a"},"status":"COMPLETE"}}',
            Status.COMPLETE,
        ),
        (
            b'{"emitted_at":1.5,"stream_status":{"stream_descriptor":{"name":"a"},"status":"STARTED"}}',
            Status.STARTED,
        ),
    ],
)
def test_a_stream_status_is_read(text: bytes, status: Status) -> None:
    read = read_trace(text)

    assert read is not None
    assert (read.stream, read.status) == (StreamName(None, "a"), status)


@pytest.mark.parametrize(
    "text", [b'{"type":"ESTIMATE","estimate":{}}', b'{"type":"ERROR","error":{}}', b"{}"]
)
def test_other_traces_are_passed_over(text: bytes) -> None:
    assert read_trace(text) is None


def test_a_trace_error_names_its_kind_and_its_stream() -> None:
    line = error_message(ConfigError("No.", remedy="Do this."), StreamName("n", "a"))

    error = json.loads(line)["trace"]["error"]
    assert error["failure_type"] == "config_error"
    assert error["message"] == "No. Do this."
    assert error["stream_descriptor"] == {"name": "a", "namespace": "n"}


def test_a_defect_is_told_as_a_system_error_without_its_words() -> None:
    line = error_message(ValueError("the content of a record"))

    assert json.loads(line)["trace"]["error"]["failure_type"] == "system_error"
    assert b"content of a record" not in line


def test_a_failed_check_says_why() -> None:
    line = connection_status_message(ConfigError("Postgres refused the password.", remedy="Set another."))

    assert json.loads(line)["connectionStatus"] == {
        "status": "FAILED",
        "message": "Postgres refused the password. Set another.",
    }
