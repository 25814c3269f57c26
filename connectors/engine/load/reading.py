"""Reads one shard as the batches of its transaction: a thread reads and parses while the caller writes. Writes nothing.

All that was read and is not yet written is counted by one budget, as in a sync; only the reading waits for it.
"""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
from attrs import evolve, field, frozen

from connectors.contract import Connector
from connectors.engine.load.adopting import stream_of
from connectors.engine.load.stopping import Stop
from connectors.engine.sync.unfit import complaints
from dataflow.budget import Budget, Holder
from dataflow.errors import ConfigError, DataflowError, InternalError
from dataflow.files.airbyte import LeftOut
from dataflow.files.listing import InputFile
from dataflow.files.pieces import Piece
from dataflow.files.shards import shard_from_text
from dataflow.files.source import FileSource
from dataflow.input.parcel import ParsedChunk, Span
from dataflow.keys import Unfit
from dataflow.pipeline.aggregate import Aggregate, Thresholds
from dataflow.pipeline.inbox import EndOfInput, Inbox
from dataflow.pipeline.reader_thread import Intake, Order
from dataflow.raw_ids import ShardIds
from dataflow.shape import Shape
from dataflow.types import Change, StreamName
from dataflow.unknown_fields import NO_UNKNOWN_FIELDS, UnknownFields
from machines.loads import ShardRow
from machines.operations import Recipe

DOING = "reading the files"
# A flush waits for nothing but rows.
NEVER = float("inf")


@frozen(kw_only=True)
class Read:
    """What was read of a shard: its rows, the bytes of their lines, what was changed, and fields without a column.

    `left_out` counts what of messages in files is no row.
    """

    rows: int = 0
    size: int = 0
    changed: Mapping[Change, int] = field(factory=dict)
    unknown: UnknownFields = NO_UNKNOWN_FIELDS
    left_out: Mapping[LeftOut, int] = field(factory=dict)


class ShardReader:
    """Reads shards of one load, one after the other. `read` says what was read of the last."""

    def __init__(
        self,
        connector: Connector,
        stream: StreamName,
        recipe: Recipe,
        stop: Stop,
        named: Sequence[InputFile] = (),
        thresholds: Thresholds | None = None,
    ) -> None:
        """`recipe` is that of the load's temp table: its columns and its generation are those of the rows.

        `named` are files as this process was given them, perhaps with what gives access to them; others are found by
        what the shard says.
        """
        wanted = stream_of(stream, recipe)
        self._shape = Shape(
            name=stream,
            columns=recipe.columns,
            limits=connector.columns.limits,
            generation_id=recipe.generation_id,
            sync_id=wanted.sync_id,
            roles=wanted.roles,
        )
        self._connector = connector
        self._stop = stop
        self._named = {file.uri: file for file in named}
        self._thresholds = evolve(
            thresholds or Thresholds(), rows_together=connector.rows_together, age=NEVER, state_latency=NEVER
        )
        self.read = Read()

    def __call__(self, row: ShardRow) -> Iterator[Sequence[pa.RecordBatch]]:
        """The shard's batches, with raw ids. May be called again, for a transaction that is tried again.

        Raises ConfigError for a file that cannot be used or changed since the load was opened, and TransientError once
        the load was asked to stop.
        """
        runtime, limits = self._connector.runtime, self._thresholds
        aggregate = Aggregate(
            shape=self._shape, raw_ids=ShardIds(row.millisecond, runtime.randomness), thresholds=limits
        )
        inbox = Inbox(limits.packed_at_start_bytes, Budget(limits.held_bytes, runtime.threads), runtime)
        intake = Intake(runtime.threads)
        pieces = [self._as_named(piece) for piece in shard_from_text(row.spec).pieces]
        source = FileSource(pieces=pieces, extracted_at=row.millisecond)
        order = Order(shapes=(self._shape,), chunk_bytes=limits.chunk_bytes, most_rows=limits.parcel_rows)
        self.read = Read()
        with self._stop.stopping(intake):
            intake.start(source, order, inbox)
            try:
                while (parsed := _next(inbox)) is not None:
                    self._receive(parsed, aggregate, inbox)
                    del parsed
                    inbox.done()
                    while (count := aggregate.rows_due(runtime.clock.monotonic())) is not None:
                        yield from self._flushed(aggregate, inbox.budget, count)
                yield from self._flushed(aggregate, inbox.budget, aggregate.rows)
                self.read = evolve(self.read, left_out=dict(source.left_out))
            finally:
                inbox.close()

    def _as_named(self, piece: Piece) -> Piece:
        named = self._named.get(piece.file.uri)
        return piece if named is None else evolve(piece, file=evolve(piece.file, place=named.place))

    def _receive(self, parsed: ParsedChunk, aggregate: Aggregate, inbox: Inbox) -> None:
        budget, now = inbox.budget, self._connector.runtime.clock.monotonic()
        for names in parsed.unknown.values():
            aggregate.fields_met.meet(names)
        for parcel in parsed.parcels:
            for rows in parcel.rows:
                if rows.unfit:
                    raise self._refusal(rows.unfit)
                inbox.passed_on(rows.held)
                before = aggregate.held
                aggregate.receive(rows, now)
                budget.change(Holder.AGGREGATES, aggregate.held - before)
            for event in parcel.events:
                if not isinstance(event, Span):
                    raise InternalError(
                        "A file gave more than rows.",
                        doing=DOING,
                        remedy="Nothing of this load was published. Report this, with the kind of the files.",
                    )
                aggregate.count(event)

    def _flushed(
        self, aggregate: Aggregate, budget: Budget, count: int
    ) -> Iterator[Sequence[pa.RecordBatch]]:
        """The batches of the first rows; they count as held until the caller comes back for more."""
        if not count:
            return
        before = aggregate.held
        flush = aggregate.flush(count)
        budget.change(Holder.AGGREGATES, aggregate.held - before)
        budget.hold(Holder.WRITERS, flush.held)
        held, batches = flush.held, flush.batches
        self.read = self._with(flush.rows, flush.size, flush.changed, flush.unknown)
        del flush
        yield batches
        del batches
        budget.free(Holder.WRITERS, held)

    def _with(self, rows: int, size: int, changed: Mapping[Change, int], unknown: UnknownFields) -> Read:
        before = self.read
        return Read(
            rows=before.rows + rows,
            size=before.size + size,
            changed={
                change: before.changed.get(change, 0) + changed.get(change, 0)
                for change in (*before.changed, *changed)
            },
            unknown=unknown,
        )

    def _refusal(self, unfit: Sequence[Unfit]) -> DataflowError:
        return ConfigError(
            f"Stream {self._shape.name} cannot be loaded: {' '.join(complaints(unfit, self._connector.columns))}",
            doing=DOING,
            remedy="Nothing of this load was published, because distinct rows could have been merged into one. Give "
            "the field a type that holds such values with --schema, or choose another key or cursor.",
        )


def _next(inbox: Inbox) -> ParsedChunk | None:
    """What was read next; None at the end."""
    match inbox.take(input_too=True, until=NEVER):
        case ParsedChunk() as parsed:
            return parsed
        case EndOfInput(None):
            return None
        case EndOfInput(DataflowError() as error):
            raise error
        case other:
            raise InternalError(
                "The files were not read to their end.",
                doing=DOING,
                remedy="Nothing of this load was published. Report this, with the output on stderr.",
            ) from getattr(other, "error", None)
