"""Files of lines: their content in blocks of whole lines, and the error of a line that is not as it must be."""

import sys
from collections.abc import Iterator, Sequence
from typing import IO

from attrs import field, frozen

from dataflow.errors import ConfigError, DataflowError
from dataflow.files.listing import expect_utf8
from dataflow.files.pieces import Piece
from dataflow.files.places import READING, unreadable

BLANK = b" \t\r"
LINE_END = b"\n"
# Windows begins a file of UTF-8 with it.
MARK = b"\xef\xbb\xbf"
# How much is read at a time to find the end of a line, or to count lines.
SEEK_BYTES, COUNT_BYTES = 1 << 16, 1 << 22


@frozen
class Block:
    """Whole lines of a piece. The last line of a file may lack its end. `before`: how many of the piece come first."""

    piece: Piece
    content: bytes = field(repr=lambda content: f"<{len(content)} bytes>")
    before: int

    def filled(self) -> Sequence[tuple[int, bytes]]:
        """The lines that are not blank, each with its number in the block, from 1."""
        lines = enumerate(self.content.split(LINE_END), 1)
        return [(number, line) for number, line in lines if line.strip(BLANK)]

    def refusal(self, number: int, what: str) -> DataflowError:
        """The error of a line that is not `what`. It never says what the line holds."""
        encoded = "" if _is_utf8(self.content.split(LINE_END)[number - 1]) else ": it is not encoded as UTF-8"
        last = number > self.content.count(LINE_END)
        cut = " It is the last line, without a line end: the file may have been cut off." if last else ""
        line = _lines_before(self.piece) + self.before + number
        return ConfigError(
            f"Line {line} of the file {str(self.piece.file)!r} is not {what}{encoded}.{cut}",
            doing=READING,
            remedy="Nothing of this load was published. Correct the file, and run the load again.",
        )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def blocks(piece: Piece, block_bytes: int) -> Iterator[Block]:
    """The lines that begin within the piece, in blocks of about this size.

    Raises DataflowError when the file cannot be read to the piece's end.
    """
    before = 0
    for content in _in_lines(_read(piece, block_bytes)):
        first = not before and not piece.begin
        if first:
            expect_utf8(piece.file, content)
        yield Block(piece, content.removeprefix(MARK) if first else content, before)
        before += content.count(LINE_END)


def _lines_before(piece: Piece) -> int:
    """How many lines of the file begin before the piece."""
    if not piece.begin:
        return 0
    ahead = Piece(file=piece.file, begin=0, end=piece.begin)
    return sum(content.count(LINE_END) for content in _read(ahead, COUNT_BYTES))


def _in_lines(contents: Iterator[bytes]) -> Iterator[bytes]:
    rest: list[bytes] = []
    for read in contents:
        end = read.rfind(LINE_END) + 1
        if not end:
            rest.append(read)
            continue
        yield b"".join((*rest, read[:end]))
        rest = [read[end:]]
    if last := b"".join(rest):
        yield last


def _read(piece: Piece, block_bytes: int) -> Iterator[bytes]:
    """The lines that begin within the piece, in parts of about this size that may end anywhere."""
    begin, end = piece.bounds(sys.maxsize)
    try:
        with piece.file.opened() as stream:
            at = _first_line(stream, begin)
            while at < end and (read := stream.read(block_bytes)):
                # The line end that is at the piece's last byte, or the first beyond it.
                stop = read.find(LINE_END, max(0, end - 1 - at)) + 1
                yield read[:stop] if stop else read
                if stop:
                    return
                # The line that crosses the end is read to its own.
                at = min(at + len(read), end - 1)
    except OSError as error:
        raise unreadable(str(piece.file), error) from error


def _first_line(stream: IO[bytes], begin: int) -> int:
    """The place of the first line that begins at `begin` or beyond, to which the stream is brought."""
    if not begin:
        return 0
    at = begin - 1
    stream.seek(at)
    while read := stream.read(SEEK_BYTES):
        if found := read.find(LINE_END) + 1:
            stream.seek(at + found)
            return at + found
        at += len(read)
    return at
