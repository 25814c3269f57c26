"""What a stream has read and not yet written, and the pure question "which is due?". Writes nothing.

An aggregate counts its stream's records from the start of the run. A STATE marks how far it covers; a flush
carries the raw id of the last record that a mark covers, so that the rows and the checkpoint are committed as one.
"""

from collections.abc import Iterable

from attrs import define, evolve, field, frozen

from dataflow.batch import Batch, BatchContext, OpenBatch
from dataflow.flush import Flush
from dataflow.protocol import Records
from dataflow.raw_ids import RawIds, as_text
from dataflow.types import StreamName

MEBIBYTE = 1 << 20
STATE_LATENCY = 3.0
LEAST_BATCH_BYTES = 128 * 1024


@frozen(kw_only=True)
class Thresholds:
    """When an aggregate is due, and how much may wait. Bytes are of input lines; times are seconds."""

    # Records become Arrow once there are this many bytes or rows of them: large enough to be worth a pass, and
    # soon, since until then each is some Python objects.
    batch_bytes: int = 2 * MEBIBYTE
    batch_rows: int = 10_000
    flush_bytes: int = 16 * MEBIBYTE
    flush_rows: int = 100_000
    age: float = 60.0
    # How long a STATE may wait for a flush that would make it tellable.
    state_latency: float = STATE_LATENCY
    # All streams together: beyond it the largest is flushed.
    open_bytes: int = 48 * MEBIBYTE
    # Handed to the writer and not yet durable: beyond it nothing more is read.
    unwritten_bytes: int = 48 * MEBIBYTE

    def shared(self, streams: int) -> "Thresholds":
        """The same for this many streams at once: what they hold together as Python objects stays the same."""
        return evolve(self, batch_bytes=max(self.batch_bytes * 8 // max(streams, 8), LEAST_BATCH_BYTES))


@define
class Aggregate:
    """The open rows of one stream. `read` and `flushed` count its records since the start of the run."""

    stream: StreamName
    context: BatchContext
    raw_ids: RawIds
    thresholds: Thresholds
    read: int = 0
    read_bytes: int = 0
    flushed: int = 0
    flushes: int = 0
    # Where the last STATE stands, where the last one stands that a flush carried, and since when one waits.
    marked: int = 0
    checkpointed: int = 0
    waiting_since: float | None = None
    oldest: float | None = None
    _open: OpenBatch = field(factory=OpenBatch, repr=False)
    _closed: list[Batch] = field(factory=list, repr=False)
    _closed_bytes: int = field(default=0, repr=False)
    _highest: str | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        """Bytes of input that wait here."""
        return self._open.size + self._closed_bytes

    @property
    def rows(self) -> int:
        """Records that wait here."""
        return self.read - self.flushed

    @property
    def unmarked(self) -> bool:
        """Whether a STATE stands beyond what flushes have carried."""
        return self.marked > self.checkpointed

    def add(self, records: Records, now: float) -> None:
        """Take in records of the stream."""
        self._open.add(records)
        self.read += len(records.data)
        self.read_bytes += records.size
        if self.oldest is None:
            self.oldest = now
        if self._open.size >= self.thresholds.batch_bytes or len(self._open) >= self.thresholds.batch_rows:
            self._close_batch()

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
        """All that waits here, which is then the flush's."""
        if len(self._open):
            self._close_batch()
        batches, self._closed, size, self._closed_bytes = self._closed, [], self._closed_bytes, 0
        checkpoint = self._checkpoint(batches) if self.unmarked else None
        if batches:
            self._highest = as_text(batches[-1].raw_id(-1))
        self.flushes += 1
        self.flushed, self.checkpointed = self.read, self.marked
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

    def _close_batch(self) -> None:
        batch = self._open.close(self.context, self.raw_ids)
        self._closed.append(batch)
        self._closed_bytes += batch.size
        self._open = OpenBatch()

    def _checkpoint(self, batches: list[Batch]) -> str | None:
        """The raw id of the last record that the last STATE covers; it is here, or the last one flushed."""
        ahead = self.marked - self.flushed
        for batch in batches:
            if 0 < ahead <= batch.rows.num_rows:
                return as_text(batch.raw_id(ahead - 1))
            ahead -= batch.rows.num_rows
        return self._highest


def due(aggregates: Iterable[Aggregate], thresholds: Thresholds, now: float) -> list[Aggregate]:
    """Those to flush now: the due ones, and the largest while all together hold too much."""
    waiting = [aggregate for aggregate in aggregates if aggregate.has_work()]
    chosen = [aggregate for aggregate in waiting if aggregate.is_due(now)]
    left = sorted((a for a in waiting if a not in chosen), key=lambda a: a.size)
    held = sum(aggregate.size for aggregate in left)
    while left and held > thresholds.open_bytes:
        largest = left.pop()
        held -= largest.size
        chosen.append(largest)
    return chosen
