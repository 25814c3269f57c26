"""Raw JSON cells to typed Arrow columns, and a change for every cell that did not fit. Knows no record, no batch.

Two roads lead into `column`, and they agree cell by cell: the fast decoder reads a record's fields as the types
of `annotation`; `loosen` reads the fields of a record that it refused, one token at a time. `column` then makes
the column in one vectorised pass, and looks at single cells only where one does not fit.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import accumulate, chain
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from dataflow.cells import BEYOND, UNREADABLE, Outcome, holds_only_numeric, loosen, without_nul
from dataflow.number_column import number_column
from dataflow.temporal_column import date_column, time_column, time_with_timezone_column, timestamp_column
from dataflow.types import AirbyteType, Array, Kind, Limits, Object
from dataflow.vectors import (
    Coerced,
    any_of,
    coerced,
    exceeds,
    found_in,
    holds,
    matches,
    null_out,
    read_each,
    read_rest,
    tokens,
)

__all__ = ["Coerced", "annotation", "column", "columns", "loosen"]

# A number's digits and a JSON value's text are cheapest, and exact, as the bytes that they are.
ANNOTATIONS: dict[Kind, Any] = {
    # The word that stands in place of a boolean or an integer is the usual dirt: it need not stop the decoder.
    Kind.BOOLEAN: bool | str | None,
    Kind.INTEGER: int | str | None,
    Kind.NUMBER: msgspec.Raw,
    Kind.JSON: msgspec.Raw,
}
# Of an int64.
LEAST, MOST = -(2**63), 2**63 - 1
# Numbers out of range in JSON need an exponent of five digits, or a text so long with so many digits in a row.
HUGE_EXPONENT = "[eE][+-]?[0-9]{5}"
MANY_DIGITS = "[0-9]{500}"
LONG_JSON = 6000


def annotation(kind: Kind) -> Any:
    """The msgspec annotation with which the fast decoder reads cells of a kind.

    A field that may be absent has an empty `msgspec.Raw` as its default where that is the annotation, else None.
    """
    return ANNOTATIONS.get(kind, str | None)


def column(type_: AirbyteType, values: Sequence[Any], limits: Limits) -> Coerced:
    """The cells of one field as an Arrow array, in the order given; what does not fit is nulled or truncated.

    Strings, JSON text and times with timezone are `string`; integers int64; numbers decimals of the limits'
    precision and scale (without limits decimal128(38, 9), or plain text when a cell needs more); dates date32;
    times time64 and timestamps timestamp, in microseconds.

    A value that is not of the type is nulled (DESTINATION_SERIALIZATION_ERROR); one that the column cannot
    hold is nulled, and one with too many digits after the point truncated (DESTINATION_FIELD_SIZE_LIMITATION).
    U+0000 is removed where the limits say so, and no change is recorded for it.
    """
    return COLUMNS[type_.kind](values, type_, limits)


def columns(wanted: Sequence[tuple[AirbyteType, Sequence[Any], Limits]]) -> list[Coerced]:
    """`column` for each. Those of one type are made in one pass as long as every cell of theirs fits.

    A pass costs much the same for ten cells as for a thousand, and a chunk may hold a few records each of many
    streams.
    """
    alike: defaultdict[tuple[AirbyteType, Limits], list[int]] = defaultdict(list)
    for index, (type_, _, limits) in enumerate(wanted):
        alike[type_, limits].append(index)
    made: dict[int, Coerced] = {}
    for (type_, limits), indexes in alike.items():
        made |= zip(indexes, _together(type_, [wanted[i][1] for i in indexes], limits), strict=True)
    return [made[index] for index in range(len(wanted))]


def _together(type_: AirbyteType, cells: Sequence[Sequence[Any]], limits: Limits) -> list[Coerced]:
    if len(cells) > 1:
        whole = column(type_, list(chain.from_iterable(cells)), limits)
        as_text = type_.kind is Kind.NUMBER and whole.array.type == pa.string()
        if not whole.changes and not as_text:
            ends = list(accumulate(map(len, cells)))
            # A slice would keep all of the pass in memory, and take it along wherever it goes.
            return [
                Coerced(pa.concat_arrays([whole.array.slice(end - len(each), len(each))]))
                for each, end in zip(cells, ends, strict=True)
            ]
    return [column(type_, each, limits) for each in cells]


def _strings(values: Sequence[Any], _: AirbyteType, limits: Limits) -> Coerced:
    texts = _texts(values)
    if not limits.nul and holds(texts, b"\0"):
        texts = pc.replace_substring(texts, "\0", "")
    return _sized(Coerced(texts), limits.string_bytes)


def _booleans(values: Sequence[Any], type_: AirbyteType, limits: Limits) -> Coerced:
    try:
        return Coerced(pa.array(values, pa.bool_()))
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        kept, outcomes = _without_words(values, type_, limits)
        return coerced(pa.array(kept, pa.bool_()), outcomes)


def _integers(values: Sequence[Any], type_: AirbyteType, limits: Limits) -> Coerced:
    try:
        return Coerced(pa.array(values, pa.int64()))
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        kept, outcomes = _without_words(values, type_, limits)
    for row, value in enumerate(kept):
        if value is not None and not LEAST <= value <= MOST:
            kept[row], outcomes[row] = None, BEYOND
    return coerced(pa.array(kept, pa.int64()), outcomes)


def _without_words(
    values: Sequence[Any], type_: AirbyteType, limits: Limits
) -> tuple[list[Any], dict[int, Outcome]]:
    """The cells with those that are strings read as the exact road reads them."""
    kept, outcomes = list(values), {}
    for row in [row for row, value in enumerate(values) if isinstance(value, str)]:
        kept[row], outcome = loosen(type_, msgspec.json.encode(values[row]), limits)
        if outcome is not None:
            outcomes[row] = outcome
    return kept, outcomes


def _json(values: Sequence[Any], type_: AirbyteType, limits: Limits) -> Coerced:
    made = Coerced(tokens(values))
    if isinstance(type_, Array | Object):
        other = pc.invert(pc.starts_with(made.array, "[" if isinstance(type_, Array) else "{"))
        made = null_out(made, other, UNREADABLE) if any_of(other) else made
    if not limits.nul and holds(made.array, b"\\"):
        made = _reread(made, r"\\u0000", lambda text: (without_nul(text), None))
    suspect = f"{HUGE_EXPONENT}|{MANY_DIGITS}" if exceeds(made.array, LONG_JSON) else HUGE_EXPONENT
    made = _reread(made, suspect, lambda text: (text, None) if holds_only_numeric(text) else (None, BEYOND))
    return _sized(made, limits.json_bytes)


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


def _texts(values: Sequence[Any]) -> pa.Array:
    return pa.array(values, pa.string())


COLUMNS: dict[Kind, Callable[[Sequence[Any], AirbyteType, Limits], Coerced]] = {
    Kind.STRING: _strings,
    Kind.BOOLEAN: _booleans,
    Kind.INTEGER: _integers,
    Kind.NUMBER: lambda values, _, limits: number_column(tokens(values), limits),
    Kind.DATE: lambda values, _, limits: date_column(_texts(values), limits),
    Kind.TIME_WITH_TIMEZONE: lambda values, _, __: time_with_timezone_column(_texts(values)),
    Kind.TIME_WITHOUT_TIMEZONE: lambda values, _, __: time_column(_texts(values)),
    Kind.TIMESTAMP_WITH_TIMEZONE: lambda v, _, limits: timestamp_column(_texts(v), limits, zoned=True),
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: lambda v, _, limits: timestamp_column(_texts(v), limits, zoned=False),
    Kind.JSON: _json,
}
