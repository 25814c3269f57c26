"""Columns that are Arrow already, to the columns of a table: what does not fit is nulled or cut. Knows no file.

A column of the wanted type, or of one that Arrow turns into it, is converted as a whole. Texts are read by the code
that reads a sync's texts. Anything else goes cell by cell on the exact road, as the JSON value that it would be.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as arrow

from dataflow.types import AirbyteType, Kind, Limits
from dataflow.values.arrow_columns import (
    Coerced,
    any_of,
    cast_all,
    coerced,
    exceeds,
    holds,
    null_out,
    outcomes_of,
    rows,
)
from dataflow.values.cells import BEYOND, CUT, UNREADABLE, Outcome, loosen
from dataflow.values.coercion import column
from dataflow.values.held_numbers import held_numbers
from dataflow.values.number_column import number_column
from dataflow.values.temporal import first_day
from dataflow.values.temporal_column import (
    date_column,
    time_column,
    time_with_timezone_column,
    timestamp_column,
)

# Ticks in a day, by Arrow's unit.
TICKS = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
NANOSECONDS = 1000
# Decimals within a JSON value stay numbers.
_NUMBERS = msgspec.json.Encoder(decimal_format="number")
MICROSECONDS = {
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: pa.timestamp("us"),
    Kind.TIMESTAMP_WITH_TIMEZONE: pa.timestamp("us", tz="UTC"),
}


def from_arrow(type_: AirbyteType, made: pa.Array, limits: Limits) -> Coerced:
    """A column's cells as a table of this type holds them, and what was done to those that do not fit.

    Texts are read as a person writes them in a CSV file: `12` is a whole number.
    """
    plain = _plain(made)
    if arrow.is_binary(plain.type):
        return _decoded(type_, plain, limits)
    if arrow.is_null(plain.type):
        return column(type_, [msgspec.Raw() if _takes_tokens(type_) else None] * len(plain), limits)
    if arrow.is_string(plain.type):
        return _from_texts(type_, plain, limits)
    return _from_values(type_, plain, limits)


def _plain(made: pa.Array) -> pa.Array:
    """The column in the one form in which Arrow keeps such values without a dictionary, a view or long offsets."""
    if arrow.is_dictionary(made.type):
        # Arrow 26 takes nothing from views.
        return pa.DictionaryArray.from_arrays(made.indices, _plain(made.dictionary)).dictionary_decode()
    of = made.type
    if arrow.is_large_string(of) or arrow.is_string_view(of):
        return made.cast(pa.string())
    if arrow.is_large_binary(of) or arrow.is_fixed_size_binary(of) or arrow.is_binary_view(of):
        return made.cast(pa.binary())
    return made


def _decoded(type_: AirbyteType, made: pa.Array, limits: Limits) -> Coerced:
    """Bytes are a text, if they are UTF-8."""
    texts = cast_all(made, pa.string())
    if texts is not None:
        return _from_texts(type_, texts, limits)
    cells = [None if cell is None else _text(cell) for cell in made.to_pylist()]
    lost = {row: UNREADABLE for row, cell in enumerate(cells) if cell is None and made[row].is_valid}
    read = _from_texts(type_, pa.array(cells, pa.string()), limits)
    return coerced(read.array, outcomes_of(read) | lost)


def _text(cell: bytes) -> str | None:
    try:
        return cell.decode()
    except UnicodeDecodeError:
        return None


# -- texts


def _from_texts(type_: AirbyteType, texts: pa.Array, limits: Limits) -> Coerced:
    read = _READ.get(type_.kind)
    if read is not None:
        return read(texts, limits)
    whole = cast_all(texts, pa.int64()) if type_.kind is Kind.INTEGER else None
    if whole is not None:
        return Coerced(whole)
    return _one_by_one(type_, pc.utf8_lower(texts) if type_.kind is Kind.BOOLEAN else texts, limits)


def _strings(texts: pa.Array, limits: Limits) -> Coerced:
    if not limits.nul and holds(texts, b"\0"):
        texts = pc.replace_substring(texts, "\0", "")
    if not exceeds(texts, limits.string_bytes):
        return Coerced(texts)
    return null_out(Coerced(texts), pc.greater(pc.binary_length(texts), limits.string_bytes), BEYOND)


_READ: Mapping[Kind, Callable[[pa.Array, Limits], Coerced]] = {
    Kind.STRING: _strings,
    Kind.NUMBER: number_column,
    Kind.DATE: date_column,
    Kind.TIME_WITHOUT_TIMEZONE: lambda texts, _: time_column(texts),
    Kind.TIME_WITH_TIMEZONE: lambda texts, _: time_with_timezone_column(texts),
    Kind.TIMESTAMP_WITH_TIMEZONE: lambda texts, limits: timestamp_column(texts, limits, zoned=True),
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: lambda texts, limits: timestamp_column(texts, limits, zoned=False),
}


def _one_by_one(type_: AirbyteType, texts: pa.Array, limits: Limits) -> Coerced:
    """Texts, each as the JSON that it says, or as a text where it says none."""
    return _loosened(type_, [None if text is None else _token(text) for text in texts.to_pylist()], limits)


def _token(text: str) -> bytes:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return msgspec.json.encode(text)
    return text.encode()


# -- values


def _from_values(type_: AirbyteType, made: pa.Array, limits: Limits) -> Coerced:
    is_such, convert = _CONVERTED.get(type_.kind, (lambda _: False, None))
    if convert is not None and is_such(made.type):
        return convert(made, type_.kind, limits)
    return _spelled(type_, _in_microseconds(made), limits)


def _is_number(of: pa.DataType) -> bool:
    return bool(arrow.is_integer(of) or arrow.is_floating(of) or arrow.is_decimal(of))


def _integers(made: pa.Array, _: Kind, __: Limits) -> Coerced:
    if not arrow.is_uint64(made.type):
        return Coerced(made.cast(pa.int64()))
    beyond = pc.fill_null(pc.greater(made, pa.scalar(2**63 - 1, pa.uint64())), fill_value=False)
    fits = null_out(Coerced(made), beyond, BEYOND)
    return Coerced(fits.array.cast(pa.int64()), fits.changes)


def _dates(made: pa.Array, _: Kind, limits: Limits) -> Coerced:
    days = made.cast(pa.date32()).cast(pa.int32())
    first, last = limits.years
    found = _between(days, first_day(first), first_day(last + 1) - 1)
    return Coerced(found.array.cast(pa.date32()), found.changes)


def _timestamps(made: pa.Array, kind: Kind, limits: Limits) -> Coerced:
    unit = made.type.unit
    first, last = limits.years
    # Before they are cast: a second of the year 300000 is no microsecond of Arrow's.
    ticks = made.cast(pa.int64())
    least, most = first_day(first) * TICKS[unit], first_day(last + 1) * TICKS[unit] - 1
    found = _between(ticks, max(least, -(2**63)), min(most, 2**63 - 1))
    outcomes = outcomes_of(found)
    if unit == "ns":
        micros = pc.divide(found.array, NANOSECONDS)
        # Division cuts towards zero; what a moment has of digits is cut towards the past.
        back = pc.multiply(micros, NANOSECONDS)
        micros = pc.if_else(pc.greater(back, found.array), pc.subtract(micros, 1), micros)
        outcomes = dict.fromkeys(rows(pc.not_equal(back, found.array)), CUT) | outcomes
    else:
        micros = found.array.cast(pa.timestamp(unit)).cast(pa.timestamp("us")).cast(pa.int64())
    return coerced(micros.cast(MICROSECONDS[kind]), outcomes)


def _times(made: pa.Array, _: Kind, __: Limits) -> Coerced:
    if made.type != pa.time64("ns"):
        return Coerced(made.cast(pa.time64("us")))
    ticks = made.cast(pa.int64())
    micros = pc.divide(ticks, NANOSECONDS)
    lost = rows(pc.not_equal(pc.multiply(micros, NANOSECONDS), ticks))
    return coerced(micros.cast(pa.time64("us")), dict.fromkeys(lost, CUT))


def _between(numbers: pa.Array, least: int, most: int) -> Coerced:
    of = numbers.type
    outside = pc.or_(pc.less(numbers, pa.scalar(least, of)), pc.greater(numbers, pa.scalar(most, of)))
    outside = pc.fill_null(outside, fill_value=False)
    return null_out(Coerced(numbers), outside, BEYOND) if any_of(outside) else Coerced(numbers)


_Convert = Callable[[pa.Array, Kind, Limits], Coerced]
_CONVERTED: Mapping[Kind, tuple[Callable[[pa.DataType], bool], _Convert]] = {
    Kind.INTEGER: (arrow.is_integer, _integers),
    Kind.BOOLEAN: (arrow.is_boolean, lambda made, _, __: Coerced(made)),
    Kind.NUMBER: (_is_number, lambda made, _, limits: held_numbers(made, limits)),
    Kind.DATE: (arrow.is_date, _dates),
    Kind.TIME_WITHOUT_TIMEZONE: (arrow.is_time, _times),
    **dict.fromkeys(MICROSECONDS, (arrow.is_timestamp, _timestamps)),
}


# -- the exact road


def _spelled(type_: AirbyteType, made: pa.Array, limits: Limits) -> Coerced:
    """Each cell as the JSON value that it would be; one that Python cannot hold becomes null."""
    try:
        return _loosened(type_, [_json(cell) for cell in made.to_pylist()], limits)
    except (OverflowError, ValueError):
        tokens = list(map(_json_if_held, made))
    read = _loosened(type_, tokens, limits)
    lost = {row: BEYOND for row, token in enumerate(tokens) if token is None and made[row].is_valid}
    return coerced(read.array, outcomes_of(read) | lost)


def _json_if_held(cell: pa.Scalar) -> bytes | None:
    try:
        return _json(cell.as_py())
    except (OverflowError, ValueError):
        return None


def _in_microseconds(made: pa.Array) -> pa.Array:
    """The column without the nanoseconds in it, which Python has no word for."""
    of = _coarser(made.type)
    return made if of == made.type else made.cast(of, safe=False)


def _coarser(of: pa.DataType) -> pa.DataType:
    """The type without nanoseconds, also of what is within it."""
    return next((change(of) for is_such, change in _COARSER if is_such(of)), of)


def _inner(field: pa.Field) -> pa.Field:
    return field.with_type(_coarser(field.type))


_COARSER: Sequence[tuple[Callable[[pa.DataType], bool], Callable[[pa.DataType], pa.DataType]]] = (
    (arrow.is_timestamp, lambda of: pa.timestamp("us", of.tz) if of.unit == "ns" else of),
    (arrow.is_duration, lambda of: pa.duration("us") if of.unit == "ns" else of),
    (arrow.is_time64, lambda _: pa.time64("us")),
    (arrow.is_struct, lambda of: pa.struct(list(map(_inner, of)))),
    (arrow.is_list, lambda of: pa.list_(_inner(of.value_field))),
    (arrow.is_large_list, lambda of: pa.large_list(_inner(of.value_field))),
    (arrow.is_fixed_size_list, lambda of: pa.list_(_inner(of.value_field), of.list_size)),
    (arrow.is_map, lambda of: pa.map_(of.key_type, _inner(of.item_field))),
)


def token_of(cell: pa.Scalar) -> bytes:
    """The JSON value that a cell would be; a text as a text of CSV."""
    if arrow.is_timestamp(cell.type):
        # With its nanoseconds.
        return msgspec.json.encode(cell.cast(pa.string()).as_py())
    value = cell.as_py()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return _token(value) if isinstance(value, str) else _json(value) or b"null"


def _json(cell: Any) -> bytes | None:
    return None if cell is None else _NUMBERS.encode(cell)


def _loosened(type_: AirbyteType, tokens: list[bytes | None], limits: Limits) -> Coerced:
    cells = [loosen(type_, token or b"", limits) for token in tokens]
    made = column(type_, [value for value, _ in cells], limits)
    outcomes: dict[int, Outcome] = {row: outcome for row, (_, outcome) in enumerate(cells) if outcome}
    return coerced(made.array, outcomes_of(made) | outcomes)


def _takes_tokens(type_: AirbyteType) -> bool:
    return type_.kind in (Kind.NUMBER, Kind.JSON)
