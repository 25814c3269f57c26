"""Columns of dates and times, from their texts to Arrow's integers. What a text means is `temporal`'s to say.

Arrow reads all cells at once when it can read them all: what it accepts, it reads as we do. Otherwise a regular
expression finds the cells in the one form that it wants; of the rest those that are strictly ISO 8601 are brought into
that form; and what is left is read text by text.
"""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dataflow.types import Limits
from dataflow.values import temporal
from dataflow.values.arrow_columns import (
    FEW,
    Coerced,
    any_of,
    cast_all,
    coerced,
    found_in,
    matches,
    null_out,
    others,
    read_each,
    read_rest,
    rows,
    without,
)
from dataflow.values.cells import BEYOND, CUT, UNREADABLE, Outcome
from dataflow.values.temporal import DAY, first_day

# 29 February is left to the exact reading, which knows leap years.
DATE = (
    r"[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    r"|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
HOUR = "(?:[01][0-9]|2[0-3])"
MINUTE = f"{HOUR}:[0-5][0-9]"
ZONE = f"(?:Z|[+-]{HOUR}(?::?[0-5][0-9])?)"
# The forms that Arrow takes, and the wider ones that are brought into them.
MICROS = rf"{MINUTE}(?::[0-5][0-9](?:\.[0-9]{{1,6}})?)?"
DIGITS = rf"{MINUTE}(?::[0-5][0-9](?:\.[0-9]+)?)?"
TIME_PARTS = (
    rf"^(?P<minute>{MINUTE})(?P<second>:[0-5][0-9](?:\.(?P<fraction>[0-9]{{1,6}}))?)?"
    r"(?P<zone>Z|[+-](?:0[0-9]|1[0-5]):[0-5][0-9])?$"
)
UTC = pa.array(["", "Z", "-00:00"])


def date_column(texts: pa.Array, limits: Limits) -> Coerced:
    """date32, within the limits' years."""
    array = cast_all(texts, pa.date32())
    days = _dates(texts) if array is None else Coerced(array)
    first, last = limits.years
    return _within(days, pa.int32(), first_day(first), first_day(last + 1) - 1)


def timestamp_column(texts: pa.Array, limits: Limits, *, zoned: bool) -> Coerced:
    """Timestamps in microseconds, in UTC or (not zoned) local as they stand, within the limits' years."""
    first, last = limits.years
    micros = _timestamps(texts, zoned=zoned)
    return _within(micros, pa.int64(), first_day(first) * DAY, first_day(last + 1) * DAY - 1)


def time_column(texts: pa.Array) -> Coerced:
    """time64 in microseconds; an offset is dropped."""
    strict = matches(texts, f"^{DIGITS}{ZONE}?$")
    plain, outcomes = _cut(without(texts, where=pc.invert(strict)))
    plain = pc.replace_substring_regex(plain, "(?:Z|[+-].*)$", "")
    array = (
        pc.binary_join_element_wise("1970-01-01T", plain, "").cast(pa.timestamp("us")).cast(pa.time64("us"))
    )
    return read_rest(
        coerced(array, outcomes), texts, others(texts, strict), _each(temporal.time_micros, array.type)
    )


def time_with_timezone_column(texts: pa.Array) -> Coerced:
    """Text as `temporal.time_with_timezone` writes it, since Arrow has no such type."""
    parts = pc.extract_regex(texts, TIME_PARTS)
    minute, second, fraction, zone = (pc.struct_field(parts, index) for index in range(4))
    second = pc.if_else(pc.equal(second, ""), ":00", pc.utf8_slice_codeunits(second, 0, len(":00")))
    fraction = pc.utf8_rpad(fraction, 6, "0")
    fraction = pc.if_else(pc.equal(fraction, "000000"), "", pc.binary_join_element_wise("", fraction, "."))
    zone = pc.if_else(pc.is_in(zone, value_set=UTC), "+00:00", zone)
    array = pc.binary_join_element_wise(minute, second, fraction, zone, "")
    rest = others(texts, pc.is_valid(parts))
    return read_rest(Coerced(array), texts, rest, _each(temporal.time_with_timezone, array.type))


def _dates(texts: pa.Array) -> Coerced:
    fits = matches(texts, f"^{DATE}$")
    array = without(texts, where=pc.invert(fits)).cast(pa.date32())
    one_by_one = _each(temporal.date_days, pa.date32(), cuts=False)
    return read_rest(Coerced(array), texts, others(texts, fits), one_by_one)


def _timestamps(texts: pa.Array, *, zoned: bool) -> Coerced:
    type_ = pa.timestamp("us", tz="UTC" if zoned else None)
    array = cast_all(texts, type_)
    if array is not None:
        return Coerced(array)
    if zoned and (local := cast_all(texts, pa.timestamp("us"))) is not None:
        # No cell names a zone, and then each of them means UTC.
        return Coerced(local.cast(pa.int64()).cast(type_))
    fits = matches(texts, f"^{DATE}[T ]{MICROS}{f'{ZONE}?' if zoned else ''}$")
    plain = without(texts, where=pc.invert(fits))
    array = (_with_zone(plain) if zoned else plain).cast(type_)
    return read_rest(Coerced(array), texts, others(texts, fits), lambda rest: _strict(rest, zoned=zoned))


def _strict(texts: pa.Array, *, zoned: bool) -> Coerced:
    """Texts of which many may be ISO 8601, but with more digits, with a zone too many or without one."""
    type_ = pa.timestamp("us", tz="UTC" if zoned else None)
    one_by_one = _each(lambda text: temporal.timestamp_micros(text, zoned=zoned), type_)
    if len(texts) <= FEW:
        return one_by_one(texts)
    strict = matches(texts, f"^{DATE}(?:[T ]{DIGITS}{ZONE}?)?$")
    plain, outcomes = _cut(without(texts, where=pc.invert(strict)))
    plain = _with_zone(plain) if zoned else pc.replace_substring_regex(plain, "([T ].*?)(?:Z|[+-].*)$", r"\1")
    return read_rest(coerced(plain.cast(type_), outcomes), texts, others(texts, strict), one_by_one)


def _with_zone(plain: pa.Array) -> pa.Array:
    """Strict timestamps that name no zone, and dates, as the UTC that they mean."""
    named = pc.ends_with(plain, "Z")
    if not any_of(pc.invert(named)):
        return plain
    local = pc.invert(pc.or_(named, matches(plain, "[T ].*[+-]")))
    dates = pc.equal(pc.binary_length(plain), len("2021-01-01"))
    return pc.binary_join_element_wise(plain, pc.if_else(dates, "T00:00Z", pc.if_else(local, "Z", "")), "")


def _cut(plain: pa.Array) -> tuple[pa.Array, dict[int, Outcome]]:
    """Strict texts without their digits beyond microseconds, and where one of those was not zero."""
    if not found_in(plain, r"\.[0-9]{7}"):
        return plain, {}
    lost = rows(matches(plain, r"\.[0-9]{6}[0-9]*[1-9]"))
    return pc.replace_substring_regex(plain, r"(\.[0-9]{6})[0-9]+", r"\1"), dict.fromkeys(lost, CUT)


def _each(
    read: Callable[[str], Any], type_: pa.DataType, *, cuts: bool = True
) -> Callable[[pa.Array], Coerced]:
    """The reading of texts one by one, with its errors as outcomes."""

    def cell(text: str) -> tuple[Any, Outcome | None]:
        try:
            value = read(text)
        except temporal.Unreadable:
            return None, UNREADABLE
        except temporal.OutOfRange:
            return None, BEYOND
        return value, CUT if cuts and temporal.loses_digits(text) else None

    return lambda texts: read_each(texts, type_, cell)


def _within(column: Coerced, integers: pa.DataType, least: int, most: int) -> Coerced:
    """The column without the cells outside the bounds, which `integers` counts."""
    numbers = column.array.cast(integers)
    found = pc.min_max(numbers).as_py()
    if found["min"] is None or least <= found["min"] <= found["max"] <= most:
        return column
    return null_out(column, pc.or_(pc.less(numbers, least), pc.greater(numbers, most)), BEYOND)
