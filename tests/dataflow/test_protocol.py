"""STATE as sources and platforms really write it, and what is emitted."""

import json

import msgspec
import pytest

from dataflow.errors import ConfigError
from dataflow.protocol import (
    State,
    StateKind,
    Status,
    connection_status_message,
    error_message,
    read_state,
    read_trace,
    said_of_streams,
    state_message,
)
from dataflow.runtime import SYSTEM
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


def test_a_state_is_emitted_as_it_came_with_our_members_added() -> None:
    text = (
        b'{"type":"STREAM","stream":{"stream_descriptor":{"name":"a"},'
        b'"stream_state":{"n":1.10,"big":12345678901234567890123}},"x":[1, 2]}'
    )

    line = state_message(read_state(text), {"destinationStats": {"recordCount": 2.0}})

    assert line.startswith(b'{"type":"STATE","state":')
    assert b'"n":1.10,"big":12345678901234567890123' in line
    assert b'"x":[1, 2]' in line
    assert json.loads(line)["state"]["destinationStats"] == {"recordCount": 2.0}


DEEP = b"[" * 5000 + b"]" * 5000


@pytest.mark.parametrize("odd", [b"1", b'"caf\\ud83d"', DEEP], ids=["plain", "half a character", "deep"])
@pytest.mark.parametrize(
    ("said", "something"),
    [(b"null", False), (b"{}", False), (b'""', False), (b'{"cursor":1}', True), (b"ODD", True)],
)
def test_a_state_says_of_which_streams_something_was_read_whatever_is_in_it(
    said: bytes, something: bool, odd: bytes
) -> None:
    text = (
        b'{"type":"GLOBAL","global":{"shared_state":ODD,"stream_states":['
        b'{"stream_descriptor":{"name":"a"},"stream_state":SAID},{"stream_descriptor":{"name":"b"}}]}}'
    )
    state = State(
        text=text.replace(b"SAID", said).replace(b"ODD", odd),
        kind=StateKind.GLOBAL,
        stream=None,
        source_count=None,
    )

    assert said_of_streams(state) == {StreamName(None, "a"): something, StreamName(None, "b"): False}


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
    line = error_message(ConfigError("No.", remedy="Do this."), SYSTEM.clock, StreamName("n", "a"))

    error = json.loads(line)["trace"]["error"]
    assert error["failure_type"] == "config_error"
    assert error["message"] == "No. Do this."
    assert error["stream_descriptor"] == {"name": "a", "namespace": "n"}


def test_a_defect_is_reported_as_a_system_error_without_its_words() -> None:
    line = error_message(ValueError("the content of a record"), SYSTEM.clock)

    assert json.loads(line)["trace"]["error"]["failure_type"] == "system_error"
    assert b"content of a record" not in line


def test_a_failed_check_says_why() -> None:
    line = connection_status_message(ConfigError("Postgres refused the password.", remedy="Set another."))

    assert json.loads(line)["connectionStatus"] == {
        "status": "FAILED",
        "message": "Postgres refused the password. Set another.",
    }
