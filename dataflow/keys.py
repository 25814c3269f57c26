"""Which values of a key a column does not hold as they were sent, and which column would. Reads one token at a time.

Everywhere else a cell that does not fit is nulled or cut, and its row says so. In a column that decides which rows are
the same, or which of them is the latest, that would make distinct rows one: there it is a misfit, and its stream fails.

What counts is the value: 1.0 is 1, and `+00:00` is `Z`. A text is the number that it writes as JSON would; `007`, `+7`
and `7e0` are texts, since sources that number things by texts distinguish them.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum

import msgspec
from attrs import frozen

from dataflow.types import AirbyteType, Array, Kind, Limits, Object, Scalar, Widened
from dataflow.values import temporal
from dataflow.values.cells import (
    fixed_number,
    holds_only_numeric,
    levels,
    mend,
    number,
    plain_number,
    without_nul,
)


class Role(StrEnum):
    """What a column decides when rows are merged."""

    KEY = "primary key"
    # Which row of a key is the latest: the cursor, and where a CDC record stands in its log.
    ORDER = "cursor"
    KEY_AND_ORDER = "primary key and cursor"
    # Whether a row is there at all.
    DELETION = "deletion mark"

    @property
    def orders(self) -> bool:
        """Whether values are compared for which is the greater."""
        return self in (Role.ORDER, Role.KEY_AND_ORDER)


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


@frozen
class Unfit:
    """A field whose column does not hold all of its values.

    `misfits` are theirs, each once, in the order of the enumeration. `needed` is the kind of column that would hold
    them all and keep what the column is there for; None where there is none.
    """

    field: str
    kind: Kind
    role: Role
    misfits: tuple[Misfit, ...]
    needed: Kind | None

    def joined(self, other: "Unfit") -> "Unfit":
        """The same of this field's values and the other's."""
        found = {*self.misfits, *other.misfits}
        return Unfit(
            self.field,
            self.kind,
            self.role,
            tuple(each for each in Misfit if each in found),
            join(self.needed, other.needed, self.role),
        )


# What a role does not need: that a mark of a deletion is there says all of it; and the last digits are cut from all
# values of a cursor, which does not change their order. If it makes two of them equal, arrival decides, as usual.
_UNNEEDED: Mapping[Role, tuple[Misfit, ...]] = {
    Role.DELETION: (
        Misfit.DIGITS,
        Misfit.FINER,
        Misfit.LEAP,
        Misfit.CLOCK,
        Misfit.ZONE,
        Misfit.NUL,
        Misfit.BROKEN,
    ),
    Role.ORDER: (Misfit.DIGITS, Misfit.FINER, Misfit.LEAP),
}
# A JSON string that holds a number in the form that JSON has for one, without an exponent.
_PLAIN_TEXT = re.compile(rb'"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"')
_WHOLE_TEXT = re.compile(rb'"-?(?:0|[1-9][0-9]*)"')
_LEAST, _MOST = -(2**63), 2**63 - 1
# Digits of the largest 64-bit integer.
_INTEGER_DIGITS = 19
# What a kind's values are held in when its own column does not do, from the nearest on.
_WIDER: Mapping[Kind, tuple[Kind, ...]] = {
    Kind.BOOLEAN: (Kind.STRING,),
    Kind.INTEGER: (Kind.NUMBER, Kind.STRING),
    Kind.DATE: (Kind.TIMESTAMP_WITH_TIMEZONE,),
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: (Kind.TIMESTAMP_WITH_TIMEZONE,),
}


def unfit(field: str, type_: AirbyteType, role: Role, token: bytes | None, limits: Limits) -> Unfit | None:
    """What a column of this type does not hold of a token, if it is anything that its role needs. None is no JSON."""
    if token is None:
        return Unfit(field, type_.kind, role, (Misfit.NO_JSON,), None)
    if role is Role.DELETION and token.strip() == b'""':
        # It says no more than null does.
        return None
    found = misfit(type_, token, limits)
    if found is None or found in _UNNEEDED.get(role, ()):
        return None
    fitting = (
        kind for kind in wider(type_.kind, role, limits) if misfit(Scalar(kind), token, limits) is None
    )
    return Unfit(field, type_.kind, role, (found,), next(fitting, None))


def wider(kind: Kind, role: Role, limits: Limits) -> tuple[Kind, ...]:
    """The kinds that hold all values of this one and more, from the nearest on, with equal values and their order kept.

    As texts, numbers have another order: a column that orders rows never becomes one. A decimal, a date and a moment
    have more than one text, so that a value sent again would not be found again: they become none either.
    """
    return tuple(
        each
        for each in _WIDER.get(kind, ())
        if not (each is Kind.STRING and role.orders)
        and not (each is Kind.NUMBER and not _holds_integers(limits))
    )


def stays(widened: Kind, declared: Kind) -> bool:
    """Whether a column that was widened to one kind stays so for a field that is now declared as another.

    A column of texts holds whatever is declared. Any other does only if it holds all values of the declared kind.
    """
    return widened is Kind.STRING or widened is declared or widened in _WIDER.get(declared, ())


def disordered(type_: AirbyteType, role: Role) -> bool:
    """Whether a column became one of texts whose order is not that of the values, and is now to order rows."""
    return role.orders and isinstance(type_, Widened) and type_.kind is Kind.STRING


def join(one: Kind | None, other: Kind | None, role: Role) -> Kind | None:
    """The kind that holds what each of two holds, both of them wider than one third; None where there is none."""
    if one is other:
        return one
    if one is None or other is None:
        return None
    order = [Kind.NUMBER, Kind.STRING]
    if role.orders or one not in order or other not in order:
        return None
    return Kind.STRING


def misfit(type_: AirbyteType, token: bytes, limits: Limits) -> Misfit | None:
    """What a column of this type does not hold of a JSON token; None when it holds the value, or there is none."""
    token = token.strip()
    return None if token in (b"", b"null") else _MISFITS[type_.kind](type_, token, limits)


def _holds_integers(limits: Limits) -> bool:
    return limits.number is None or limits.number[0] - limits.number[1] >= _INTEGER_DIGITS


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
        return msgspec.json.decode(mend(token), type=str)
    except msgspec.DecodeError:
        return None


def _boolean(_: AirbyteType, token: bytes, __: Limits) -> Misfit | None:
    return None if token in (b"true", b"false") else _sort(token)


def _string(_: AirbyteType, token: bytes, limits: Limits) -> Misfit | None:
    if mend(token) != token:
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
    if mend(token) != token:
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
    return value.adjusted() <= _INTEGER_DIGITS and _LEAST <= value <= _MOST


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
