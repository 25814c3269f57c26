"""The exact road: one line at a time, for those that the compiled reader finds odd. Knows no batch and no database.

Most of these say something other than a record: STATE and TRACE. A record is here for how it is written; each of
its cells is read by itself, and one that does not fit becomes null, which its row notes.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from attrs import evolve, frozen

from dataflow.input.complaints import complaint
from dataflow.input.messages import AnyRecord, Envelope, Meta, Whose
from dataflow.keys import Role, Unfit, unfit
from dataflow.misfits import Misfit
from dataflow.protocol import Message, Record, Unusable, lacking, read_state, read_trace
from dataflow.shape import Shape
from dataflow.types import Change, StreamName
from dataflow.values.aside import REFUSED, Aside, set_aside
from dataflow.values.cells import ABSENT, UNREADABLE, loosen, without_lone_surrogates

_envelopes = msgspec.json.Decoder(Envelope)
_records = msgspec.json.Decoder(AnyRecord)
_owners = msgspec.json.Decoder(Whose)
_metas = msgspec.json.Decoder(Meta)
# For a line in which a STATE is not JSON: handed on, nobody could read it.
NO_NUMBER = "its STATE holds NaN or Infinity, which JSON does not have"


@frozen
class Refused(Exception):
    """A line that cannot be used: its number, from 1, and why, in words that quote nothing of it.

    For a record of an unknown stream: that stream, and the streams of its name that the catalog has instead.
    """

    line: int
    reason: str = ""
    stream: StreamName | None = None
    namesakes: Sequence[StreamName] = ()


class Decoder:
    """Decodes lines for the catalog's streams."""

    def __init__(self, shapes: Iterable[Shape]) -> None:
        self._shapes = {shape.name: shape for shape in shapes}
        self._fields = {
            name: frozenset(column.field for column in shape.columns) for name, shape in self._shapes.items()
        }

    def decode(self, line: bytes, number: int) -> Message | None:
        """What a line says, if it says anything to a destination.

        A record of a known stream that is no record is Unusable. Raises Refused, with the line's number, for any
        other line that is no message, and for a record of a stream that the catalog does not name. A record may
        lose what UTF-8 cannot hold; a STATE is passed on unchanged, or refused.
        """
        if not line.strip():
            return None
        try:
            return self._message(Aside(line), len(line), number)
        except REFUSED as error:
            first = error
        try:
            message = self._message(_around(line), len(line), number)
            return message if without_lone_surrogates(line) == line else self._with_doubts(message)
        except REFUSED as error:
            # What is set aside moves the bytes, so only the first error knows the place in the line.
            cause = error if isinstance(error, msgspec.ValidationError) else first
            stream = self._owner(line)
            if stream is None:
                raise Refused(number, complaint(cause)) from error
            return Unusable(stream, number, complaint(cause))

    def _message(self, line: Aside, size: int, number: int) -> Message | None:
        envelope = _envelopes.decode(line.text)
        match envelope.type:
            case "RECORD":
                return self._record(_records.decode(_body(envelope.record, "record")), line, size, number)
            case "STATE":
                state = _body(envelope.state, "state")
                text = line.restored(state)
                if text is None:
                    raise Refused(number, NO_NUMBER)
                return read_state(state, text)
            case "TRACE":
                return read_trace(_body(envelope.trace, "trace"))
        return None

    def _owner(self, line: bytes) -> StreamName | None:
        """Whose record a line is that cannot be used, if it says so and the catalog knows the stream."""
        try:
            envelope = _envelopes.decode(_around(line).text)
            owner = _owners.decode(envelope.record)
        except REFUSED:
            return None
        stream = StreamName(owner.namespace or None, owner.stream)
        return stream if envelope.type == "RECORD" and stream in self._shapes else None

    def _with_doubts(self, message: Message | None) -> Message | None:
        """A message of a line that was repaired as a whole: what stands for half a character in a key was another's."""
        if not isinstance(message, Record):
            return message
        shape = self._shapes[message.stream]
        broken = [
            Unfit(column.field, column.kind, role, (Misfit.BROKEN,), None)
            for column, cell in zip(shape.columns, message.cells, strict=True)
            if (role := shape.roles.get(column.field)) not in (None, Role.DELETION)
            and _was_made_decodable(cell)
        ]
        return evolve(message, unfit=(*message.unfit, *broken))

    def _record(self, record: AnyRecord, line: Aside, size: int, number: int) -> Record:
        stream = StreamName(record.namespace or None, record.stream)
        shape = self._shapes.get(stream)
        if shape is None:
            namesakes = tuple(known for known in self._shapes if known.name == stream.name)
            raise Refused(number, "", stream, namesakes)
        cells: list[Any] = []
        changes: list[Change] = []
        unfitting: list[Unfit] = []
        for column in shape.columns:
            token = line.restored(bytes(record.data.get(column.field, ABSENT)))
            value, reason = loosen(column.type, token or b"", shape.limits)
            cells.append(value)
            if token is None or reason is not None:
                changes.append(Change(column.field, *(reason or UNREADABLE)))
            role = shape.roles.get(column.field)
            if role and (found := unfit(column.field, column.type, role, token, shape.limits)):
                unfitting.append(found)
        return Record(
            stream=stream,
            cells=tuple(cells),
            emitted_at=int(record.emitted_at),
            size=size,
            changes=tuple(changes),
            unfit=tuple(unfitting),
            source_changes=line.restored(inner_changes(record.meta)) or b""
            if record.meta is not None
            else b"",
            partition=record.partition_id,
            unknown=tuple(name for name in record.data if name not in self._fields[stream]),
        )


def _body(raw: msgspec.Raw, member: str) -> bytes:
    body = bytes(raw)
    if not body:
        raise lacking(member)
    return body


def _around(line: bytes) -> Aside:
    """The line without what the decoder refuses: a record loses halves of surrogate pairs, another message nothing."""
    around = set_aside(line)
    if _envelopes.decode(around.text).type == "RECORD":
        return set_aside(without_lone_surrogates(line))
    return around


def _was_made_decodable(cell: object) -> bool:
    if isinstance(cell, msgspec.Raw):
        return rb"\ufffd" in bytes(cell)
    return isinstance(cell, str) and "\ufffd" in cell


def read_meta(token: bytes) -> bytes:
    """The inner text of a `meta` object's list of changes; empty when there is none."""
    return inner_changes(_metas.decode(token))


def inner_changes(meta: Meta) -> bytes:
    """What stands between the brackets of the list."""
    text = bytes(meta.changes).strip()
    return text[1:-1].strip() if text.startswith(b"[") else b""
