"""The few vectorised steps that columns of every kind share. Knows no Airbyte type and reads no cell itself."""

import struct
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from attrs import frozen

from dataflow.types import ChangeKind, ChangeReason
from dataflow.values.cells import Outcome

PROBE = 8
# Bytes searched at a time.
PIECE = 1 << 20
# Up to this many cells it is cheaper to read each than to make the regular expressions that would sort them.
FEW = 256
LINE_END = ord("\n")
_lines = msgspec.json.Encoder().encode_lines


@frozen
class Coerced:
    """A column as Arrow holds it, and what was done to cells that did not fit, by row, in the order of rows."""

    array: pa.Array
    changes: tuple[tuple[int, ChangeKind, ChangeReason], ...] = ()


def coerced(array: pa.Array, outcomes: dict[int, Outcome]) -> Coerced:
    """The column with its outcomes in the order of rows."""
    return Coerced(array, tuple((row, *outcomes[row]) for row in sorted(outcomes)))


def outcomes_of(column: Coerced) -> dict[int, Outcome]:
    """What was done, by row."""
    return {row: (change, reason) for row, change, reason in column.changes}


def cast_all(texts: pa.Array, type_: pa.DataType) -> pa.Array | None:
    """The column cast by Arrow, or None when a cell is not as Arrow wants it.

    A few cells are tried first: Arrow writes an error's text for every cell that it cannot read.
    """
    try:
        texts.slice(0, PROBE).cast(type_)
        return texts.cast(type_)
    except pa.ArrowInvalid:
        return None


def matches(texts: pa.Array, pattern: str) -> pa.Array:
    """Which texts a regular expression is found in; never a null one."""
    return pc.fill_null(pc.match_substring_regex(texts, pattern), fill_value=False)


def without(texts: pa.Array, *, where: pa.Array) -> pa.Array:
    """The same column with nulls at some rows."""
    return pc.if_else(where, pa.scalar(None, texts.type), texts)


def others(texts: pa.Array, mask: pa.Array) -> pa.Array:
    """Which cells have a text and no true mask."""
    return pc.and_(pc.is_valid(texts), pc.invert(mask))


def rows(mask: pa.Array) -> list[int]:
    """The rows where a mask is true."""
    found: list[int] = pc.indices_nonzero(mask).to_pylist()
    return found


def any_of(mask: pa.Array) -> bool:
    """Whether a mask is true anywhere."""
    return bool(pc.any(mask).as_py())


def holds(texts: pa.Array, byte: bytes) -> bool:
    """Whether any cell of a string column holds an ASCII character."""
    data = texts.buffers()[2]
    # Python's search needs bytes of its own: a piece at a time, so that a large column is not copied whole.
    starts = range(0, data.size, PIECE) if data is not None else ()
    return any(byte in data.slice(start, min(PIECE, data.size - start)).to_pybytes() for start in starts)


def found_in(texts: pa.Array, pattern: str) -> bool:
    """Whether any cell of a string column has a match, or two neighbours have one together: a cheap first look.

    The column's bytes are searched as one text, which costs a fraction of asking cell by cell.
    """
    data = texts.buffers()[2]
    if data is None:
        return False
    ends = pa.py_buffer(struct.pack("=qq", 0, data.size))
    whole = pa.Array.from_buffers(pa.large_binary(), 1, [None, ends, data])
    return any_of(pc.match_substring_regex(whole, pattern))


def longest(texts: pa.Array) -> int:
    """The most bytes that any cell of a string column has."""
    return pc.max(pc.binary_length(texts)).as_py() or 0


def exceeds(texts: pa.Array, limit: int) -> bool:
    """Whether any cell of a string column has more bytes than a limit."""
    data = texts.buffers()[2]
    return data is not None and data.size > limit and longest(texts) > limit


def read_each(
    texts: pa.Array, type_: pa.DataType, read: Callable[[str], tuple[Any, Outcome | None]]
) -> Coerced:
    """A column read one text at a time, nulls staying null."""
    cells = [(None, None) if text is None else read(text) for text in texts.to_pylist()]
    outcomes = {row: outcome for row, (_, outcome) in enumerate(cells) if outcome is not None}
    return coerced(pa.array([value for value, _ in cells], type_), outcomes)


def read_rest(
    fitting: Coerced, texts: pa.Array, mask: pa.Array, read: Callable[[pa.Array], Coerced]
) -> Coerced:
    """The column with the cells of a mask read in another way, from their texts alone: it costs what they cost."""
    if not any_of(mask):
        return fitting
    rest = read(texts.filter(mask))
    indexes = rows(mask)
    outcomes = outcomes_of(fitting) | {indexes[row]: (change, reason) for row, change, reason in rest.changes}
    return coerced(pc.replace_with_mask(fitting.array, mask, rest.array), outcomes)


def null_out(column: Coerced, mask: pa.Array, outcome: Outcome) -> Coerced:
    """The column without the cells where a mask is true, each with this outcome instead of any it had."""
    mask = pc.fill_null(mask, fill_value=False)
    return coerced(
        without(column.array, where=mask), outcomes_of(column) | dict.fromkeys(rows(mask), outcome)
    )


def tokens(values: Sequence[Any]) -> pa.Array:
    """Raw JSON tokens as a string column; an absent cell and JSON's null are null, invalid UTF-8 becomes U+FFFD.

    The tokens travel as lines of one text, so that no object is made per cell: no token of one line holds a line end.
    """
    lines = _lines(values)
    if not lines.isascii():
        lines = lines.decode("utf-8", "replace").encode()
    characters = np.frombuffer(lines, np.uint8)
    ends = np.flatnonzero(characters == LINE_END)
    if len(ends) != len(values):
        raise ValueError(f"{len(values)} tokens of one line each were {len(ends)} lines")
    # Without the line ends each token begins where the one before it ends, which is how Arrow keeps strings.
    offsets = np.zeros(len(values) + 1, np.int32)
    np.subtract(ends, np.arange(len(values)), out=offsets[1:], casting="unsafe")
    # Only null, among JSON's tokens, begins with an n; an absent one begins, and ends, with its line end.
    first = characters[ends - np.diff(offsets)]
    absent = (first == LINE_END) | (first == ord("n"))
    present = pa.py_buffer(np.packbits(~absent, bitorder="little")) if absent.any() else None
    text = pa.py_buffer(lines.replace(b"\n", b""))
    return pa.Array.from_buffers(pa.string(), len(values), [present, pa.py_buffer(offsets), text])
