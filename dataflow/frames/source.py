"""Data of a Python program as the source of a pipeline: its rows in parcels, and COMPLETE after the last.

As of files, no STATE comes from here. So no row of an unfinished load is covered.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from attrs import frozen

from dataflow.errors import ConfigError, DataflowError, InternalError
from dataflow.files.arrow_rows import expect_keys, parsed_batch
from dataflow.files.ndjson import first_unusable
from dataflow.frames.feed import Feed
from dataflow.frames.lines import DOING, REMEDY
from dataflow.frames.looking import WHERE
from dataflow.frames.pieces import Lines
from dataflow.input.bare_lines import BareLines
from dataflow.input.packer import Packer
from dataflow.input.parcel import Parcel, ParsedChunk
from dataflow.pipeline.inbox import Inbox
from dataflow.pipeline.reader_thread import Order
from dataflow.protocol import Status, StreamStatus
from dataflow.runtime.clock import milliseconds


@frozen
class FrameSource:
    """The rows that another thread gives to a feed, all of one stream."""

    feed: Feed

    def parsed(self, order: Order, inbox: Inbox) -> Iterator[ParsedChunk]:
        """All rows, then the word that there are no more, unless the feed was closed.

        Raises ConfigError for a row without a value for its key, and whatever ended the feed.
        """
        (shape,) = order.shapes
        now = milliseconds(inbox.runtime.clock)
        lines = _Lines(Packer(order.shapes, order.most_rows, BareLines(shape.name, now)))
        for piece in self.feed.pieces():
            if isinstance(piece, pa.Schema):
                continue
            with _expected():
                chunk = lines.parsed(piece) if isinstance(piece, tuple) else parsed_batch(shape, piece, now)
                expect_keys(shape, chunk, WHERE)
            yield chunk
            del piece, chunk
        if self.feed.wanted:
            complete = StreamStatus(shape.name, Status.COMPLETE)
            yield ParsedChunk(parcels=(Parcel(rows=(), events=(complete,)),), lines=0)


@contextmanager
def _expected() -> Iterator[None]:
    """What nobody expected is raised with its cause, since a program has no log that would show it."""
    try:
        yield
    except DataflowError:
        raise
    except Exception as error:
        raise InternalError(
            f"Unexpected {type(error).__name__}.",
            doing=DOING,
            remedy="Nothing of this load was published. Report this, with the traceback.",
        ) from error


class _Lines:
    """Rows of JSON, read as a sync's records are."""

    def __init__(self, packer: Packer) -> None:
        self._packer = packer
        self._rows = 0

    def parsed(self, lines: Lines) -> ParsedChunk:
        packed = self._packer.pack(b"\n".join(lines))
        if (index := first_unusable(packed)) is not None:
            raise ConfigError(
                f"Row {self._rows + index + 1} of the data cannot be read as JSON: it may be nested too deeply.",
                doing=DOING,
                remedy=REMEDY,
            )
        self._rows += len(lines)
        return packed
