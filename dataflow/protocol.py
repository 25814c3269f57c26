"""The Airbyte messages that a destination reads, and their JSON. Decides nothing about them.

Records are read many lines at a time by `dataflow.input.compiled`. What a destination writes is in
`dataflow.output_messages`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
from attrs import field, frozen

from dataflow.keys import Unfit
from dataflow.types import Change, StreamName
from dataflow.values.aside import REFUSED, set_aside

# What a small object of Python's takes, with what it is kept in: in bytes, about.
OBJECT_BYTES = 400


class StateKind(StrEnum):
    """What a STATE covers. The protocol's default, for one without a type, is the LEGACY blob."""

    STREAM = "STREAM"
    GLOBAL = "GLOBAL"
    LEGACY = "LEGACY"


# A partition of a stream's records, or of any stream's for None: a name the source gives.
Partition = tuple[StreamName | None, str]


@frozen(kw_only=True)
class PartitionTally:
    """How many records of a partition, and the bytes of their lines."""

    records: int
    size: int


# STATEs have an order within their scope: a STREAM state's is its stream; the others share one.
Scope = StreamName | None


@frozen(kw_only=True)
class State:
    """A checkpoint of the source. `text` is its JSON object as it arrived, which is emitted unchanged."""

    text: bytes = field(repr=False)
    kind: StateKind
    # Its scope: the one stream of a STREAM state; None for the others, which cover every stream.
    stream: Scope
    # How many records the source says it sent since the state before; None where it does not say.
    source_count: float | None
    # A state that describes itself: its place in the order, from 1, and the partitions whose records it covers.
    id: int | None = None
    partitions: tuple[Partition, ...] = ()

    @property
    def held(self) -> int:
        """Bytes of memory that it takes, about."""
        return OBJECT_BYTES + len(self.text) + sum(OBJECT_BYTES + len(name) for _, name in self.partitions)

    @property
    def describes_itself(self) -> bool:
        """Whether it covers the partitions it names, and not simply what came before it."""
        return self.id is not None and bool(self.partitions) and self.source_count is not None


class Status(StrEnum):
    """A stream's status, as the source reports it."""

    STARTED = "STARTED"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    INCOMPLETE = "INCOMPLETE"


@frozen
class StreamStatus:
    """The source's word on one stream."""

    stream: StreamName
    status: Status

    @property
    def held(self) -> int:
        """Bytes of memory that it takes, about."""
        return OBJECT_BYTES


@frozen(kw_only=True)
class Record:
    """A record that was read by itself. Its size is of its line, in bytes, its time in milliseconds since 1970."""

    stream: StreamName
    # One per declared column, as `cells.loosen` gives them.
    cells: tuple[Any, ...] = field(repr=lambda of: f"<{len(of)}>")
    emitted_at: int
    size: int
    changes: tuple[Change, ...] = ()
    # For the fields that must be held as they were sent.
    unfit: tuple[Unfit, ...] = ()
    # The source's own, as the inner text of a JSON list.
    source_changes: bytes = field(default=b"", repr=lambda of: f"<{len(of)}>")
    partition: str | None = None
    # Names in its data that are no declared column's.
    unknown: tuple[str, ...] = ()


@frozen
class Unusable:
    """A record that cannot be used, of a stream that is known: its line's number, from 1, and why.

    Why is said in words that quote nothing of the line.
    """

    stream: StreamName
    line: int
    reason: str

    @property
    def held(self) -> int:
        """Bytes of memory that it takes, about."""
        return OBJECT_BYTES + len(self.reason)


Message = Record | State | StreamStatus | Unusable


class _Descriptor(msgspec.Struct):
    name: str
    namespace: str | None = None

    def stream(self) -> StreamName:
        return StreamName(self.namespace or None, self.name)


class _StreamState(msgspec.Struct):
    stream_descriptor: _Descriptor
    partition_id: str | None = None


class _Global(msgspec.Struct):
    stream_states: list[_StreamState] | None = None


class _SaidOfStream(msgspec.Struct):
    stream_descriptor: _Descriptor
    stream_state: msgspec.Raw = msgspec.Raw(b"null")


class _SaidOfAll(msgspec.Struct):
    stream_states: list[_SaidOfStream] | None = None


class _Said(msgspec.Struct):
    stream: _SaidOfStream | None = None
    globe: _SaidOfAll | None = msgspec.field(name="global", default=None)


class _SourceStats(msgspec.Struct):
    record_count: float | None = msgspec.field(name="recordCount", default=None)


class _State(msgspec.Struct):
    type: str | None = None
    stream: _StreamState | None = None
    globe: _Global | None = msgspec.field(name="global", default=None)
    id: int | None = None
    partition_id: str | None = None
    stats: _SourceStats | None = msgspec.field(name="sourceStats", default=None)


class _Status(msgspec.Struct):
    stream_descriptor: _Descriptor
    status: str


class _Trace(msgspec.Struct):
    type: str | None = None
    stream_status: _Status | None = None


_states = msgspec.json.Decoder(_State)
_said = msgspec.json.Decoder(_Said)
_traces = msgspec.json.Decoder(_Trace)


def lacking(member: str) -> msgspec.ValidationError:
    """The library's own error of an object without a member."""
    return msgspec.ValidationError(f"Object missing required field `{member}`")


def read_state(text: bytes, as_it_came: bytes | None = None) -> State:
    """The STATE in a message's `state` object. Raises msgspec's errors for one that is not.

    `as_it_came` is given for a text that no decoder takes, of which the other is a readable form.
    """
    state = _states.decode(text)
    kind = _kind(state)
    if kind is StateKind.STREAM and state.stream is None:
        raise lacking("stream")
    return State(
        text=text if as_it_came is None else as_it_came,
        kind=kind,
        stream=state.stream.stream_descriptor.stream() if kind is StateKind.STREAM and state.stream else None,
        source_count=state.stats.record_count if state.stats else None,
        id=state.id,
        partitions=_partitions_of(state),
    )


def said_of_streams(state: State) -> Mapping[StreamName, bool]:
    """The streams that a STATE names, and whether it says of them that something was read.

    A state that is null or empty makes its source start over with the stream. LEGACY names none.
    """
    try:
        return _said_in(state.text)
    except REFUSED:
        return _said_in(set_aside(state.text).text)


def _said_in(text: bytes) -> Mapping[StreamName, bool]:
    body = _said.decode(text)
    listed = [body.stream] if body.stream else (body.globe.stream_states or []) if body.globe else []
    return {each.stream_descriptor.stream(): bool(msgspec.json.decode(each.stream_state)) for each in listed}


def _partitions_of(state: _State) -> tuple[Partition, ...]:
    found: list[Partition] = []
    if state.partition_id is not None:
        found.append((state.stream.stream_descriptor.stream() if state.stream else None, state.partition_id))
    parts = (state.globe.stream_states or []) if state.globe else []
    found += [(p.stream_descriptor.stream(), p.partition_id) for p in parts if p.partition_id is not None]
    return tuple(found)


def _kind(state: _State) -> StateKind:
    # PyAirbyte writes every absent member as null, so a member counts only when it holds something.
    if state.type is not None:
        return StateKind(state.type) if state.type in StateKind.__members__ else StateKind.LEGACY
    if state.globe is not None:
        return StateKind.GLOBAL
    return StateKind.STREAM if state.stream is not None else StateKind.LEGACY


def read_trace(text: bytes) -> StreamStatus | None:
    """The stream status in a message's `trace` object; None for any other trace. Raises msgspec's errors."""
    trace = _traces.decode(text)
    if trace.stream_status is None or trace.type not in (None, "STREAM_STATUS"):
        return None
    if trace.stream_status.status not in Status.__members__:
        return None
    return StreamStatus(trace.stream_status.stream_descriptor.stream(), Status(trace.stream_status.status))
