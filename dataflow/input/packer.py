"""From a chunk of whole lines to parcels. Pure: a chunk gives the same parcels wherever it is packed.

The compiled reader reads the records; the exact road reads the lines that it finds odd, STATE and TRACE among them.
Here they come together: whose rows, what happened between them, and where a parcel ends.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import pairwise

import msgspec
import numpy as np
from attrs import define, evolve, field, frozen

from dataflow.batch import Rows
from dataflow.input.bare_lines import BareLines
from dataflow.input.compiled import ODD, PARTITION, Reader, Reading, tokens_of
from dataflow.input.decoder import Decoder, Refused
from dataflow.input.parcel import Event, Parcel, ParsedChunk, Span
from dataflow.input.stream_chunk import StreamChunk
from dataflow.protocol import Message, PartitionTally, Record, State, Status, StreamStatus, Unusable
from dataflow.shape import Shape
from dataflow.types import StreamName

# For a stream: nothing follows them in a parcel.
ENDS = (Status.COMPLETE, Status.INCOMPLETE)
NO_RECORDS = PartitionTally(records=0, size=0)


@frozen(kw_only=True)
class _Lines:
    """A chunk that was read, up to a line that was refused; `odd` are its odd lines' messages, by the line's index."""

    chunk: bytes = field(repr=lambda chunk: f"<{len(chunk)} bytes>")
    reading: Reading
    odd: Mapping[int, Message | None]
    refused: Refused | None
    # By how many odd lines stand before: whose records follow, how many, and the bytes of their lines.
    spans: Mapping[int, Sequence[tuple[int, int, int]]] = field(init=False, repr=False)

    @spans.default
    def _spans(self) -> Mapping[int, Sequence[tuple[int, int, int]]]:
        found: dict[int, list[tuple[int, int, int]]] = {}
        for number, records, size, after in self.reading.spans.tolist():
            found.setdefault(after, []).append((number, records, size))
        return found

    def __len__(self) -> int:
        return len(self.reading.ends)

    def piece(self, first: int, last: int) -> bytes:
        """The bytes of some lines."""
        begin = _begin(self.reading, first)
        return self.chunk[begin : _begin(self.reading, last)]


class Packer:
    """Packs chunks of whole lines for the catalog's streams."""

    def __init__(self, shapes: Sequence[Shape], most_rows: int, bare: BareLines | None = None) -> None:
        """A parcel ends when a stream has `most_rows` rows and a message other than a record follows.

        With `bare` lines there is one shape, that of their stream.
        """
        self._shapes = shapes
        self._numbers = {shape.name: number for number, shape in enumerate(shapes)}
        self._reader = Reader(shapes, bare)
        self._decoder = Decoder(shapes)
        self._bare = bare
        self._most_rows = most_rows

    def pack(self, chunk: bytes) -> ParsedChunk:
        """The chunk's parcels, in their order."""
        lines = self._read(chunk, 0)
        refused = lines.refused
        end = refused.line - 1 if refused is not None else len(lines)
        bounds = [0, *(cut for cut in self._cuts(lines) if cut < end), end]
        # A piece is read again: few chunks have more than one, and most of those are an input's last.
        pieces = [lines] if bounds == [0, len(lines)] else self._pieces(lines, bounds)
        return ParsedChunk(
            parcels=tuple(parcel for piece in pieces if (parcel := self._parcel(piece)).events),
            lines=refused.line if refused is not None else len(lines),
            refused=refused,
            unknown=self._unknown(lines),
            cut_off=refused is not None and refused.stream is None and _is_cut_off(refused.line, chunk),
        )

    def _unknown(self, lines: _Lines) -> Mapping[StreamName, tuple[str, ...]]:
        found: defaultdict[StreamName, dict[str, None]] = defaultdict(dict)
        unknown = lines.reading.unknown
        for number, name in zip(unknown["stream"].tolist(), tokens_of(lines.chunk, unknown), strict=True):
            found[self._shapes[number].name][msgspec.json.decode(name)] = None
        for message in lines.odd.values():
            if isinstance(message, Record) and message.unknown:
                found[message.stream].update(dict.fromkeys(message.unknown))
        return {name: tuple(names) for name, names in found.items()}

    def _pieces(self, lines: _Lines, bounds: Sequence[int]) -> Iterator[_Lines]:
        for first, last in pairwise(bounds):
            yield self._read(lines.piece(first, last), first)

    def _read(self, chunk: bytes, before: int) -> _Lines:
        """Some lines of a chunk, and the number of lines before them."""
        reading = self._reader.read(chunk)
        odd: dict[int, Message | None] = {}
        broken: set[StreamName] = set()
        refused = None
        for index in np.flatnonzero(reading.streams == ODD).tolist():
            line = chunk[_begin(reading, index) : int(reading.ends[index])]
            try:
                message = self._message(line, before + index + 1)
            except Refused as error:
                refused = error
                break
            odd[index] = None if _says_nothing(message, broken) else message
            if isinstance(message, Unusable):
                broken.add(message.stream)
        return _Lines(chunk=chunk, reading=reading, odd=odd, refused=refused)

    def _message(self, line: bytes, number: int) -> Message | None:
        if self._bare is None:
            return self._decoder.decode(line, number)
        message = self._bare.message(line)
        if message is None:
            raise Refused(number, "it is not one JSON value")
        return self._decoder.decode(message, number)

    def _cuts(self, lines: _Lines) -> Iterator[int]:
        """The ends of parcels: after a stream's end or a record that ends it, and before what follows many rows."""
        rows = Counter[int]()
        for after, (index, message) in enumerate(lines.odd.items()):
            for number, records, _ in lines.spans.get(after, ()):
                rows[number] += records
            if isinstance(message, Record):
                rows[self._numbers[message.stream]] += 1
                continue
            if max(rows.values(), default=0) >= self._most_rows:
                rows.clear()
                yield index
            if isinstance(message, StreamStatus | Unusable):
                rows.clear()
                yield index + 1

    # -- a parcel

    def _parcel(self, lines: _Lines) -> Parcel:
        events = tuple(self._events(lines))
        sizes = Counter[int]()
        for event in events:
            if isinstance(event, Span):
                sizes[self._numbers[event.stream]] += event.size
        odd: defaultdict[int, dict[int, Record]] = defaultdict(dict)
        for index, message in lines.odd.items():
            if isinstance(message, Record):
                odd[self._numbers[message.stream]][index] = message
        by_stream = {
            number: _of_stream(lines, number, sizes[number], odd[number]) for number in sorted(sizes)
        }
        return Parcel(
            rows=tuple(_rows(self._shapes[number], own) for number, own in by_stream.items()), events=events
        )

    def _events(self, lines: _Lines) -> Iterator[Event]:
        partitions = _Partitions(lines)
        tallies: dict[int, _Tally] = {}
        for after, (index, message) in enumerate((*lines.odd.items(), (len(lines), None))):
            for number, records, size in lines.spans.get(after, ()):
                named = partitions.until(number, index)
                tallies.setdefault(number, _Tally()).add(records, size, named)
            match message:
                case Record(stream=stream, size=size, partition=partition):
                    named = {partition: PartitionTally(records=1, size=size)} if partition is not None else {}
                    tallies.setdefault(self._numbers[stream], _Tally()).add(1, size, named)
                case State() | StreamStatus() | Unusable():
                    yield from self._spans(tallies)
                    tallies.clear()
                    yield message
        yield from self._spans(tallies)

    def _spans(self, tallies: Mapping[int, "_Tally"]) -> Iterator[Span]:
        for number, tally in tallies.items():
            yield Span(
                stream=self._shapes[number].name,
                records=tally.records,
                size=tally.size,
                partitions=tally.partitions,
            )


def _says_nothing(message: Message | None, broken: Container[StreamName]) -> bool:
    """Whether a message carries no news: the stream goes on, or is broken already."""
    match message:
        case StreamStatus(status=status):
            return status not in ENDS
        case Unusable(stream=stream):
            return stream in broken
    return False


def _begin(reading: Reading, line: int) -> int:
    """The begin of a line in its chunk."""
    return int(reading.ends[line - 1]) + 1 if line else 0


def _of_stream(lines: _Lines, number: int, size: int, odd: Mapping[int, Record]) -> StreamChunk:
    reading = lines.reading
    notes = reading.notes
    own = StreamChunk(
        chunk=lines.chunk,
        made=reading.rows.get(number),
        notes=notes[notes["stream"] == number] if len(notes) else notes,
        size=size,
    )
    if not odd:
        return own
    at = np.concatenate((np.flatnonzero(reading.streams == number), list(odd)))
    # A row's place is how many of all these lines stand before its own.
    places = np.searchsorted(np.sort(at), at)
    return evolve(own, records=tuple(odd.values()), places=places)


def _rows(shape: Shape, own: StreamChunk) -> Rows:
    if (rows := own.as_made(shape)) is not None:
        return rows
    # What it takes is slow to import, and a sync may never need it.
    from dataflow.input.assemble import assembled

    return assembled(shape, own)


@define
class _Tally:
    """Records of one stream since something else was said."""

    records: int = 0
    size: int = 0
    partitions: dict[str, PartitionTally] = field(factory=dict)

    def add(self, records: int, size: int, partitions: Mapping[str, PartitionTally]) -> None:
        self.records += records
        self.size += size
        for name, more in partitions.items():
            before = self.partitions.get(name, NO_RECORDS)
            self.partitions[name] = PartitionTally(
                records=before.records + more.records, size=before.size + more.size
            )


class _Partitions:
    """The partitions that the reader's records name, as far as the lines were processed."""

    def __init__(self, lines: _Lines) -> None:
        # By stream, from the last line to the first: where, which, and the bytes of the line.
        self._named: dict[int, list[tuple[int, str, int]]] = {}
        reading, notes = lines.reading, lines.reading.notes
        tallies = notes[notes["kind"] == PARTITION]
        if not len(tallies):
            return
        sizes = np.diff(reading.ends, prepend=-1) - 1
        for number in set(tallies["stream"].tolist()):
            own = tallies[tallies["stream"] == number]
            at = np.flatnonzero(reading.streams == number)[own["row"]]
            names = map(msgspec.json.decode, tokens_of(lines.chunk, own))
            self._named[number] = list(zip(at.tolist(), names, sizes[at].tolist(), strict=True))[::-1]

    def until(self, number: int, line: int) -> dict[str, PartitionTally]:
        """Those of a stream's records before a line that were not returned yet."""
        tally = _Tally()
        left = self._named.get(number, [])
        while left and left[-1][0] < line:
            _, name, size = left.pop()
            tally.add(1, size, {name: PartitionTally(records=1, size=size)})
        return tally.partitions


def _is_cut_off(line: int, chunk: bytes) -> bool:
    """Whether this line of the chunk lacks its end, as only the input's last can."""
    return not chunk.endswith(b"\n") and line == chunk.count(b"\n") + 1
