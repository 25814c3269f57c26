"""Files of one JSON object a line: each line is the data of a record, which the reader of a sync's input then reads."""

from collections.abc import Iterator

from dataflow.files.lines import blocks
from dataflow.files.pieces import Piece
from dataflow.input.packer import Packer
from dataflow.input.parcel import ParsedChunk
from dataflow.protocol import Unusable

OBJECT = "a JSON object"


def parsed(piece: Piece, packer: Packer, block_bytes: int) -> Iterator[ParsedChunk]:
    """The rows of a piece. The packer is one of bare lines.

    Raises ConfigError for a line that is not exactly one JSON object; the rows before it may have been yielded.
    """
    for block in blocks(piece, block_bytes):
        packed = packer.pack(block.content)
        if (index := first_unusable(packed)) is not None:
            raise block.refusal(index + 1, OBJECT)
        yield packed


def first_unusable(packed: ParsedChunk) -> int | None:
    """The first of the packed lines that is no record, from 0."""
    found = [
        event.line for parcel in packed.parcels for event in parcel.events if isinstance(event, Unusable)
    ]
    if packed.refused is not None:
        found.append(packed.refused.line)
    return min(found) - 1 if found else None
