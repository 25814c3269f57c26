"""Lines that are the data of records of one stream, and nothing else of a record: what a file of JSON objects has."""

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
            value = _VALUE.decode(line)
        except (msgspec.DecodeError, RecursionError):
            return None
        return b"".join((self._before, value, b"}}"))

    @cached_property
    def _before(self) -> bytes:
        return b'%b,"emitted_at":%d,"data":' % (record_head(self.stream), self.emitted_at)


def record_head(stream: StreamName) -> bytes:
    """The begin of a record of this stream; other fields of the record follow, then two braces."""
    record = {"stream": stream.name}
    if stream.namespace is not None:
        record["namespace"] = stream.namespace
    return msgspec.json.encode({"type": "RECORD", "record": record})[:-2]
