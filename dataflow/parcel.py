"""What a chunk of input holds: typed rows, and what the source said between its records, in order.

Pure: a chunk gives the same parcels wherever it is packed, so it may be packed in another process. A parcel
does not know what came before it; positions and raw ids are its receiver's.
"""

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from dataflow.batch import OpenBatch, Rows, close
from dataflow.decoder import Decoder, Refused
from dataflow.errors import InternalError
from dataflow.protocol import PartitionTally, Records, State, Status, StreamStatus
from dataflow.structs import Shape
from dataflow.types import StreamName


@frozen(kw_only=True)
class Span:
    """Records of one stream between two other messages: how many, the bytes of their lines, and their partitions."""

    stream: StreamName
    records: int
    size: int
    partitions: Mapping[str, PartitionTally] = field(factory=dict)


Event = Span | State | StreamStatus


@frozen(kw_only=True)
class Parcel:
    """What was read in one go: per stream its rows, and all that happened, in input order.

    The spans of a stream add up to its rows. Nothing follows a COMPLETE in its parcel, so that whoever
    publishes at it has the rows before it and no others.
    """

    rows: tuple[Rows, ...]
    events: tuple[Event, ...]


@frozen(kw_only=True)
class Packed:
    """All of a chunk, or all that stands before the line that was refused."""

    parcels: tuple[Parcel, ...]
    # Lines of the chunk.
    lines: int
    refused: Refused | None = None


class Packer:
    """Packs chunks of whole lines for the catalog's streams."""

    def __init__(self, shapes: Sequence[Shape], most_rows: int) -> None:
        """`most_rows` of a stream make a parcel of their own, however many more the chunk holds."""
        self._shapes = {shape.name: shape for shape in shapes}
        self._decoder = Decoder(shapes)
        self._most_rows = most_rows

    def pack(self, chunk: bytes) -> Packed:
        """The chunk's parcels, in their order."""
        parcels: list[Parcel] = []
        refused: Refused | None = None
        open_batches: dict[StreamName, OpenBatch] = {}
        events: list[Event] = []

        def end_parcel() -> None:
            if events:
                rows = close(list(open_batches.values()), self._shapes)
                parcels.append(Parcel(rows=tuple(rows), events=tuple(events)))
                open_batches.clear()
                events.clear()

        try:
            for message in self._decoder.decode(chunk):
                match message:
                    case Records():
                        batch = open_batches.setdefault(message.stream, OpenBatch(message.stream))
                        batch.add(message)
                        events.append(_span(message))
                        if len(batch) >= self._most_rows:
                            end_parcel()
                    case State():
                        events.append(message)
                    case StreamStatus(_, Status.COMPLETE | Status.INCOMPLETE):
                        events.append(message)
                        end_parcel()
        except Refused as error:
            refused = error
        end_parcel()
        return Packed(parcels=tuple(parcels), lines=self._decoder.lines, refused=refused)


def _span(records: Records) -> Span:
    return Span(
        stream=records.stream,
        records=len(records.data),
        size=records.size,
        partitions=records.partitions,
    )


def refusal(refused: Refused, lines_before: int) -> InternalError:
    """The error of a line that cannot be used. It names the line, never what it says."""
    line = f"Line {lines_before + refused.line} of the input"
    if refused.stream is not None:
        return InternalError(
            f"{line} is a record of stream {refused.stream}, which the catalog does not name.",
            doing="reading the input",
            remedy="Give the source and the destination the same configured catalog.",
        )
    return InternalError(
        f"{line} is not a message of the Airbyte protocol.",
        doing="reading the input",
        remedy="Nothing after that line was read. Find out what the source wrote there.",
    )
