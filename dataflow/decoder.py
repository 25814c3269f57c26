"""The exact road: one line at a time, for those that the compiled reader finds odd. Knows no batch and no database.

Most of these say something other than a record: STATE and TRACE. A record is here for how it is written; each of
its cells is read by itself, and one that does not fit is nulled and told.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from attrs import frozen

from dataflow.cells import ABSENT, loosen, without_lone_surrogates
from dataflow.protocol import Message, Record, read_state, read_trace
from dataflow.structs import AnyRecord, Envelope, Meta, Shape
from dataflow.types import Change, StreamName

# How the library refuses a text.
REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_envelopes = msgspec.json.Decoder(Envelope)
_records = msgspec.json.Decoder(AnyRecord)
_metas = msgspec.json.Decoder(Meta)


@frozen
class Refused(Exception):
    """A line that cannot be used: its number, from 1, and the stream, if that is what is unknown."""

    line: int
    stream: StreamName | None = None
    # What the decoder made of it: an exception's name, never what the line says.
    cause: str = ""


class Decoder:
    """Decodes lines for the catalog's streams."""

    def __init__(self, shapes: Iterable[Shape]) -> None:
        self._shapes = {shape.name: shape for shape in shapes}
        self._fields = {
            name: frozenset(column.field for column in shape.columns) for name, shape in self._shapes.items()
        }

    def decode(self, line: bytes, number: int) -> Message | None:
        """What a line says, if it says anything to a destination.

        Raises Refused, with the line's number, for one that is no message and for a record of a stream that the
        catalog does not name. A record may lose what UTF-8 cannot hold; a STATE is told as it came, or refused.
        """
        if not line.strip():
            return None
        try:
            try:
                return self._message(line, number)
            except REFUSED:
                mended = without_lone_surrogates(line)
                if mended == line or _envelopes.decode(mended).type != "RECORD":
                    raise
            return self._message(mended, number)
        except REFUSED as error:
            raise Refused(number, None, type(error).__name__) from error

    def _message(self, line: bytes, number: int) -> Message | None:
        envelope = _envelopes.decode(line)
        match envelope.type:
            case "RECORD":
                return self._record(_records.decode(envelope.record), len(line), number)
            case "STATE":
                return read_state(bytes(envelope.state))
            case "TRACE":
                return read_trace(bytes(envelope.trace))
        return None

    def _record(self, record: AnyRecord, size: int, number: int) -> Record:
        stream = StreamName(record.namespace or None, record.stream)
        shape = self._shapes.get(stream)
        if shape is None:
            raise Refused(number, stream)
        cells: list[Any] = []
        changes: list[Change] = []
        for column in shape.columns:
            token = record.data.get(column.field, ABSENT)
            value, reason = loosen(column.type, bytes(token), shape.limits)
            cells.append(value)
            if reason is not None:
                changes.append(Change(column.field, *reason))
        return Record(
            stream=stream,
            cells=tuple(cells),
            emitted_at=int(record.emitted_at),
            size=size,
            changes=tuple(changes),
            source_changes=inner_changes(record.meta) if record.meta is not None else b"",
            partition=record.partition_id,
            unknown=tuple(name for name in record.data if name not in self._fields[stream]),
        )


def read_meta(token: bytes) -> bytes:
    """The inner text of a `meta` object's list of changes; empty when there is none."""
    return inner_changes(_metas.decode(token))


def inner_changes(meta: Meta) -> bytes:
    """What stands between the brackets of the list."""
    text = bytes(meta.changes).strip()
    return text[1:-1].strip() if text.startswith(b"[") else b""
