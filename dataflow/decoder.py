"""The records' road from bytes to typed Python columns, many lines at a time. Knows no batch and no database.

The fast road decodes a whole chunk into structs made for the catalog's streams. A chunk that holds anything
it does not expect goes line by line, and a record that does not fit its struct goes cell by cell: the exact
road, which nulls the cell that does not fit and says so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any

import msgspec
import numpy as np
from attrs import frozen

from dataflow.cells import without_lone_surrogates
from dataflow.coercion import loosen
from dataflow.lines import REFUSED, line_ends, refused_line, tells_more
from dataflow.protocol import Message, PartitionTally, Records, read_state, read_trace
from dataflow.structs import (
    AnyRecord,
    Envelope,
    LogMessage,
    Meta,
    Shape,
    StateMessage,
    TraceMessage,
    data_fields,
    data_struct,
    road,
)
from dataflow.types import Change, StreamName


@frozen
class Refused(Exception):
    """A line that cannot be used: its number in the chunk, from 1, and the stream, if that is what is unknown."""

    line: int
    stream: StreamName | None = None
    # What the decoder made of it: an exception's name, never what the line says.
    cause: str = ""


class Decoder:
    """Decodes chunks of whole lines for the catalog's streams. `lines` counts those of the last chunk."""

    def __init__(self, shapes: Iterable[Shape]) -> None:
        self._shapes = {shape.name: shape for shape in shapes}
        self._structs = {name: data_struct(shape.columns) for name, shape in self._shapes.items()}
        self._envelope = msgspec.json.Decoder(Envelope)
        self._record = msgspec.json.Decoder(AnyRecord)
        self._road = road(self._structs, full=False)
        self.lines = 0

    def decode(self, chunk: bytes) -> Iterator[Message]:
        """The chunk's messages in their order; records of one stream that follow each other come together.

        Raises Refused, after what stands before it was given, for a line that is no message and for a record
        of a stream that the catalog does not name.
        """
        self.lines = 0
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
        try:
            decoded = self._road.decoder.decode_lines(lines)
        except REFUSED as refused:
            if self._road.full or not tells_more(refused):
                raise
            # Where one record tells more than its data, others do.
            self._road = road(self._structs, full=True)
            decoded = self._road.decoder.decode_lines(lines)
        if len(decoded) != len(ends) - 1:
            raise msgspec.ValidationError("there are lines without a message")
        messages = list(self._spans(decoded, ends))
        self.lines += len(decoded)
        return messages

    # -- the fast road

    def _spans(self, messages: list[Any], ends: "np.ndarray[Any, Any]") -> Iterator[Message]:
        start = 0
        for index in self._controls(messages):
            yield from self._by_stream(messages[start:index], ends[start : index + 1])
            start = index + 1
            match messages[index]:
                case StateMessage(state):
                    yield read_state(bytes(state))
                case TraceMessage(trace) if (status := read_trace(bytes(trace))) is not None:
                    yield status
        yield from self._by_stream(messages[start:], ends[start:])

    def _controls(self, messages: list[Any]) -> list[int]:
        """Where the messages stand that are no records. They are few: no loop looks at each message."""
        kinds = list(map(type, messages))
        found: list[int] = []
        for kind in (StateMessage, TraceMessage, LogMessage):
            index = -1
            for _ in range(kinds.count(kind)):
                index = kinds.index(kind, index + 1)
                found.append(index)
        return sorted(found)

    def _by_stream(self, messages: list[Any], ends: "np.ndarray[Any, Any]") -> Iterator[Records]:
        """Messages that are all records, in groups of one stream; `ends[i]` is where the line before i ended."""
        if not messages:
            return
        bodies = list(map(attrgetter("record"), messages))
        kinds = list(map(type, bodies))
        if kinds.count(kinds[0]) == len(kinds):
            yield self._records(self._road.streams[kinds[0]], bodies, ends)
            return
        # Each stream's together, in their order; sorted by columns, since a loop over the records costs more.
        numbers = {kind: number for number, kind in enumerate(dict.fromkeys(kinds))}
        of = np.fromiter(map(numbers.__getitem__, kinds), np.int32, len(kinds))
        order = np.argsort(of, kind="stable")
        together = itemgetter(*order.tolist())(bodies)
        lengths, last = np.diff(ends)[order], 0
        for kind, end in zip(numbers, np.cumsum(np.bincount(of)).tolist(), strict=True):
            own_ends = np.concatenate(([-1], np.cumsum(lengths[last:end]) - 1))
            yield self._records(self._road.streams[kind], list(together[last:end]), own_ends)
            last = end

    def _records(self, stream: StreamName, bodies: list[Any], ends: "np.ndarray[Any, Any]") -> Records:
        count = len(bodies)
        told, partitions = {}, {}
        # Most records have neither; asking so makes no list of nothing.
        if self._road.full and any(map(attrgetter("meta"), bodies)):
            told = self._source_changes(enumerate(map(attrgetter("meta"), bodies)))
        if self._road.full and any(map(attrgetter("partition_id"), bodies)):
            partitions = _partitions(list(map(attrgetter("partition_id"), bodies)), ends)
        return Records(
            stream=stream,
            data=list(map(attrgetter("data"), bodies)),
            emitted_at=np.fromiter(map(attrgetter("emitted_at"), bodies), np.int64, count),
            source_changes=told,
            size=int(ends[-1] - ends[0]) - count,
            partitions=partitions,
        )

    def _source_changes(self, metas: Iterable[tuple[int, Meta | None]]) -> dict[int, bytes]:
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
                raise Refused(self.lines, None, type(error).__name__) from error

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
            message = self._road.decoder.decode(line)
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

    def _exact_record(self, record: AnyRecord, size: int) -> Records:
        stream = StreamName(record.namespace or None, record.stream)
        shape = self._shapes.get(stream)
        if shape is None:
            raise Refused(self.lines, stream)
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
            emitted_at=np.array([int(record.emitted_at)], np.int64),
            source_changes=self._source_changes([(0, record.meta)]),
            changes={0: tuple(changes)} if changes else {},
            size=size,
            partitions=_partitions([record.partition_id], np.array([-1, size]))
            if record.partition_id
            else {},
        )


def _partitions(names: list[str | None], ends: "np.ndarray[Any, Any]") -> dict[str, PartitionTally]:
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
