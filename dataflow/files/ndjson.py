"""Files of one JSON object a line: each line is the data of a record, which the reader of a sync's input then reads."""

from collections.abc import Iterator, Sequence

import msgspec

from dataflow.files.lines import Block, blocks
from dataflow.files.listing import InputFile
from dataflow.input.packer import Packer
from dataflow.input.parcel import ParsedChunk
from dataflow.protocol import Unusable
from dataflow.types import StreamName

OBJECT = "a JSON object"
_VALUE = msgspec.json.Decoder(msgspec.Raw)


def parsed(
    file: InputFile, stream: StreamName, extracted_at: int, packer: Packer, block_bytes: int
) -> Iterator[ParsedChunk]:
    """The rows of a file. `extracted_at` is in milliseconds after 1970.

    Raises ConfigError for a line that is not exactly one JSON object; the rows before it may have been yielded.
    """
    before = b'%b,"emitted_at":%d,"data":' % (record_head(stream), extracted_at)
    between = b"}}\n" + before
    for block in blocks(file, block_bytes):
        values = _values(block)
        if values is None:
            raise block.refusal(_broken(block), OBJECT)
        if values:
            packed = packer.pack(b"".join((before, between.join(values), b"}}\n")))
            if (index := first_unusable(packed)) is not None:
                raise block.refusal(block.filled()[index][0], OBJECT)
            yield packed


def record_head(stream: StreamName) -> bytes:
    """The begin of a record of this stream; other fields of the record follow, then two braces."""
    record = {"stream": stream.name}
    if stream.namespace is not None:
        record["namespace"] = stream.namespace
    return msgspec.json.encode({"type": "RECORD", "record": record})[:-2]


def first_unusable(packed: ParsedChunk) -> int | None:
    """The first of the packed lines that is no record, from 0."""
    found = [
        event.line for parcel in packed.parcels for event in parcel.events if isinstance(event, Unusable)
    ]
    if packed.refused is not None:
        found.append(packed.refused.line)
    return min(found) - 1 if found else None


def _values(block: Block) -> Sequence[bytes] | None:
    """The JSON values of a block, without what stands around them; None if there is not one on each line."""
    content = block.content
    try:
        values = _VALUE.decode_lines(content)
    except (msgspec.DecodeError, RecursionError):
        return None
    lines = content.count(b"\n") + (not content.endswith(b"\n"))
    # With as many values as lines that are not blank, and none on two lines, each line has one.
    if len(values) != lines and len(values) != len(block.filled()):
        return None
    return None if b"".join(values).count(b"\n") else values


def _broken(block: Block) -> int:
    """The number of the first line that is not one JSON value."""
    return next(number for number, line in block.filled() if not _is_value(line))


def _is_value(line: bytes) -> bool:
    try:
        _VALUE.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
