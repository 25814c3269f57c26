"""The compiled reader of chunks: whole lines in, Arrow columns out. Knows no batch, and decides nothing.

It understands records in their plain form, which is nearly all of a sync. A line that it does not understand is marked
as odd, a cell as unsettled; what becomes of them is for the exact road to say (`decoder`, `cells`). Its C is in
`native/`; the structures here mirror `native/reader.h`.
"""

import ctypes
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from attrs import field, frozen

from dataflow.batch import EXTRACTED
from dataflow.errors import InternalError
from dataflow.input.bare_lines import BareLines
from dataflow.input.messages import EARLIEST, LATEST
from dataflow.shape import Shape
from dataflow.types import EXTRACTED_AT, AirbyteType, Array, Column, Kind, Limits, Object
from dataflow.values.limits import READ_NUMBERS
from dataflow.values.temporal import first_day

LIBRARY = Path(__file__).parents[1] / "native" / "reader.so"
ODD, BLANK = -1, -2
UNSETTLED, SHORTENED, CHANGED, PARTITION, UNKNOWN = range(5)
SPANS = np.dtype([("stream", np.int32), ("records", np.int32), ("bytes", np.int64), ("after", np.int64)])
NOTES = np.dtype(
    [(name, np.int32) for name in ("stream", "column", "row", "kind")]
    + [(name, np.int64) for name in ("begin", "end")]
)


class _Text(ctypes.Structure):
    _fields_ = (("bytes", ctypes.c_char_p), ("length", ctypes.c_int64))


class _ColumnPlan(ctypes.Structure):
    _fields_ = (("field", _Text), ("kind", ctypes.c_int32), ("exact", ctypes.c_int32))


class _StreamPlan(ctypes.Structure):
    _fields_ = (
        ("name", _Text),
        ("name_space", _Text),
        ("column_count", ctypes.c_int64),
        ("columns", ctypes.POINTER(_ColumnPlan)),
    )


class _Plan(ctypes.Structure):
    _fields_ = (
        ("stream_count", ctypes.c_int64),
        ("streams", ctypes.POINTER(_StreamPlan)),
        ("first_day", ctypes.c_int64),
        ("last_day", ctypes.c_int64),
        ("earliest_emitted", ctypes.c_int64),
        ("last_emitted", ctypes.c_int64),
        ("text_bytes", ctypes.c_int64),
        ("holds_nul", ctypes.c_int32),
        ("bare", ctypes.c_int32),
        ("bare_emitted", ctypes.c_int64),
    )


class _Reading(ctypes.Structure):
    _fields_ = (
        ("line_count", ctypes.c_int64),
        ("ends", ctypes.c_void_p),
        ("streams", ctypes.c_void_p),
        ("span_count", ctypes.c_int64),
        ("spans", ctypes.c_void_p),
        ("note_count", ctypes.c_int64),
        ("notes", ctypes.c_void_p),
    )


class _ArrowArray(ctypes.Structure):
    _fields_ = (("members", ctypes.c_char * 80),)


# How the reader reads a kind's cells, by its own number for it, and what Arrow holds them in.
_TEXT, _TOKEN, _JSON, _ARRAY, _OBJECT = ((number, pa.string()) for number in range(5))
_HELD: dict[Kind, tuple[int, pa.DataType]] = {
    Kind.STRING: _TEXT,
    Kind.BOOLEAN: (5, pa.bool_()),
    Kind.INTEGER: (6, pa.int64()),
    Kind.NUMBER: (7, pa.decimal128(*READ_NUMBERS)),
    Kind.DATE: (8, pa.date32()),
    Kind.TIME_WITH_TIMEZONE: _TEXT,
    Kind.TIME_WITHOUT_TIMEZONE: _TEXT,
    Kind.TIMESTAMP_WITH_TIMEZONE: (9, pa.timestamp("us", tz="UTC")),
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: (10, pa.timestamp("us")),
}


def _held(column: Column, limits: Limits) -> tuple[int, pa.DataType]:
    match column.type:
        case Array():
            return _ARRAY
        case Object():
            return _OBJECT
        case AirbyteType(kind=Kind.JSON):
            return _JSON
        case AirbyteType(kind=Kind.NUMBER) if limits.number != READ_NUMBERS:
            return _TOKEN
    return _HELD[column.kind]


@frozen(kw_only=True)
class Reading:
    """What a chunk holds.

    Per line where it ends, and whose record it is: a stream's number, ODD or BLANK. The spans of records between odd
    lines, in the order in which they begin, as SPANS. The rows of each stream that has any: when they were emitted,
    then its columns. And notes on these, as NOTES. `unknown` are notes too, on the names of fields that no column has
    and that no earlier chunk has named.
    """

    ends: "np.ndarray[Any, Any]" = field(repr=lambda ends: f"<{len(ends)} lines>")
    streams: "np.ndarray[Any, Any]" = field(repr=False)
    spans: "np.ndarray[Any, Any]" = field(repr=lambda spans: f"<{len(spans)}>")
    notes: "np.ndarray[Any, Any]" = field(repr=lambda notes: f"<{len(notes)}>")
    unknown: "np.ndarray[Any, Any]" = field(repr=lambda notes: f"<{len(notes)}>")
    rows: Mapping[int, pa.RecordBatch] = field(repr=False)


class Reader:
    """Reads chunks of some streams' records. It has memory of its own, and is for one thread at a time."""

    def __init__(self, shapes: Sequence[Shape], bare: BareLines | None = None) -> None:
        """With `bare` lines there is one shape, that of their stream.

        Raises InternalError where there is no compiled reader.
        """
        self._library = _library()
        # What the plan points to is copied by the reader.
        streams = (_StreamPlan * len(shapes))(*map(_stream_plan, shapes))
        # They are of one destination, and its limits are one.
        (limits,) = {shape.limits for shape in shapes} or {Limits()}
        plan = _Plan(
            stream_count=len(shapes),
            streams=streams,
            first_day=first_day(limits.years[0]),
            last_day=first_day(limits.years[1] + 1) - 1,
            earliest_emitted=EARLIEST,
            last_emitted=LATEST,
            text_bytes=min(limits.string_bytes, limits.json_bytes),
            holds_nul=limits.nul,
            bare=bare is not None,
            bare_emitted=bare.emitted_at if bare is not None else 0,
        )
        self._schemas = [_schema(shape) for shape in shapes]
        self._reader = self._library.reader_new(ctypes.byref(plan))
        if not self._reader:
            raise MemoryError

    def __del__(self) -> None:
        if getattr(self, "_reader", None):
            self._library.reader_free(self._reader)

    def read(self, chunk: bytes) -> Reading:
        """What a chunk of whole lines holds. Raises MemoryError."""
        found = self._library.reader_read(self._reader, chunk, len(chunk))
        if not found:
            raise MemoryError
        contents = found.contents
        spans = _copied(contents.spans, contents.span_count, SPANS)
        notes = _copied(contents.notes, contents.note_count, NOTES)
        of_names = notes["kind"] == UNKNOWN
        return Reading(
            ends=_copied(contents.ends, contents.line_count, np.int64),
            streams=_copied(contents.streams, contents.line_count, np.int32),
            spans=spans,
            notes=notes[~of_names],
            unknown=notes[of_names],
            rows={stream: self._exported(stream) for stream in dict.fromkeys(spans["stream"].tolist())},
        )

    def _exported(self, stream: int) -> pa.RecordBatch:
        array = _ArrowArray()
        if self._library.reader_export(self._reader, stream, ctypes.byref(array)):
            raise MemoryError
        return pa.RecordBatch._import_from_c(ctypes.addressof(array), self._schemas[stream])  # noqa: SLF001 - Arrow's documented way in


def tokens_of(chunk: bytes, notes: "np.ndarray[Any, Any]") -> list[bytes]:
    """The tokens in a chunk that notes are about."""
    bounds = zip(notes["begin"].tolist(), notes["end"].tolist(), strict=True)
    return [chunk[begin:end] for begin, end in bounds]


@cache
def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(str(LIBRARY))
    except OSError as error:
        raise InternalError(
            "The library that reads the input could not be loaded.",
            doing=f"loading {LIBRARY}",
            remedy="Install the package from a wheel for this machine, or from its sources with a C compiler.",
        ) from error
    library.reader_new.restype = ctypes.c_void_p
    library.reader_new.argtypes = (ctypes.POINTER(_Plan),)
    library.reader_free.argtypes = (ctypes.c_void_p,)
    library.reader_free.restype = None
    library.reader_read.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int64)
    library.reader_read.restype = ctypes.POINTER(_Reading)
    library.reader_export.argtypes = (ctypes.c_void_p, ctypes.c_int32, ctypes.POINTER(_ArrowArray))
    return library


def _text(value: str | None) -> _Text:
    encoded = value.encode() if value is not None else None
    return _Text(encoded, len(encoded or b""))


def _stream_plan(shape: Shape) -> _StreamPlan:
    columns = [
        _ColumnPlan(_text(each.field), _held(each, shape.limits)[0], each.field in shape.roles)
        for each in shape.columns
    ]
    return _StreamPlan(
        name=_text(shape.name.name),
        name_space=_text(shape.name.namespace),
        column_count=len(columns),
        columns=(_ColumnPlan * len(columns))(*columns),
    )


def _schema(shape: Shape) -> pa.Schema:
    columns = [(each.name, _held(each, shape.limits)[1]) for each in shape.columns]
    return pa.schema([(EXTRACTED_AT, EXTRACTED), *columns])


def _copied(address: int | None, count: int, of: Any) -> "np.ndarray[Any, Any]":
    size = count * np.dtype(of).itemsize
    return np.frombuffer(ctypes.string_at(address, size) if address and size else b"", of)
