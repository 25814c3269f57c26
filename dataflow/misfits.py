"""Which values of a key a column does not hold as they were sent. Reads one token at a time; decides nothing about it.

What counts is the value: 1.0 is 1, and `+00:00` is `Z`. A text is the number that it writes as JSON would; `007`, `+7`
and `7e0` are texts, since sources that number things by texts distinguish them.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum

import msgspec

from dataflow.types import AirbyteType, Array, Kind, Limits, Object
from dataflow.values import temporal
from dataflow.values.cells import (
    decodable,
    fixed_number,
    holds_only_numeric,
    levels,
    number,
    plain_number,
    without_nul,
)


class Misfit(StrEnum):
    """What is not held of a value, in the words of an error. Never the value."""

    NO_NUMBER = "a text that is not a plain number"
    NO_DATE = "a text that is not a date"
    NO_TIME = "a text that is not a time of day"
    NO_MOMENT = "a text that is not a date with time"
    TEXT = "a text"
    BOOLEAN = "a boolean"
    NUMBER = "a number"
    STRUCTURE = "an array or an object"
    FRACTION = "a number that is not whole"
    WIDE = "a whole number beyond 64 bits"
    LARGE = "a number with too many digits"
    DIGITS = "a number with too many digits after the point"
    YEAR = "a year that the column does not hold"
    FINER = "a time finer than a microsecond"
    LEAP = "a leap second"
    CLOCK = "a date with a time of day"
    ZONE = "a time with a zone"
    OFFSET = "a time with an offset of 16 hours or more"
    LONG = "a text that is too long"
    DEEP = "a JSON value of too many levels"
    NUL = "a text with U+0000"
    BROKEN = "a text that is not valid Unicode"
    NO_JSON = "a value that JSON does not have"


# A JSON string that holds a number in the form that JSON has for one, without an exponent.
_PLAIN_TEXT = re.compile(rb'"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"')


_WHOLE_TEXT = re.compile(rb'"-?(?:0|[1-9][0-9]*)"')
_LEAST, _MOST = -(2**63), 2**63 - 1


# Digits of the largest 64-bit integer.
INTEGER_DIGITS = 19


def misfit(type_: AirbyteType, token: bytes, limits: Limits) -> Misfit | None:
    """What a column of this type does not hold of a JSON token; None when it holds the value, or there is none."""
    token = token.strip()
    return None if token in (b"", b"null") else _MISFITS[type_.kind](type_, token, limits)


def _sort(token: bytes) -> Misfit:
    match token[:1]:
        case b'"':
            return Misfit.TEXT
        case b"{" | b"[":
            return Misfit.STRUCTURE
        case b"t" | b"f":
            return Misfit.BOOLEAN
    return Misfit.NUMBER


def _text(token: bytes) -> str | None:
    try:
        return msgspec.json.decode(decodable(token), type=str)
    except msgspec.DecodeError:
        return None


def _boolean(_: AirbyteType, token: bytes, __: Limits) -> Misfit | None:
    return None if token in (b"true", b"false") else _sort(token)


def _string(_: AirbyteType, token: bytes, limits: Limits) -> Misfit | None:
    if decodable(token) != token:
        return Misfit.BROKEN
    text = _text(token) if token.startswith(b'"') else token.decode()
    if text is None:
        return Misfit.BROKEN
    if not limits.nul and "\0" in text:
        return Misfit.NUL
    return Misfit.LONG if len(text.encode()) > limits.string_bytes else None


def _json(type_: AirbyteType, token: bytes, limits: Limits) -> Misfit | None:
    if (isinstance(type_, Array) and token[:1] != b"[") or (isinstance(type_, Object) and token[:1] != b"{"):
        return _sort(token)
    if decodable(token) != token:
        return Misfit.BROKEN
    text = token.decode()
    if not limits.nul and without_nul(text) != text:
        return Misfit.NUL
    if not holds_only_numeric(text):
        return Misfit.LARGE
    if levels(text) > limits.json_levels:
        return Misfit.DEEP
    return Misfit.LONG if len(token) > limits.json_bytes else None


def _integer(_: AirbyteType, token: bytes, __: Limits) -> Misfit | None:
    if token.startswith(b'"'):
        if not _WHOLE_TEXT.fullmatch(token):
            return Misfit.NO_NUMBER
    elif token[:1] in b"{[tf":
        return _sort(token)
    value = number(token.decode())
    if value is None:
        return Misfit.NO_NUMBER
    if value != value.to_integral_value():
        return Misfit.FRACTION
    return None if _is_64_bit(value) else Misfit.WIDE


def _is_64_bit(value: Decimal) -> bool:
    return value.adjusted() <= INTEGER_DIGITS and _LEAST <= value <= _MOST


def _number(_: AirbyteType, token: bytes, limits: Limits) -> Misfit | None:
    if token.startswith(b'"'):
        if not _PLAIN_TEXT.fullmatch(token):
            return Misfit.NO_NUMBER
    elif token[:1] in b"{[tf":
        return _sort(token)
    value, outcome = (
        plain_number(token.decode())
        if limits.number is None
        else fixed_number(token.decode(), *limits.number)
    )
    if outcome is None:
        return None
    return Misfit.LARGE if value is None else Misfit.DIGITS


def _temporal(type_: AirbyteType, token: bytes, limits: Limits) -> Misfit | None:
    if not token.startswith(b'"'):
        return _sort(token)
    try:
        return _TEMPORAL[type_.kind](_text(token) or "", limits)
    except temporal.Unreadable:
        return _NO_SUCH[type_.kind]
    except temporal.OutOfRange:
        return Misfit.OFFSET if type_.kind is Kind.TIME_WITH_TIMEZONE else Misfit.YEAR


def _date(text: str, limits: Limits) -> Misfit | None:
    days = temporal.date_days(text)
    if not _within(days * temporal.DAY, limits):
        return Misfit.YEAR
    try:
        moment = temporal.timestamp_micros(text, zoned=True)
    except temporal.OutOfRange:
        return Misfit.CLOCK
    return Misfit.CLOCK if moment != days * temporal.DAY or temporal.loses_digits(text) else None


def _moment(text: str, limits: Limits, *, zoned: bool) -> Misfit | None:
    micros = temporal.timestamp_micros(text, zoned=zoned)
    if not _within(micros, limits):
        return Misfit.YEAR
    if temporal.loses_digits(text):
        return Misfit.FINER
    if temporal.is_leap_second(text):
        return Misfit.LEAP
    return Misfit.ZONE if not zoned and temporal.offset_micros(text) else None


def _time(text: str, _: Limits) -> Misfit | None:
    temporal.time_micros(text)
    if temporal.loses_digits(text):
        return Misfit.FINER
    return Misfit.ZONE if temporal.offset_micros(text) else None


def _time_with_timezone(text: str, _: Limits) -> Misfit | None:
    temporal.time_with_timezone(text)
    return Misfit.FINER if temporal.loses_digits(text) else None


def _within(micros: int, limits: Limits) -> bool:
    first, last = limits.years
    return temporal.first_day(first) * temporal.DAY <= micros < temporal.first_day(last + 1) * temporal.DAY


_TEMPORAL: Mapping[Kind, Callable[[str, Limits], Misfit | None]] = {
    Kind.DATE: _date,
    Kind.TIME_WITH_TIMEZONE: _time_with_timezone,
    Kind.TIME_WITHOUT_TIMEZONE: _time,
    Kind.TIMESTAMP_WITH_TIMEZONE: lambda text, limits: _moment(text, limits, zoned=True),
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: lambda text, limits: _moment(text, limits, zoned=False),
}


_NO_SUCH = {
    Kind.DATE: Misfit.NO_DATE,
    Kind.TIME_WITH_TIMEZONE: Misfit.NO_TIME,
    Kind.TIME_WITHOUT_TIMEZONE: Misfit.NO_TIME,
    Kind.TIMESTAMP_WITH_TIMEZONE: Misfit.NO_MOMENT,
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: Misfit.NO_MOMENT,
}


_MISFITS: Mapping[Kind, Callable[[AirbyteType, bytes, Limits], Misfit | None]] = {
    Kind.STRING: _string,
    Kind.BOOLEAN: _boolean,
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    **dict.fromkeys(_TEMPORAL, _temporal),
    Kind.JSON: _json,
}
