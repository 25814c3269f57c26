"""The records' road from bytes to typed Python columns, many lines at a time. Knows no batch and no database.

The fast road decodes a whole chunk into structs made for the catalog's streams. A chunk that holds anything
it does not expect goes line by line, and a record that does not fit its struct goes cell by cell: the exact
road, which nulls the cell that does not fit and says so.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from attrs import frozen

from dataflow.cells import without_lone_surrogates
from dataflow.coercion import annotation, loosen
from dataflow.errors import InternalError
from dataflow.lines import REFUSED, line_ends, refused_line
from dataflow.protocol import Message, PartitionTally, Records, read_state, read_trace
from dataflow.types import Change, Column, Limits, StreamName

# Years 1 to 9999 in milliseconds: a source that counts nanoseconds would order its records by accident.
_EARLIEST, _LATEST = -62_135_596_800_000, 253_402_300_799_999


@frozen(kw_only=True)
class Shape:
    """What the decoder must know of a stream."""

    name: StreamName
    columns: tuple[Column, ...]
    limits: Limits


class _Meta(msgspec.Struct, gc=False):
    changes: msgspec.Raw = msgspec.Raw()


class _RecordMessage(msgspec.Struct, gc=False):
    """A record of any stream, as its line stands."""

    stream: str
    emitted_at: Annotated[float, msgspec.Meta(ge=_EARLIEST, le=_LATEST)]
    data: dict[str, msgspec.Raw]
    namespace: str | None = None
    meta: _Meta | None = None
    partition_id: str | None = None


class _Envelope(msgspec.Struct):
    """A message of any type, its body left as it stands."""

    type: str
    record: msgspec.Raw = msgspec.Raw()
    state: msgspec.Raw = msgspec.Raw()
    trace: msgspec.Raw = msgspec.Raw()


class _State(msgspec.Struct, tag_field="type", tag="STATE"):
    state: msgspec.Raw


class _Trace(msgspec.Struct, tag_field="type", tag="TRACE"):
    trace: msgspec.Raw


class _Log(msgspec.Struct, tag_field="type", tag="LOG"):
    pass


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


class Decoder:
    """Decodes chunks of whole lines for the catalog's streams, counting lines as it goes."""

    def __init__(self, shapes: Iterable[Shape]) -> None:
        self._shapes = {shape.name: shape for shape in shapes}
        self._structs = {name: data_struct(shape.columns) for name, shape in self._shapes.items()}
        self._by_body: dict[type, StreamName] = {}
        self._envelope = msgspec.json.Decoder(_Envelope)
        self._record = msgspec.json.Decoder(_RecordMessage)
        self._message_type, self._fast = self._fast_decoder()
        self.lines = 0

    def decode(self, chunk: bytes) -> Iterator[Message]:
        """The chunk's messages in their order; records of one stream that follow each other come together.

        Raises InternalError, after what stands before it was given, for a line that is no message and for a
        record of a stream that the catalog does not name. The error names the line, never what it says.
        """
        ends = line_ends(chunk)
        view, line, last = memoryview(chunk), 0, len(ends) - 1
        while line < last:
            begin = int(ends[line]) + 1
            try:
                yield from self._many(view[begin:], ends[line:])
                return
            except REFUSED as refused:
                bad = refused_line(refused, ends, line)
            if bad is None:
                yield from self._line_by_line(chunk[begin:])
                return
            if bad > line:
                try:
                    yield from self._many(view[begin : int(ends[bad]) + 1], ends[line : bad + 1])
                except REFUSED:
                    yield from self._line_by_line(chunk[begin:])
                    return
            yield from self._line_by_line(chunk[int(ends[bad]) + 1 : int(ends[bad + 1]) + 1])
            line = bad + 1

    def _many(self, lines: memoryview, ends: "np.ndarray[Any, Any]") -> list[Message]:
        """All of these lines at once, or none: what refuses one of them refuses them all."""
        decoded = self._fast.decode_lines(lines)
        if len(decoded) != len(ends) - 1:
            raise msgspec.ValidationError("there are lines without a message")
        messages = list(self._spans(decoded, ends))
        self.lines += len(decoded)
        return messages

    # -- the fast road

    def _fast_decoder(self) -> tuple[Any, Any]:
        bodies: list[Any] = []
        names = [name.name for name in self._shapes]
        for name in self._shapes:
            # Two streams of one name in two namespaces cannot be told apart by the tag: they go line by line.
            if names.count(name.name) > 1:
                continue
            namespace: tuple[Any, ...] = ("namespace", None, None)
            if name.namespace is not None:
                namespace = ("namespace", Literal[name.namespace])
            body = msgspec.defstruct(
                "Body",
                [
                    ("data", self._structs[name]),
                    ("emitted_at", Annotated[int, msgspec.Meta(ge=_EARLIEST, le=_LATEST)]),
                    namespace,
                    ("meta", _Meta | None, None),
                    ("partition_id", str | None, None),
                ],
                tag_field="stream",
                tag=name.name,
                gc=False,
                kw_only=True,
            )
            self._by_body[body] = name
            bodies.append(body)
        controls = _State | _Trace | _Log
        if not bodies:
            return None, msgspec.json.Decoder(controls)
        union: Any = bodies[0]
        for body in bodies[1:]:
            union = union | body
        record = msgspec.defstruct("Record", [("record", union)], tag_field="type", tag="RECORD", gc=False)
        return record, msgspec.json.Decoder(record | controls)

    def _spans(self, messages: list[Any], ends: "np.ndarray[Any, Any]") -> Iterator[Message]:
        kinds = list(map(type, messages))
        if kinds.count(self._message_type) == len(kinds):
            yield from self._by_stream(messages, ends)
            return
        start = 0
        for index, kind in enumerate(kinds):
            if kind is self._message_type:
                continue
            yield from self._by_stream(messages[start:index], ends[start : index + 1])
            start = index + 1
            if kind is _State:
                yield read_state(bytes(messages[index].state))
            elif kind is _Trace and (status := read_trace(bytes(messages[index].trace))) is not None:
                yield status
        yield from self._by_stream(messages[start:], ends[start:])

    def _by_stream(self, messages: list[Any], ends: "np.ndarray[Any, Any]") -> Iterator[Records]:
        """Messages that are all records, in groups of one stream; `ends[i]` is where the line before i ended."""
        if not messages:
            return
        bodies = list(map(attrgetter("record"), messages))
        kinds = list(map(type, bodies))
        if kinds.count(kinds[0]) == len(kinds):
            yield self._records(self._by_body[kinds[0]], bodies, ends)
            return
        lengths = np.diff(ends)
        groups: defaultdict[type, list[int]] = defaultdict(list)
        for index, kind in enumerate(kinds):
            groups[kind].append(index)
        for kind, indexes in groups.items():
            own_ends = np.concatenate(([-1], np.cumsum(lengths[indexes]) - 1))
            yield self._records(self._by_body[kind], [bodies[i] for i in indexes], own_ends)

    def _records(self, stream: StreamName, bodies: list[Any], ends: "np.ndarray[Any, Any]") -> Records:
        metas = list(map(attrgetter("meta"), bodies))
        told = {}
        if metas.count(None) != len(metas):
            told = self._source_changes(enumerate(metas))
        return Records(
            stream=stream,
            data=list(map(attrgetter("data"), bodies)),
            emitted_at=list(map(attrgetter("emitted_at"), bodies)),
            source_changes=told,
            size=int(ends[-1] - ends[0]) - len(bodies),
            partitions=_partitions(list(map(attrgetter("partition_id"), bodies)), ends),
        )

    def _source_changes(self, metas: Iterable[tuple[int, _Meta | None]]) -> dict[int, bytes]:
        """The inner text of each non-empty list of changes: what stands between its brackets."""
        texts = ((i, bytes(meta.changes).strip()) for i, meta in metas if meta is not None)
        return {i: inner for i, text in texts if text.startswith(b"[") and (inner := text[1:-1].strip())}

    # -- line by line

    def _line_by_line(self, chunk: bytes) -> Iterator[Message]:
        for line in chunk.removesuffix(b"\n").split(b"\n"):
            self.lines += 1
            if not line.strip():
                continue
            try:
                yield from self._mended(line)
            except REFUSED as error:
                raise InternalError(
                    f"Line {self.lines} of the input is not a message of the Airbyte protocol.",
                    doing="reading the input",
                    remedy="Nothing after that line was read. Find out what the source wrote there.",
                ) from error

    def _mended(self, line: bytes) -> list[Message]:
        """A line's messages. A record may lose what UTF-8 cannot hold; a STATE is told as it came, or refused."""
        try:
            return list(self._one(line))
        except REFUSED:
            mended = without_lone_surrogates(line)
            if mended == line or self._envelope.decode(mended).type != "RECORD":
                raise
        return list(self._one(mended))

    def _one(self, line: bytes) -> Iterator[Message]:
        try:
            message = self._fast.decode(line)
        except REFUSED:
            yield from self._exact(line)
            return
        yield from self._spans([message], np.array([-1, len(line)]))

    def _exact(self, line: bytes) -> Iterator[Message]:
        envelope = self._envelope.decode(line)
        match envelope.type:
            case "RECORD":
                yield self._exact_record(self._record.decode(envelope.record), len(line))
            case "STATE":
                yield read_state(bytes(envelope.state))
            case "TRACE" if (status := read_trace(bytes(envelope.trace))) is not None:
                yield status
            case _:
                return

    def _exact_record(self, record: _RecordMessage, size: int) -> Records:
        stream = StreamName(record.namespace or None, record.stream)
        shape = self._shapes.get(stream)
        if shape is None:
            raise InternalError(
                f"Line {self.lines} of the input is a record of stream {stream}, which the catalog does not name.",
                doing="reading the input",
                remedy="Give the source and the destination the same configured catalog.",
            )
        values: dict[str, Any] = {}
        changes: list[Change] = []
        for name, column in zip(data_fields(shape.columns), shape.columns, strict=True):
            if column.field not in record.data:
                continue
            values[name], reason = loosen(column.type, bytes(record.data[column.field]), shape.limits)
            if reason is not None:
                changes.append(Change(column.field, *reason))
        return Records(
            stream=stream,
            data=[self._structs[stream](**values)],
            emitted_at=[int(record.emitted_at)],
            source_changes=self._source_changes([(0, record.meta)]),
            changes={0: tuple(changes)} if changes else {},
            size=size,
            partitions=_partitions([record.partition_id], np.array([-1, size])),
        )


def _partitions(names: list[str | None], ends: "np.ndarray[Any, Any]") -> dict[str, PartitionTally]:
    if names.count(None) == len(names):
        return {}
    sizes = np.diff(ends) - 1
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if name is not None:
            rows.setdefault(name, []).append(row)
    return {name: PartitionTally(records=len(own), size=int(sizes[own].sum())) for name, own in rows.items()}


def encode_changes(changes: Sequence[Change]) -> bytes:
    """Changes as the inner text of a JSON list."""
    listed: list[Mapping[str, str]] = [
        {"field": c.field, "change": c.change, "reason": c.reason} for c in changes
    ]
    return msgspec.json.encode(listed)[1:-1]
