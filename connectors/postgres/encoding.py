"""Arrow batches as PostgreSQL's binary COPY format. Knows no table and no connection.

Makes no Python object per row: a library in C (`native/`) writes the rows without Python's lock. Only numbers without
a bound on their digits are converted one by one: Arrow has no type for them.
"""

import ctypes
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from dataflow.errors import InternalError
from dataflow.types import META, Column, Kind

LIBRARY = Path(__file__).parent / "native" / "encoder.so"
# Bytes of a batch, as Arrow holds it, per part that is encoded: the server works on one part while we make the next.
PART_BYTES = 512 * 1024

# As the server sends and takes them: microseconds since midnight, and seconds west of Greenwich.
TIMETZ = np.dtype([("microseconds", ">i8"), ("west", ">i4")])

# What a numeric can hold: decimal digits before the point, and after it.
NUMERIC_DIGITS, NUMERIC_SCALE = 131072, 16383
NEGATIVE = 0x4000

Cast = Callable[[pa.Array], pa.Array]

# Manual: COPY, "Binary Format". No flags, and no extension of the header.
HEADER, TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"

# How the library writes a column's values, by its own number for it.
TEXT, JSONB, FIXED, BOOLEAN, INTEGER, DECIMAL, DATE, MOMENT, TIME = range(9)
_FORMS = {
    pa.string(): TEXT,
    pa.binary(): TEXT,
    pa.bool_(): BOOLEAN,
    pa.int64(): INTEGER,
    pa.date32(): DATE,
    pa.timestamp("us"): MOMENT,
    pa.timestamp("us", tz="UTC"): MOMENT,
    pa.time64("us"): TIME,
}


class _FieldPlan(ctypes.Structure):
    _fields_ = (("form", ctypes.c_int32), ("size", ctypes.c_int32))


class Layout:
    """How batches of one schema become rows of the binary COPY format."""

    def __init__(self, columns: Sequence[Column], schema: pa.Schema) -> None:
        """Raises InternalError for a type of column that is not written, or where the library is missing."""
        self._library = _library()
        kinds = {META: Kind.JSON} | {each.name: each.kind for each in columns}
        self._casts = [_cast(kinds.get(each.name), each.type) for each in schema]
        ready = self._ready(pa.RecordBatch.from_pylist([], schema=schema)).schema
        self._plan = (_FieldPlan * len(ready))(*[_field_plan(each, kinds.get(each.name)) for each in ready])

    def encode(self, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes | memoryview]:
        """The whole COPY stream of these batches, in parts."""
        yield HEADER
        for batch in batches:
            for part in _parts(batch):
                yield self._rows(self._ready(part))
        yield TRAILER

    def _ready(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        arrays = [cast(each) if cast else each for cast, each in zip(self._casts, batch.columns, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)

    def _rows(self, batch: pa.RecordBatch) -> memoryview:
        # What the capsule points to lives as long as it does.
        _, capsule = batch.__arrow_c_array__()
        rows = ctypes.pythonapi.PyCapsule_GetPointer(ctypes.py_object(capsule), b"arrow_array")
        written = pa.allocate_buffer(self._library.encoder_room(rows, self._plan))
        taken = self._library.encoder_rows(rows, self._plan, written.address)
        return memoryview(written)[:taken]


@cache
def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(str(LIBRARY))
    except OSError as error:
        raise InternalError(
            "The library that encodes rows for Postgres could not be loaded.",
            doing=f"loading {LIBRARY}",
            remedy="Install the package from a wheel for this machine, or from its sources with a C compiler.",
        ) from error
    library.encoder_room.restype = library.encoder_rows.restype = ctypes.c_int64
    library.encoder_room.argtypes = (ctypes.c_void_p, ctypes.POINTER(_FieldPlan))
    library.encoder_rows.argtypes = (ctypes.c_void_p, ctypes.POINTER(_FieldPlan), ctypes.c_void_p)
    ctypes.pythonapi.PyCapsule_GetPointer.restype = ctypes.c_void_p
    ctypes.pythonapi.PyCapsule_GetPointer.argtypes = (ctypes.py_object, ctypes.c_char_p)
    return library


def _field_plan(field: pa.Field, kind: Kind | None) -> _FieldPlan:
    if kind is Kind.JSON and field.type == pa.string():
        return _FieldPlan(JSONB, 0)
    if pa.types.is_fixed_size_binary(field.type):
        return _FieldPlan(FIXED, field.type.byte_width)
    if pa.types.is_decimal128(field.type):
        return _FieldPlan(DECIMAL, field.type.scale)
    if field.type not in _FORMS:
        raise InternalError(
            f"A column of {field.type} cannot be sent to Postgres.",
            doing=f"encoding the column {field.name}",
            remedy="This should have been noticed before: report it.",
        )
    return _FieldPlan(_FORMS[field.type], 0)


def _parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if batch.num_rows == 0:
        return
    rows = max(1, batch.num_rows * PART_BYTES // max(batch.nbytes, 1))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _cast(kind: Kind | None, given: pa.DataType) -> Cast | None:
    if kind is Kind.TIME_WITH_TIMEZONE:
        return timetz
    if kind is Kind.NUMBER and given == pa.string():
        return numeric
    return None


# -- what Arrow has no type for, in the server's own form


def timetz(texts: pa.Array) -> pa.Array:
    """Times with offset, as 12 bytes each, from the texts HH:MM:SS[.ffffff]+HH:MM."""
    # Slow to import, and few tables have such a column.
    import pyarrow.compute as pc

    filled = pc.fill_null(texts, "00:00:00+00:00")
    fraction = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.utf8_slice_codeunits(filled, 8, -6), 7, "0"), 1)
    seconds = _number(filled, 0, 2) * 3600 + _number(filled, 3, 5) * 60 + _number(filled, 6, 8)
    east = _number(filled, -5, -3) * 3600 + _number(filled, -2, None) * 60
    negative = pc.equal(pc.utf8_slice_codeunits(filled, -6, -5), "-").to_numpy(zero_copy_only=False)
    values = np.empty(len(texts), TIMETZ)
    values["microseconds"] = seconds * 1_000_000 + fraction.cast(pa.int64()).to_numpy()
    values["west"] = np.where(negative, east, -east)
    present = pc.is_valid(texts).buffers()[1] if texts.null_count else None
    return pa.Array.from_buffers(pa.binary(TIMETZ.itemsize), len(texts), [present, pa.py_buffer(values)])


def _number(texts: pa.Array, start: int, stop: int | None) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    import pyarrow.compute as pc

    digits: np.ndarray[tuple[int], np.dtype[np.int64]]
    digits = pc.utf8_slice_codeunits(texts, start, stop).cast(pa.int64()).to_numpy()
    return digits


def numeric(texts: pa.Array) -> pa.Array:
    """Exact numbers of any size, from their decimal text."""
    return pa.array(
        [None if text is None else numeric_bytes(text) for text in texts.to_pylist()], pa.binary()
    )


def numeric_bytes(text: str) -> bytes:
    """One exact number as the server takes it: groups of four digits, and where the point is.

    Digits beyond NUMERIC_SCALE are rounded half up. Raises InternalError for a number too large to be held.
    """
    number = Decimal(text)
    sign, _, exponent = number.as_tuple()
    if not isinstance(exponent, int) or (number and number.adjusted() >= NUMERIC_DIGITS):
        raise InternalError(
            f"A number does not fit: Postgres holds up to {NUMERIC_DIGITS} digits before the point.",
            remedy="This should have been noticed before: report it.",
        )
    if exponent < -NUMERIC_SCALE:
        exact = Context(prec=NUMERIC_DIGITS + NUMERIC_SCALE + 1, rounding=ROUND_HALF_UP)
        number = number.quantize(Decimal((0, (1,), -NUMERIC_SCALE)), context=exact)
    whole, _, fraction = format(number.copy_abs(), "f").partition(".")
    digits = "0" * (-len(whole) % 4) + whole + fraction + "0" * (-len(fraction) % 4)
    groups = [int(digits[start : start + 4]) for start in range(0, len(digits), 4)]
    weight = (len(whole) + 3) // 4 - 1
    while groups and groups[-1] == 0:
        groups.pop()
    leading = next((index for index, group in enumerate(groups) if group), 0)
    groups, weight = groups[leading:], weight - leading
    return struct.pack(
        f">HhHH{len(groups)}H",
        len(groups),
        weight if groups else 0,
        NEGATIVE if sign and groups else 0,
        len(fraction),
        *groups,
    )
