"""The structs that messages decode into, made for a catalog's streams. Decodes nothing itself."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from attrs import field, frozen

from dataflow.coercion import annotation
from dataflow.types import Column, Limits, StreamName

# Years 1 to 9999 in milliseconds: a source that counts nanoseconds would order its records by accident.
EARLIEST, LATEST = -62_135_596_800_000, 253_402_300_799_999


@frozen(kw_only=True)
class Shape:
    """What turns a stream's records into rows: its columns, what they can hold, and the numbers each row carries."""

    name: StreamName
    columns: tuple[Column, ...]
    limits: Limits
    generation_id: int
    sync_id: int


class Meta(msgspec.Struct, gc=False):
    """What a source says of a record beside its data."""

    changes: msgspec.Raw = msgspec.Raw()


class AnyRecord(msgspec.Struct, gc=False):
    """A record of any stream, its cells left as they stand."""

    stream: str
    emitted_at: Annotated[float, msgspec.Meta(ge=EARLIEST, le=LATEST)]
    data: dict[str, msgspec.Raw]
    namespace: str | None = None
    meta: Meta | None = None
    partition_id: str | None = None


class Envelope(msgspec.Struct):
    """A message of any type, its body left as it stands."""

    type: str
    record: msgspec.Raw = msgspec.Raw()
    state: msgspec.Raw = msgspec.Raw()
    trace: msgspec.Raw = msgspec.Raw()


class StateMessage(msgspec.Struct, tag_field="type", tag="STATE"):
    """A STATE, left as it stands."""

    state: msgspec.Raw


class TraceMessage(msgspec.Struct, tag_field="type", tag="TRACE"):
    """A TRACE, left as it stands."""

    trace: msgspec.Raw


class LogMessage(msgspec.Struct, tag_field="type", tag="LOG"):
    """A LOG, of which nothing is kept."""


def data_fields(columns: Sequence[Column]) -> tuple[str, ...]:
    """The attributes of a decoded record's data, one per column, in their order."""
    return tuple(f"f{number}" for number in range(len(columns)))


def data_struct(columns: Sequence[Column]) -> Any:
    """The struct a stream's data decodes into; a field absent from the record gets its default."""
    names = data_fields(columns)
    absent = {True: msgspec.Raw(), False: None}
    return msgspec.defstruct(
        "Data",
        [(n, a := annotation(c.kind), absent[a is msgspec.Raw]) for n, c in zip(names, columns, strict=True)],
        rename={n: c.field for n, c in zip(names, columns, strict=True)},
        gc=False,
    )


@frozen(kw_only=True)
class Road:
    """A decoder of whole messages: what its records are, and whose each record's body is."""

    decoder: Any = field(repr=False)
    record: type | None
    streams: Mapping[type, StreamName]
    # Whether the bodies hold what may stand beside a record's data.
    full: bool


def road(structs: Mapping[StreamName, Any], *, full: bool) -> Road:
    """The decoder for records of these streams, whose data decodes into these structs.

    Most records consist of their data, its time and its stream. A decoder that knows no more, and refuses more,
    is faster than the full one, which knows a record's `meta` and `partition_id` and passes over what it does not.
    """
    names = [name.name for name in structs]
    # Two streams of one name in two namespaces cannot be told apart by the tag: they go line by line.
    streams = {
        _body(name, data, full=full): name for name, data in structs.items() if names.count(name.name) == 1
    }
    union: Any = StateMessage | TraceMessage | LogMessage
    record = None
    if streams:
        record = msgspec.defstruct(
            "Record", [("record", _union(streams))], tag_field="type", tag="RECORD", gc=False
        )
        union = record | union
    return Road(decoder=msgspec.json.Decoder(union), record=record, streams=streams, full=full)


def _body(name: StreamName, data: Any, *, full: bool) -> type:
    namespace: tuple[Any, ...] = ("namespace", None, None)
    if name.namespace is not None:
        namespace = ("namespace", Literal[name.namespace])
    beside = [("meta", Meta | None, None), ("partition_id", str | None, None)]
    return msgspec.defstruct(
        "Body",
        [
            ("data", data),
            ("emitted_at", Annotated[int, msgspec.Meta(ge=EARLIEST, le=LATEST)]),
            namespace,
            *(beside if full else []),
        ],
        tag_field="stream",
        tag=name.name,
        gc=False,
        kw_only=True,
        forbid_unknown_fields=not full,
    )


def _union(types: Iterable[Any]) -> Any:
    first, *others = types
    for other in others:
        first = first | other
    return first
