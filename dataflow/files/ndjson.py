"""Files of one JSON object a line: each line is the data of a record, which the reader of a sync's input then reads."""

from collections.abc import Iterator, Sequence

import msgspec

from dataflow.errors import ConfigError
from dataflow.files.listing import InputFile
from dataflow.files.places import unreadable
from dataflow.input.packer import Packer
from dataflow.input.parcel import ParsedChunk
from dataflow.protocol import Unusable
from dataflow.types import StreamName

_VALUE = msgspec.json.Decoder(msgspec.Raw)
BLANK = b" \t\r"


def blocks(file: InputFile, block_bytes: int) -> Iterator[bytes]:
    """The content in blocks of whole lines of about this size; the last line may lack its end.

    Raises ConfigError when the file cannot be read to its end.
    """
    rest: list[bytes] = []
    try:
        with file.opened() as stream:
            while read := stream.read(block_bytes):
                end = read.rfind(b"\n") + 1
                if not end:
                    rest.append(read)
                    continue
                yield b"".join((*rest, read[:end]))
                rest = [read[end:]]
    except OSError as error:
        raise unreadable(str(file), error) from error
    if last := b"".join(rest):
        yield last


def no_object(file: InputFile, line: int, *, last: bool = False) -> ConfigError:
    """The error of a line that holds no JSON object. It never says what the line holds."""
    cut = " It is the last line, without a line end: the file may have been cut off." if last else ""
    return ConfigError(
        f"Line {line} of the file {str(file)!r} is not a JSON object.{cut}",
        doing="reading the files",
        remedy="Nothing of this load was published. Correct the file, and run the load again.",
    )


def parsed(
    file: InputFile, stream: StreamName, extracted_at: int, packer: Packer, block_bytes: int
) -> Iterator[ParsedChunk]:
    """The rows of a file. `extracted_at` is in milliseconds after 1970.

    Raises ConfigError for a line that is not exactly one JSON object; the rows before it may have been yielded.
    """
    before, after = _around(stream, extracted_at)
    between = after + b"\n" + before
    lines_before = 0
    for block in blocks(file, block_bytes):
        values = _values(block)
        packed = packer.pack(before + between.join(values) + after + b"\n") if values else None
        at = _broken(block) if values is None else _unusable(block, packed)
        if at is not None:
            raise no_object(file, lines_before + at, last=at > block.count(b"\n"))
        if packed is not None:
            yield packed
        lines_before += block.count(b"\n")


def _values(block: bytes) -> Sequence[bytes] | None:
    """The JSON values of a block, without what stands around them; None if there is not one on each line."""
    try:
        values = _VALUE.decode_lines(block)
    except (msgspec.DecodeError, RecursionError):
        return None
    lines = block.count(b"\n") + (not block.endswith(b"\n"))
    # With as many values as lines that are not blank, and none on two lines, each line has one.
    if len(values) != lines and len(values) != len(_filled(block)):
        return None
    return None if b"".join(values).count(b"\n") else values


def _filled(block: bytes) -> Sequence[int]:
    """The numbers of the lines that are not blank, from 1."""
    return [number for number, line in enumerate(block.split(b"\n"), 1) if line.strip(BLANK)]


def _broken(block: bytes) -> int:
    """The first line that is not one JSON value, from 1."""
    lines = block.split(b"\n")
    return next(number for number in _filled(block) if not _is_value(lines[number - 1]))


def _is_value(line: bytes) -> bool:
    try:
        _VALUE.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _unusable(block: bytes, packed: ParsedChunk | None) -> int | None:
    """The first line, from 1, whose value is no record's data."""
    if packed is None:
        return None
    found = [
        event.line for parcel in packed.parcels for event in parcel.events if isinstance(event, Unusable)
    ]
    if packed.refused is not None:
        found.append(packed.refused.line)
    return _filled(block)[min(found) - 1] if found else None


def _around(stream: StreamName, extracted_at: int) -> tuple[bytes, bytes]:
    """What stands before and after a line to make it a record."""
    record = {"stream": stream.name, "emitted_at": extracted_at}
    if stream.namespace is not None:
        record["namespace"] = stream.namespace
    head = msgspec.json.encode({"type": "RECORD", "record": record})
    return head[:-2] + b',"data":', b"}}"
