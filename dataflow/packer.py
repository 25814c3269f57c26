"""From a chunk of whole lines to parcels. Pure: a chunk gives the same parcels wherever it is packed.

The compiled reader reads the records; the exact road reads the lines that it finds odd, STATE and TRACE among them.
Here they come together: whose rows, what happened between them, and where a parcel ends.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import msgspec
import numpy as np
from attrs import field, frozen

from dataflow.decoder import Decoder, Refused
from dataflow.parcel import Event, Packed, Parcel, Span
from dataflow.protocol import PartitionTally, Record, State, Status, StreamStatus
from dataflow.reading import ODD, PARTITION, Reader, Reading, tokens_of
from dataflow.settling import Share, settled
from dataflow.structs import Shape

Numbers: TypeAlias = "np.ndarray[Any, Any]"


@frozen(kw_only=True)
class _Lines:
    """A chunk that was read, up to a line that was refused; `records` and `others` are its odd lines, by index."""

    chunk: bytes = field(repr=lambda chunk: f"<{len(chunk)} bytes>")
    reading: Reading
    records: Mapping[int, Record]
    others: Mapping[int, State | StreamStatus]
    refused: Refused | None
    # Per line whose record it is, and when that was emitted; the odd ones' too.
    owners: Numbers = field(repr=False)
    emitted: Numbers = field(repr=False)
    # Of each line in bytes, without its line end.
    sizes: Numbers = field(repr=False)

    def __len__(self) -> int:
        return len(self.reading.ends)

    def piece(self, first: int, last: int) -> bytes:
        """The bytes of some lines."""
        begin = int(self.reading.ends[first - 1]) + 1 if first else 0
        return self.chunk[begin : int(self.reading.ends[last - 1]) + 1] if last > first else b""


class Packer:
    """Packs chunks of whole lines for the catalog's streams."""

    def __init__(self, shapes: Sequence[Shape], most_rows: int) -> None:
        """A parcel ends where something else than a record follows so many rows of a stream."""
        self._shapes = shapes
        self._numbers = {shape.name: number for number, shape in enumerate(shapes)}
        self._reader = Reader(shapes)
        self._decoder = Decoder(shapes)
        self._most_rows = most_rows

    def pack(self, chunk: bytes) -> Packed:
        """The chunk's parcels, in their order."""
        lines = self._read(chunk)
        refused = lines.refused
        end = refused.line - 1 if refused is not None else len(lines)
        bounds = [0, *(cut for cut in self._cuts(lines) if cut < end), end]
        # A piece is read again: few chunks have more than one, and most of those are an input's last.
        pieces = [lines] if bounds == [0, len(lines)] else self._pieces(lines, bounds)
        return Packed(
            parcels=tuple(parcel for piece in pieces if (parcel := self._parcel(piece)).events),
            lines=refused.line if refused is not None else len(lines),
            refused=refused,
            cut_off=refused is not None and refused.stream is None and _is_cut_off(refused.line, chunk),
        )

    def _pieces(self, lines: _Lines, bounds: Sequence[int]) -> Iterator[_Lines]:
        for first, last in pairwise(bounds):
            yield self._read(lines.piece(first, last))

    def _read(self, chunk: bytes) -> _Lines:
        reading = self._reader.read(chunk)
        owners, emitted = reading.streams, reading.emitted
        records: dict[int, Record] = {}
        others: dict[int, State | StreamStatus] = {}
        refused = None
        for index in np.flatnonzero(owners == ODD).tolist():
            begin = int(reading.ends[index - 1]) + 1 if index else 0
            try:
                message = self._decoder.decode(chunk[begin : int(reading.ends[index])], index + 1)
            except Refused as error:
                refused = error
                break
            match message:
                case Record():
                    records[index] = message
                case State() | StreamStatus(_, Status.COMPLETE | Status.INCOMPLETE):
                    others[index] = message
        if records:
            owners, emitted = owners.copy(), emitted.copy()
            owners[list(records)] = [self._numbers[record.stream] for record in records.values()]
            emitted[list(records)] = [record.emitted_at for record in records.values()]
        return _Lines(
            chunk=chunk,
            reading=reading,
            records=records,
            others=others,
            refused=refused,
            owners=owners,
            emitted=emitted,
            sizes=np.diff(reading.ends, prepend=-1) - 1,
        )

    def _cuts(self, lines: _Lines) -> Iterator[int]:
        """Where parcels end: after a stream's end, and before what follows many rows."""
        last = 0
        for index in np.flatnonzero(lines.owners == ODD).tolist():
            if index - last >= self._most_rows and max(_counts(lines.owners[last:index])) >= self._most_rows:
                last = index
                yield index
            if isinstance(lines.others.get(index), StreamStatus):
                last = index + 1
                yield last

    # -- a parcel

    def _parcel(self, lines: _Lines) -> Parcel:
        rows = tuple(
            settled(self._shapes[number], _share(lines, number))
            for number, count in enumerate(_counts(lines.owners))
            if count
        )
        return Parcel(rows=rows, events=tuple(self._events(lines)))

    def _events(self, lines: _Lines) -> Iterator[Event]:
        sizes, partitions, start = lines.sizes, _partitions(lines), 0
        for index in (*lines.others, len(lines)):
            between = slice(start, index)
            owners = lines.owners[between]
            for number, count in enumerate(_counts(owners)):
                if count:
                    own = np.flatnonzero(owners == number) + start
                    yield Span(
                        stream=self._shapes[number].name,
                        records=count,
                        size=int(sizes[own].sum()),
                        partitions=_tallies(own, sizes, partitions) if partitions else {},
                    )
            if index < len(lines):
                yield lines.others[index]
            start = index + 1


def _counts(owners: Numbers) -> list[int]:
    """How many of these lines are each stream's records."""
    counts: list[int] = np.bincount(owners[owners >= 0]).tolist()
    return counts or [0]


def _share(lines: _Lines, number: int) -> Share:
    reading, own = lines.reading, np.flatnonzero(lines.owners == number)
    places = np.arange(len(own))
    records: list[Record] = []
    if lines.records:
        is_odd = reading.streams[own] == ODD
        places = np.concatenate((places[~is_odd], places[is_odd]))
        records = [lines.records[index] for index in own[is_odd].tolist()]
    notes = reading.notes
    return Share(
        chunk=lines.chunk,
        made=reading.rows[number],
        notes=notes[notes["stream"] == number] if len(notes) else notes,
        records=records,
        places=places,
        emitted_at=lines.emitted[own],
        size=int(lines.sizes[own].sum()),
    )


def _partitions(lines: _Lines) -> dict[int, str]:
    """The partitions that records name, by line."""
    named = {i: record.partition for i, record in lines.records.items() if record.partition is not None}
    notes = lines.reading.notes
    for number in set(notes["stream"].tolist()):
        told = notes[(notes["stream"] == number) & (notes["kind"] == PARTITION)]
        own = np.flatnonzero(lines.reading.streams == number)[told["row"]].tolist()
        tokens = tokens_of(lines.chunk, told)
        named |= zip(own, map(msgspec.json.decode, tokens), strict=True)
    return named


def _tallies(own: Numbers, sizes: Numbers, partitions: Mapping[int, str]) -> dict[str, PartitionTally]:
    lines: dict[str, list[int]] = {}
    for index in own.tolist():
        if (name := partitions.get(index)) is not None:
            lines.setdefault(name, []).append(index)
    return {
        name: PartitionTally(records=len(each), size=int(sizes[each].sum())) for name, each in lines.items()
    }


def _is_cut_off(line: int, chunk: bytes) -> bool:
    """Whether this line of the chunk lacks its end, as only the input's last can."""
    return not chunk.endswith(b"\n") and line == chunk.count(b"\n") + 1
