"""What a chunk of input holds: typed rows, and what the source said between its records, in order. Plain data.

A parcel does not know what came before it; positions and raw ids are its receiver's.
"""

from collections.abc import Mapping

from attrs import field, frozen

from dataflow.batch import Rows
from dataflow.errors import DataflowError, InternalError, TransientError
from dataflow.input.decoder import Refused
from dataflow.protocol import OBJECT_BYTES, PartitionTally, State, StreamStatus, Unusable
from dataflow.types import StreamName


@frozen(kw_only=True)
class Span:
    """Records of one stream between two other messages: how many, the bytes of their lines, and their partitions."""

    stream: StreamName
    records: int
    size: int
    partitions: Mapping[str, PartitionTally] = field(factory=dict)

    @property
    def held(self) -> int:
        """Bytes of memory that it takes, about."""
        return OBJECT_BYTES + sum(OBJECT_BYTES + len(name) for name in self.partitions)


Event = Span | State | StreamStatus | Unusable


@frozen(kw_only=True)
class Parcel:
    """What was read in one go: per stream its rows, and all that happened, in input order.

    The spans of a stream add up to its rows. Nothing follows a COMPLETE in its parcel, so that a publication at
    COMPLETE has the rows before it and no others.
    """

    rows: tuple[Rows, ...]
    events: tuple[Event, ...]


@frozen(kw_only=True)
class ParsedChunk:
    """All of a chunk, or all that stands before the line that was refused."""

    parcels: tuple[Parcel, ...]
    # Lines of the chunk.
    lines: int
    refused: Refused | None = None
    # Fields that no column has, by the streams whose records have them. Those of records in their plain form are named
    # by the first chunk that holds them, so this depends on earlier chunks.
    unknown: Mapping[StreamName, tuple[str, ...]] = field(factory=dict)
    # What was refused is the last line of the input, whose end never came.
    cut_off: bool = False

    @property
    def held(self) -> int:
        """Bytes of memory that all of it takes."""
        return sum(
            sum(rows.held for rows in parcel.rows) + sum(event.held for event in parcel.events)
            for parcel in self.parcels
        )


def refusal(refused: Refused, lines_before: int, *, cut_off: bool = False) -> DataflowError:
    """The error of a line that cannot be used. It names the line, never what it says."""
    if cut_off:
        return TransientError(
            f"The input ended in the middle of line {lines_before + refused.line}.",
            doing="reading the input",
            remedy="The source, or a process between it and this one, was interrupted. All acknowledged records are "
            "safe. Run the sync again.",
        )
    line = f"Line {lines_before + refused.line} of the input"
    if refused.stream is not None:
        return InternalError(
            f"{line} is a record of stream {refused.stream}, which the catalog does not name{_instead(refused)}.",
            doing="reading the input",
            remedy="Give the source and the destination the same configured catalog.",
        )
    return InternalError(
        f"{line} is not a message of the Airbyte protocol: {refused.reason}.",
        doing="reading the input",
        remedy="Nothing after that line was read. Check what the source wrote there.",
    )


def _instead(refused: Refused) -> str:
    """What the catalog has of the same name."""
    places = [
        f"in namespace {known.namespace}" if known.namespace else "without a namespace"
        for known in refused.namesakes
    ]
    return f"; it has a stream of this name {', and one '.join(places)}" if places else ""


def unusable(found: Unusable, lines_before: int) -> DataflowError:
    """The error of a stream with a record that cannot be used. It names the line, never what it says."""
    return InternalError(
        f"Line {lines_before + found.line} of the input is a record of stream {found.stream} that cannot be used: "
        f"{found.reason}.",
        doing="reading the input",
        remedy="All acknowledged records are safe; the stream's records from that line on were skipped. Report this to "
        "the source's author.",
    )
