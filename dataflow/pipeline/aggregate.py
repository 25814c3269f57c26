"""What a stream has read and not yet written, and the pure question whether it is due. Writes nothing.

An aggregate counts its stream's records from the start of the run. A STATE marks how far it covers; a flush
carries the raw id of the last record that a mark covers, so that the rows and the checkpoint are committed as one.
"""

from collections import deque

from attrs import define, field, frozen

from dataflow.batch import Batch, Rows, added_up, joined, with_raw_ids
from dataflow.flush import Flush
from dataflow.input.parcel import Span
from dataflow.raw_ids import Ids, as_text
from dataflow.shape import Shape
from dataflow.types import StreamName
from dataflow.unknown_fields import FieldsMet

MEBIBYTE = 1 << 20
STATE_LATENCY = 3.0
# A slow source brings a few rows at a time; as single pieces they would take more memory than their cells.
MANY_PIECES = 32


@frozen(kw_only=True)
class Thresholds:
    """When an aggregate is due, and how much may wait. Times are seconds; bytes, if not of memory, of input lines."""

    # Read and packed at a time: large enough to be worth what each stream of a chunk costs, and small, so that it stays
    # in the processor's caches.
    chunk_bytes: int = MEBIBYTE
    chunk_bytes_per_stream: int = MEBIBYTE // 8
    most_chunk_bytes: int = 4 * MEBIBYTE
    # Rows of one stream; this many are a parcel of their own.
    parcel_rows: int = 50_000
    flush_bytes: int = 16 * MEBIBYTE
    flush_rows: int = 122_880
    # How many rows the database stores together, if it does: a flush is as many times as many as stay below this, of
    # memory.
    rows_together: int | None = None
    together_bytes: int = 28 * MEBIBYTE
    age: float = 60.0
    # How long a STATE may wait for the flush after which it can be emitted.
    state_latency: float = STATE_LATENCY
    # All streams together, of memory: beyond it the largest is flushed.
    open_bytes: int = 32 * MEBIBYTE
    # STATEs whose records are not yet durable: beyond it they are flushed, and nothing more is taken until they are.
    state_bytes: int = 16 * MEBIBYTE
    # All that is held of the input, in whatever form: beyond it nothing more is read.
    held_bytes: int = 96 * MEBIBYTE
    # Packed, and not yet taken by the owner: while the streams start, when nothing else is held, and then.
    packed_at_start_bytes: int = 32 * MEBIBYTE
    packed_bytes: int = 8 * MEBIBYTE
    # Handed to the writers and not yet durable, of memory: beyond it, and one more flush, nothing more is taken.
    unwritten_bytes: int = 16 * MEBIBYTE

    def chunk_for(self, streams: int) -> int:
        """How much to read at a time for `streams` streams, in bytes."""
        return max(self.chunk_bytes, min(streams * self.chunk_bytes_per_stream, self.most_chunk_bytes))


@define
class Aggregate:
    """The open rows of one stream. `read`, `received` and `flushed` count its records since the start of the run.

    Rows are received a parcel at a time; what happened between them is then read, span by span. A flush may take all
    that was received, so it must wait until the parcel was read to its end.
    """

    shape: Shape
    raw_ids: Ids
    thresholds: Thresholds
    received: int = 0
    read: int = 0
    read_bytes: int = 0
    flushed: int = 0
    flushes: int = 0
    # The position of the last STATE that a flush carried.
    checkpointed: int = 0
    oldest: float | None = None
    # Bytes of the waiting rows' lines, and of the memory that they take.
    size: int = 0
    held: int = 0
    fields_met: FieldsMet = field(factory=FieldsMet)
    # The positions of later STATEs, and the times at which they arrived.
    _marks: deque[tuple[int, float]] = field(factory=deque, repr=False)
    _latest: float = 0.0
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

    def receive(self, rows: Rows, now: float) -> None:
        """Take in rows of the stream."""
        self._pieces.append(rows)
        self.held += rows.held
        if len(self._pieces) >= MANY_PIECES:
            self._pieces = joined(self._pieces)
            self.held = sum(piece.held for piece in self._pieces)
        self.received += len(rows)
        self.size += rows.size
        self._latest = now
        if self.oldest is None:
            self.oldest = now

    def count(self, span: Span) -> None:
        """Records that were received are what is read next."""
        self.read += span.records
        self.read_bytes += span.size

    def mark(self, now: float) -> int:
        """A STATE has come that covers all that was read: its position."""
        if self.read > (self._marks[-1][0] if self._marks else self.checkpointed):
            self._marks.append((self.read, now))
        return self.read

    def due_at(self) -> float:
        """The moment by which it must be flushed, however little there is; infinity when nothing waits."""
        moments = []
        if self.oldest is not None:
            moments.append(self.oldest + self.thresholds.age)
        if self._marks:
            moments.append(self._marks[0][1] + self.thresholds.state_latency)
        return min(moments, default=float("inf"))

    def rows_due(self, now: float) -> int | None:
        """How many rows to flush now, because they are enough or something waited for too long; None for not yet."""
        limits = self.thresholds
        if now >= self.due_at():
            return self.rows
        if limits.rows_together and (together := self._together(limits.rows_together)):
            return self.whole_groups if self.rows >= together else None
        full = self.size >= limits.flush_bytes or self.rows >= limits.flush_rows
        return self.rows if full else None

    @property
    def whole_groups(self) -> int:
        """As many rows as the database stores together; all of them, where they are not even one such group."""
        return self.rows - self.rows % (self.thresholds.rows_together or 1) or self.rows

    def _together(self, group: int) -> int:
        """How many rows, such as these are, to flush together: as many groups as one flush may be, perhaps none."""
        limits = self.thresholds
        most = min(limits.flush_rows, self.rows * limits.together_bytes // max(self.held, 1))
        return most - most % group

    @property
    def has_marks(self) -> bool:
        """Whether STATEs wait for a flush."""
        return bool(self._marks)

    def drop(self) -> None:
        """Let go of what waits: the stream has failed."""
        self._pieces.clear()
        self._marks.clear()
        self.flushed, self.size, self.held, self.oldest = self.received, 0, 0, None

    def has_work(self) -> bool:
        """Whether a flush would write anything: rows, or a checkpoint."""
        return self.rows > 0 or bool(self._marks)

    def flush(self, count: int | None = None) -> Flush:
        """The first rows that wait here, all of them for None, which are then the flush's.

        Raw ids are given here, in input order.
        """
        pieces = self._take(self.rows if count is None else count)
        batches = [with_raw_ids(piece, self.shape, self.raw_ids) for piece in pieces]
        checkpoint = self._reach(batches, self.flushed + sum(map(len, pieces)))
        if batches:
            self._highest = as_text(batches[-1].raw_id(-1))
        self.flushes += 1
        return Flush(
            stream=self.stream,
            number=self.flushes,
            batches=tuple(batch.rows for batch in batches),
            rows=sum(map(len, pieces)),
            size=sum(piece.size for piece in pieces),
            held=sum(batch.rows.nbytes for batch in batches),
            highest_raw_id=self._highest,
            checkpoint=checkpoint,
            position=self.checkpointed,
            changed=added_up(batch.changed for batch in batches if batch.changed),
            unknown=self.fields_met.found,
        )

    def _take(self, count: int) -> list[Rows]:
        """The first `count` rows; the others stay."""
        taken: list[Rows] = []
        left = joined(self._pieces)
        while left and count >= len(left[0]):
            count -= len(left[0])
            taken.append(left.pop(0))
        if count:
            first, left[0] = left[0].split(count)
            taken.append(first)
        self._pieces = left
        self.size -= sum(piece.size for piece in taken)
        self.held = sum(piece.held for piece in left)
        # What stays came with the last.
        self.oldest = self._latest if left else None
        return taken

    def _reach(self, batches: list[Batch], flushed: int) -> str | None:
        """`flushed` rows are flushed with these: the raw id of the last that a STATE covers, if one is reached."""
        reached = self.checkpointed
        while self._marks and self._marks[0][0] <= flushed:
            reached, _ = self._marks.popleft()
        before, self.flushed = self.flushed, flushed
        if reached == self.checkpointed:
            return None
        self.checkpointed = reached
        ahead = reached - before
        for batch in batches:
            if 0 < ahead <= batch.rows.num_rows:
                return as_text(batch.raw_id(ahead - 1))
            ahead -= batch.rows.num_rows
        # It is the last one flushed before.
        return self._highest
