"""Cells to typed Arrow columns, and a change for every cell that did not fit. Knows no record and no batch.

A column is begun and finished. Begun, it has the form in which the compiled reader makes its columns, so that cells of
both can be put together; finished, its texts and tokens are what they say, within what the destination can hold.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dataflow.types import AirbyteType, Array, Kind, Limits, Object
from dataflow.values.arrow_columns import (
    Coerced,
    any_of,
    coerced,
    exceeds,
    found_in,
    holds,
    matches,
    null_out,
    outcomes_of,
    read_each,
    read_rest,
    tokens,
)
from dataflow.values.cells import BEYOND, UNREADABLE, Outcome, holds_only_numeric, levels, without_nul
from dataflow.values.limits import READ_NUMBERS, is_final
from dataflow.values.number_column import number_column
from dataflow.values.temporal_column import (
    date_column,
    time_column,
    time_with_timezone_column,
    timestamp_column,
)

__all__ = ["Coerced", "begun", "column", "finished"]

# Digits of an int64.
LEAST, MOST = -(2**63), 2**63 - 1
# Numbers out of range in JSON need an exponent of five digits, or a text of this length with this many digits in a row.
HUGE_EXPONENT = "[eE][+-]?[0-9]{5}"
MANY_DIGITS = "[0-9]{500}"
LONG_JSON = 6000


def column(type_: AirbyteType, values: Sequence[Any], limits: Limits) -> Coerced:
    """The cells of one field, in the form of `cells.loosen`, in Arrow; what does not fit is nulled or truncated.

    Strings, JSON text and times with timezone are `string`; integers int64; numbers decimals of the limits'
    precision and scale (without limits decimal128(38, 9), or plain text when a cell needs more); dates date32;
    times time64 and timestamps timestamp, in microseconds.

    A value that is not of the type is nulled (DESTINATION_SERIALIZATION_ERROR); one that the column cannot
    hold is nulled, and one with too many digits after the point truncated (DESTINATION_FIELD_SIZE_LIMITATION).
    U+0000 is removed where the limits say so, and no change is recorded for it.
    """
    start = begun(type_, values, limits)
    made = finished(type_, start.array, limits)
    return coerced(made.array, outcomes_of(start) | outcomes_of(made))


def begun(type_: AirbyteType, values: Sequence[Any], limits: Limits) -> Coerced:
    """The cells of one field in the form that `finished` takes: `string`, where it is texts or tokens that it reads."""
    return BEGINNINGS[type_.kind](values, type_, limits)


def finished(type_: AirbyteType, made: pa.Array, limits: Limits) -> Coerced:
    """What a column was begun for; its rows are the same."""
    return Coerced(made) if is_final(type_, limits) else FINISHES[type_.kind](made, limits)


def _strings(values: Sequence[Any], _: AirbyteType, limits: Limits) -> Coerced:
    texts = _texts(values)
    if not limits.nul and holds(texts, b"\0"):
        texts = pc.replace_substring(texts, "\0", "")
    return _sized(Coerced(texts), limits.string_bytes)


def _integers(values: Sequence[Any], _: AirbyteType, __: Limits) -> Coerced:
    try:
        return Coerced(pa.array(values, pa.int64()))
    except (pa.ArrowInvalid, OverflowError):
        fits = [value if value is None or LEAST <= value <= MOST else BEYOND for value in values]
    outcomes = {row: BEYOND for row, value in enumerate(fits) if value is BEYOND}
    return coerced(pa.array([None if value is BEYOND else value for value in fits], pa.int64()), outcomes)


def _json(values: Sequence[Any], type_: AirbyteType, limits: Limits) -> Coerced:
    made = Coerced(tokens(values))
    if isinstance(type_, Array | Object):
        other = pc.invert(pc.starts_with(made.array, "[" if isinstance(type_, Array) else "{"))
        made = null_out(made, other, UNREADABLE) if any_of(other) else made
    if not limits.nul and holds(made.array, b"\\"):
        made = _reread(made, r"\\u0000", lambda text: (without_nul(text), None))
    suspect = f"{HUGE_EXPONENT}|{MANY_DIGITS}" if exceeds(made.array, LONG_JSON) else HUGE_EXPONENT
    made = _reread(made, suspect, lambda text: (text, None) if holds_only_numeric(text) else (None, BEYOND))
    return _sized(_followed(made, limits.json_levels), limits.json_bytes)


def _followed(column: Coerced, limit: int) -> Coerced:
    """The column without the cells that are nested deeper."""
    texts = column.array
    if not exceeds(texts, len("[]") * limit):
        return column
    opened = pc.add(pc.count_substring(texts, "["), pc.count_substring(texts, "{"))
    many = pc.fill_null(pc.greater(opened, limit), fill_value=False)
    return read_rest(
        column,
        texts,
        many,
        lambda rest: read_each(
            rest, texts.type, lambda text: (text, None) if levels(text) <= limit else (None, BEYOND)
        ),
    )


def _reread(column: Coerced, pattern: str, read: Callable[[str], tuple[Any, Outcome | None]]) -> Coerced:
    """The column with the cells that hold a pattern read again one by one."""
    texts = column.array
    if not found_in(texts, pattern):
        return column
    return read_rest(column, texts, matches(texts, pattern), lambda rest: read_each(rest, texts.type, read))


def _sized(column: Coerced, limit: int) -> Coerced:
    if not exceeds(column.array, limit):
        return column
    return null_out(column, pc.greater(pc.binary_length(column.array), limit), BEYOND)


def _numbers(values: Sequence[Any], _: AirbyteType, limits: Limits) -> Coerced:
    texts = tokens(values)
    return number_column(texts, limits) if limits.number == READ_NUMBERS else Coerced(texts)


def _times(values: Sequence[Any], _: AirbyteType, __: Limits) -> Coerced:
    return Coerced(_texts(values))


def _texts(values: Sequence[Any]) -> pa.Array:
    return pa.array(values, pa.string())


BEGINNINGS: dict[Kind, Callable[[Sequence[Any], AirbyteType, Limits], Coerced]] = {
    Kind.STRING: _strings,
    Kind.BOOLEAN: lambda values, _, __: Coerced(pa.array(values, pa.bool_())),
    Kind.INTEGER: _integers,
    Kind.NUMBER: _numbers,
    Kind.DATE: lambda values, _, limits: date_column(_texts(values), limits),
    Kind.TIME_WITH_TIMEZONE: _times,
    Kind.TIME_WITHOUT_TIMEZONE: _times,
    Kind.TIMESTAMP_WITH_TIMEZONE: lambda v, _, limits: timestamp_column(_texts(v), limits, zoned=True),
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: lambda v, _, limits: timestamp_column(_texts(v), limits, zoned=False),
    Kind.JSON: _json,
}
# For a value that is not final when it is begun.
FINISHES: dict[Kind, Callable[[pa.Array, Limits], Coerced]] = {
    Kind.NUMBER: number_column,
    Kind.TIME_WITH_TIMEZONE: lambda made, _: time_with_timezone_column(made),
    Kind.TIME_WITHOUT_TIMEZONE: lambda made, _: time_column(made),
}
