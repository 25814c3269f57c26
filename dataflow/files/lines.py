"""Files of lines: their content in blocks of whole lines, and the error of a line that is not as it must be."""

from collections.abc import Iterator, Sequence

from attrs import field, frozen

from dataflow.errors import ConfigError, DataflowError
from dataflow.files.listing import InputFile, expect_utf8
from dataflow.files.places import READING, unreadable

BLANK = b" \t\r"
# Windows begins a file of UTF-8 with it.
MARK = b"\xef\xbb\xbf"


@frozen
class Block:
    """Whole lines of a file. The last one of the file may lack its end. `before`: how many lines come before them."""

    file: InputFile
    content: bytes = field(repr=lambda content: f"<{len(content)} bytes>")
    before: int

    def filled(self) -> Sequence[tuple[int, bytes]]:
        """The lines that are not blank, each with its number in the block, from 1."""
        lines = enumerate(self.content.split(b"\n"), 1)
        return [(number, line) for number, line in lines if line.strip(BLANK)]

    def refusal(self, number: int, what: str) -> DataflowError:
        """The error of a line that is not `what`. It never says what the line holds."""
        encoded = "" if _is_utf8(self.content.split(b"\n")[number - 1]) else ": it is not encoded as UTF-8"
        last = number > self.content.count(b"\n")
        cut = " It is the last line, without a line end: the file may have been cut off." if last else ""
        return ConfigError(
            f"Line {self.before + number} of the file {str(self.file)!r} is not {what}{encoded}.{cut}",
            doing=READING,
            remedy="Nothing of this load was published. Correct the file, and run the load again.",
        )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def blocks(file: InputFile, block_bytes: int) -> Iterator[Block]:
    """The content in blocks of about this size. Raises DataflowError when the file cannot be read to its end."""
    before = 0
    for content in _contents(file, block_bytes):
        if not before:
            expect_utf8(file, content)
        yield Block(file, content if before else content.removeprefix(MARK), before)
        before += content.count(b"\n")


def _contents(file: InputFile, block_bytes: int) -> Iterator[bytes]:
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
