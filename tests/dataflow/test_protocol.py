"""STATE and statuses as sources and platforms really write them."""

import msgspec
import pytest

from dataflow.protocol import State, StateKind, Status, read_state, read_trace, said_of_streams
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
