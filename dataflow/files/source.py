"""Pieces of files as the source of parcels: their rows in the order of the pieces, and no word on what follows them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from attrs import field, frozen

from dataflow.files import airbyte, ndjson
from dataflow.files.airbyte import LeftOut, Selection
from dataflow.files.arrow_rows import expect_keys, parsed_batch
from dataflow.files.columnar import batches
from dataflow.files.listing import Format
from dataflow.files.pieces import Piece
from dataflow.input.bare_lines import BareLines
from dataflow.input.packer import Packer
from dataflow.input.parcel import ParsedChunk
from dataflow.pipeline.inbox import Inbox
from dataflow.pipeline.reader_thread import Order


@frozen(kw_only=True)
class FileSource:
    """The rows of these pieces of files, all of one stream. `extracted_at` is in milliseconds after 1970.

    `left_out` counts what of messages in files is no row.
    """

    pieces: Sequence[Piece]
    extracted_at: int
    left_out: Counter[LeftOut] = field(factory=Counter)

    def parsed(self, order: Order, inbox: Inbox) -> Iterator[ParsedChunk]:
        """All rows.

        Raises ConfigError for a file that cannot be read to its end, or changed since it was found, and for a row
        without a value for its key.
        """
        (shape,) = order.shapes
        selection = Selection(shape.name, self.left_out)
        for piece in self.pieces:
            piece.file.expect_unchanged()
            for chunk in _rows_of(piece, order, selection, self.extracted_at):
                expect_keys(shape, chunk, f"of the file {str(piece.file)!r}")
                yield chunk
            piece.file.expect_unchanged()


def _rows_of(piece: Piece, order: Order, selection: Selection, now: int) -> Iterator[ParsedChunk]:
    (shape,) = order.shapes
    packer = partial(Packer, order.shapes, order.most_rows)
    match piece.file.format:
        case Format.NDJSON:
            return ndjson.parsed(piece, packer(BareLines(shape.name, now)), order.chunk_bytes)
        case Format.AIRBYTE:
            return airbyte.parsed(piece, selection, now, packer(), order.chunk_bytes)
    return (parsed_batch(shape, batch, now) for batch in batches(piece))
