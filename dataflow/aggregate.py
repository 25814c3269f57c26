"""What a stream has read and not yet written, and the pure question "which is due?". Writes nothing.

An aggregate counts its stream's records from the start of the run. A STATE marks how far it covers; a flush
carries the raw id of the last record that a mark covers, so that the rows and the checkpoint are committed as one.
"""

from collections.abc import Iterable

from attrs import define, field, frozen

from dataflow.batch import Batch, Rows, joined, with_raw_ids
from dataflow.flush import Flush
from dataflow.parcel import Span
from dataflow.raw_ids import RawIds, as_text
from dataflow.structs import Shape
from dataflow.types import StreamName

MEBIBYTE = 1 << 20
STATE_LATENCY = 3.0
# A slow source brings a few rows at a time; as single pieces they would take more memory than their cells.
MANY_PIECES = 256


@frozen(kw_only=True)
class Thresholds:
    """When an aggregate is due, and how much may wait. Bytes are of input lines; times are seconds."""

    # Read and packed at a time: large enough to be worth a pass over each column of each stream, and small, since
    # until it is packed each record is some Python objects.
    chunk_bytes: int = MEBIBYTE
    chunk_bytes_per_stream: int = MEBIBYTE // 8
    most_chunk_bytes: int = 4 * MEBIBYTE
    # Of one stream; so many are a parcel of their own.
    parcel_rows: int = 50_000
    flush_bytes: int = 16 * MEBIBYTE
    flush_rows: int = 100_000
    age: float = 60.0
    # How long a STATE may wait for a flush that would make it tellable.
    state_latency: float = STATE_LATENCY
    # All streams together: beyond it the largest is flushed.
    open_bytes: int = 48 * MEBIBYTE
    # Packed, and not yet taken by the owner: while the streams start, when nothing else is held, and then.
    packed_at_start_bytes: int = 64 * MEBIBYTE
    packed_bytes: int = 16 * MEBIBYTE
    # Handed to the writer and not yet durable: beyond it nothing more is taken.
    unwritten_bytes: int = 32 * MEBIBYTE

    def chunk_for(self, streams: int) -> int:
        """How much to read at a time for so many streams, in bytes."""
        return max(self.chunk_bytes, min(streams * self.chunk_bytes_per_stream, self.most_chunk_bytes))

    def chunks_in(self, size: int, streams: int) -> int:
        """How many chunks of so many streams are about so many bytes; one at least."""
        return max(1, size // self.chunk_for(streams))


@define
class Aggregate:
    """The open rows of one stream. `read`, `received` and `flushed` count its records since the start of the run.

    Rows are received a parcel at a time; what happened between them is then read, span by span. A flush takes all
    that was received, so it must wait until the parcel was read to its end.
    """

    shape: Shape
    raw_ids: RawIds
    thresholds: Thresholds
    received: int = 0
    read: int = 0
    read_bytes: int = 0
    flushed: int = 0
    flushes: int = 0
    # Where the last STATE stands, where the last one stands that a flush carried, and since when one waits.
    marked: int = 0
    checkpointed: int = 0
    waiting_since: float | None = None
    oldest: float | None = None
    size: int = 0
    _pieces: list[Rows] = field(factory=list, repr=False)
    _highest: str | None = field(default=None, repr=False)

    @property
    def stream(self) -> StreamName:
        """Whose records they are."""
        return self.shape.name

    @property
    def rows(self) -> int:
        """Records that wait here."""
        return self.received - self.flushed

    @property
    def unmarked(self) -> bool:
        """Whether a STATE stands beyond what flushes have carried."""
        return self.marked > self.checkpointed

    def receive(self, rows: Rows, now: float) -> None:
        """Take in rows of the stream."""
        self._pieces.append(rows)
        if len(self._pieces) >= MANY_PIECES:
            self._pieces = joined(self._pieces)
        self.received += len(rows)
        self.size += rows.size
        if self.oldest is None:
            self.oldest = now

    def count(self, span: Span) -> None:
        """Records that were received are what is read next."""
        self.read += span.records
        self.read_bytes += span.size

    def mark(self, now: float) -> int:
        """A STATE has come that covers all that was read: its position."""
        self.marked = self.read
        if self.unmarked and self.waiting_since is None:
            self.waiting_since = now
        return self.marked

    def due_at(self) -> float:
        """The moment by which it must be flushed, however little there is; infinity when nothing waits."""
        moments = []
        if self.oldest is not None:
            moments.append(self.oldest + self.thresholds.age)
        if self.waiting_since is not None:
            moments.append(self.waiting_since + self.thresholds.state_latency)
        return min(moments, default=float("inf"))

    def is_due(self, now: float) -> bool:
        """Whether it is large enough, or has waited long enough."""
        full = self.size >= self.thresholds.flush_bytes or self.rows >= self.thresholds.flush_rows
        return full or now >= self.due_at()

    def has_work(self) -> bool:
        """Whether a flush would write anything: rows, or a checkpoint."""
        return self.rows > 0 or self.unmarked

    def flush(self) -> Flush:
        """All that waits here, which is then the flush's. Raw ids are given here, in input order."""
        batches = [with_raw_ids(piece, self.shape, self.raw_ids) for piece in joined(self._pieces)]
        size, self.size, self._pieces = self.size, 0, []
        checkpoint = self._checkpoint(batches) if self.unmarked else None
        if batches:
            self._highest = as_text(batches[-1].raw_id(-1))
        self.flushes += 1
        self.flushed, self.checkpointed = self.received, self.marked
        self.waiting_since = self.oldest = None
        return Flush(
            stream=self.stream,
            number=self.flushes,
            batches=tuple(batch.rows for batch in batches),
            rows=sum(batch.rows.num_rows for batch in batches),
            size=size,
            highest_raw_id=self._highest,
            checkpoint=checkpoint,
            position=self.marked,
            nulled=sum(batch.nulled for batch in batches),
            truncated=sum(batch.truncated for batch in batches),
        )

    def _checkpoint(self, batches: list[Batch]) -> str | None:
        """The raw id of the last record that the last STATE covers; it is here, or the last one flushed."""
        ahead = self.marked - self.flushed
        for batch in batches:
            if 0 < ahead <= batch.rows.num_rows:
                return as_text(batch.raw_id(ahead - 1))
            ahead -= batch.rows.num_rows
        return self._highest


def due(aggregates: Iterable[Aggregate], thresholds: Thresholds, now: float) -> list[Aggregate]:
    """Those to flush now: the due ones, and the largest while all hold too much."""
    waiting = [aggregate for aggregate in aggregates if aggregate.has_work()]
    chosen = [aggregate for aggregate in waiting if aggregate.is_due(now)]
    left = sorted((a for a in waiting if a not in chosen), key=lambda a: a.size)
    held = sum(aggregate.size for aggregate in left)
    while left and held > thresholds.open_bytes:
        largest = left.pop()
        held -= largest.size
        chosen.append(largest)
    return chosen
