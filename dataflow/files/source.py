"""Files as the source of a pipeline: their rows in parcels, in the order of the files, and COMPLETE after the last.

No STATE comes from here. So no row of an unfinished load is covered, and the next load begins from the beginning.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from attrs import field, frozen

from dataflow.files import airbyte, ndjson
from dataflow.files.airbyte import LeftOut, Selection
from dataflow.files.arrow_rows import expect_keys, parsed_batch
from dataflow.files.columnar import batches
from dataflow.files.listing import Format, InputFile
from dataflow.input.bare_lines import BareLines
from dataflow.input.packer import Packer
from dataflow.input.parcel import Parcel, ParsedChunk
from dataflow.pipeline.inbox import Inbox
from dataflow.pipeline.reader_thread import Order
from dataflow.protocol import Status, StreamStatus
from dataflow.runtime.clock import milliseconds


@frozen
class FileSource:
    """The rows of these files, all of one stream. `left_out` counts what of messages in files is no row."""

    files: Sequence[InputFile]
    left_out: Counter[LeftOut] = field(factory=Counter)

    def parsed(self, order: Order, inbox: Inbox) -> Iterator[ParsedChunk]:
        """All rows, then the word that there are no more.

        Raises ConfigError for a file that cannot be read to its end, or changes meanwhile, and for a row without a
        value for its key.
        """
        (shape,) = order.shapes
        now = milliseconds(inbox.runtime.clock)
        selection = Selection(shape.name, self.left_out)
        for file in self.files:
            for chunk in _rows_of(file, order, selection, now):
                expect_keys(shape, chunk, f"of the file {str(file)!r}")
                yield chunk
            file.expect_unchanged()
        if any(file.format is Format.AIRBYTE for file in self.files):
            selection.expect_some()
        complete = StreamStatus(shape.name, Status.COMPLETE)
        yield ParsedChunk(parcels=(Parcel(rows=(), events=(complete,)),), lines=0)


def _rows_of(file: InputFile, order: Order, selection: Selection, now: int) -> Iterator[ParsedChunk]:
    (shape,) = order.shapes
    packer = partial(Packer, order.shapes, order.most_rows)
    match file.format:
        case Format.NDJSON:
            return ndjson.parsed(file, packer(BareLines(shape.name, now)), order.chunk_bytes)
        case Format.AIRBYTE:
            return airbyte.parsed(file, selection, now, packer(), order.chunk_bytes)
    return (parsed_batch(shape, batch, now) for batch in batches(file))
