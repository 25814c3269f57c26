"""Lines that are the data of records of one stream, and nothing else of a record: what a file of JSON objects has."""

import json
from functools import cached_property

import msgspec
from attrs import define

from dataflow.types import StreamName

_VALUE = msgspec.json.Decoder(msgspec.Raw)


@define(slots=False)
class BareLines:
    """Whose data the lines are, and when all of them were emitted, in milliseconds after 1970."""

    stream: StreamName
    emitted_at: int

    def message(self, line: bytes) -> bytes | None:
        """The RECORD message of a line; None for a line that is not exactly one JSON value."""
        try:
            value: bytes = _VALUE.decode(line)
        except (msgspec.DecodeError, RecursionError):
            if not _is_json(line):
                return None
            value = line.strip()
        return b"".join((self._before, value, b"}}"))

    @cached_property
    def _before(self) -> bytes:
        return b'%b,"emitted_at":%d,"data":' % (record_head(self.stream), self.emitted_at)


def _is_json(line: bytes) -> bool:
    """Whether a line is one JSON value, also with half of a surrogate pair in a text, which a record may have."""
    try:
        json.loads(line.decode("utf-8", "replace"), parse_constant=_refused)
    except (ValueError, RecursionError):
        return False
    return True


def _refused(constant: str) -> None:
    raise ValueError(constant)


def record_head(stream: StreamName) -> bytes:
    """The begin of a record of this stream; other fields of the record follow, then two braces."""
    record = {"stream": stream.name}
    if stream.namespace is not None:
        record["namespace"] = stream.namespace
    return msgspec.json.encode({"type": "RECORD", "record": record})[:-2]
