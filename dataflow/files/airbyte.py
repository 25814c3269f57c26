"""Files of messages of the Airbyte protocol, such as a source's output: the records of one stream are the rows.

Everything else is left out, and counted. A STATE is never emitted here: it would speak of where a source stands, which
a load of its records does not change.
"""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

import msgspec
from attrs import define, field

from dataflow.errors import ConfigError
from dataflow.files.lines import Block, blocks
from dataflow.files.ndjson import first_unusable
from dataflow.files.pieces import Piece
from dataflow.files.places import READING
from dataflow.input.bare_lines import record_head
from dataflow.input.packer import Packer
from dataflow.input.parcel import ParsedChunk
from dataflow.types import StreamName

MESSAGE = "a message of the Airbyte protocol"

# What a record does not say.
NOTHING = msgspec.Raw()
ABSENT = (NOTHING, b"null")


class LeftOut(StrEnum):
    """What is no row of the load."""

    STATE = "STATE message"
    OTHER_STREAM = "record of another stream"
    OTHER = "other message"

    @property
    def many(self) -> str:
        """Several of them."""
        return "records of other streams" if self is LeftOut.OTHER_STREAM else f"{self}s"


class Record(msgspec.Struct):
    """A record, of which only what is looked at is read."""

    stream: str
    data: msgspec.Raw
    namespace: str | None = None
    emitted_at: msgspec.Raw = NOTHING
    meta: msgspec.Raw = NOTHING


class _Message(msgspec.Struct):
    type: str
    record: Record | None = None


_MESSAGE = msgspec.json.Decoder(_Message)


@define
class Selection:
    """The records of one stream among messages, and what was left out.

    A stream without a namespace takes those of any, if they are all of one.
    """

    stream: StreamName
    left_out: Counter[LeftOut] = field(factory=Counter)
    found: int = 0
    # Whose records were met.
    _others: dict[str, None] = field(factory=dict)
    _namespaces: dict[str | None, None] = field(factory=dict)

    def records(self, block: Block) -> Iterator[tuple[int, Record]]:
        """Those of a block, each with the number of its line in the block.

        Raises ConfigError for a line that is no message, and for records of the stream in several namespaces.
        """
        for number, line in block.filled():
            try:
                message = _MESSAGE.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise block.refusal(number, MESSAGE) from error
            if (record := self._chosen(message)) is not None:
                self._expect_one_namespace(record)
                self.found += 1
                yield number, record

    def _chosen(self, message: _Message) -> Record | None:
        record = message.record if message.type == "RECORD" else None
        if record is None:
            self.left_out[LeftOut.STATE if message.type == "STATE" else LeftOut.OTHER] += 1
            return None
        wanted = self.stream.namespace
        if record.stream == self.stream.name and wanted in (None, record.namespace):
            return record
        self._others[record.stream] = None
        self.left_out[LeftOut.OTHER_STREAM] += 1
        return None

    def _expect_one_namespace(self, record: Record) -> None:
        self._namespaces[record.namespace] = None
        if len(self._namespaces) > 1:
            names = ", ".join(name or "none" for name in self._namespaces)
            raise ConfigError(
                f"The records of the stream {self.stream.name!r} are of several namespaces: {names}.",
                doing=READING,
                remedy="Nothing of this load was published. Choose one with --namespace.",
            )

    def expect_some(self) -> None:
        """Raises ConfigError when no record of the stream was met: an empty load may replace a table."""
        if self.found:
            return
        others = f", but of {', '.join(self._others)}" if self._others else ""
        raise ConfigError(
            f"The files have no records of the stream {str(self.stream)!r}{others}.",
            doing=READING,
            remedy="Choose the stream with --stream, and its namespace with --namespace.",
        )


def parsed(
    piece: Piece, selection: Selection, extracted_at: int, packer: Packer, block_bytes: int
) -> Iterator[ParsedChunk]:
    """The rows of a piece. `extracted_at` is for records that do not say it, in milliseconds after 1970.

    Raises ConfigError for a line that is no message; the rows before it may have been yielded.
    """
    now = b"%d" % extracted_at
    head = record_head(selection.stream)
    for block in blocks(piece, block_bytes):
        chosen = list(selection.records(block))
        if chosen:
            packed = packer.pack(b"".join(_line(head, record, now) for _, record in chosen))
            if (index := first_unusable(packed)) is not None:
                raise block.refusal(chosen[index][0], MESSAGE)
            yield packed


def _line(head: bytes, record: Record, now: bytes) -> bytes:
    moment = now if record.emitted_at in ABSENT else record.emitted_at
    meta = b"" if record.meta in ABSENT else b',"meta":' + record.meta
    return b"".join((head, b',"emitted_at":', moment, meta, b',"data":', record.data, b"}}\n"))
