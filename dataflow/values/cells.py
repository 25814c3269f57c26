"""Reads one JSON token into one cell: the exact road, where the compiled reader leaves it. Knows no column, no batch.

What a cell becomes, besides its value, is returned as an outcome: None when it fits, else what was done and why.
Nothing here fails on any bytes. Text that is no UTF-8, or that escapes half a surrogate pair, has U+FFFD in
the place of what cannot be held, as upstream has a question mark; no change is recorded for it.
"""

import re
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_HALF_UP, Context, Decimal
from typing import TypeAlias

import msgspec

from dataflow.types import AirbyteType, ChangeKind, ChangeReason, Kind, Limits, Widened

Outcome: TypeAlias = tuple[ChangeKind, ChangeReason]

# The value is not of the column's type.
UNREADABLE: Outcome = (ChangeKind.NULLED, ChangeReason.SERIALIZATION)
# The value is of the column's type, but beyond what the column can hold.
BEYOND: Outcome = (ChangeKind.NULLED, ChangeReason.FIELD_SIZE)
# Only the end of the value's digits was beyond.
CUT: Outcome = (ChangeKind.TRUNCATED, ChangeReason.FIELD_SIZE)

# PostgreSQL's manual, "Numeric Types": digits before and after the point, the widest of the databases we know.
NUMERIC_DIGITS = (131072, 16383)

# The token of a field that a record does not have.
ABSENT = msgspec.Raw()

# A JSON number, or one as Java's BigDecimal reads it from a string: a sign, and digits on one side of the point.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?0*(?P<digits>[0-9]+))?")
_INTEGER = re.compile(r"[+-]?[0-9]+")
# Far beyond any column, near enough for `decimal`: its C library ends at about 10**18.
_LARGEST_EXPONENT = 10**12
# More digits than any integer that fits, leading zeros aside.
_LONGEST_INTEGER = 20
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)

_SURROGATE = rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
# Escapes from left to right, so that an escaped backslash does not begin another; whole pairs come first.
_ESCAPES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(" + _SURROGATE + rb")|\\.", re.DOTALL
)
_NUL_ESCAPES = re.compile(r"\\u0000|(\\.)", re.DOTALL)
_NUMBERS_IN_JSON = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|(-?[0-9][0-9.]*(?:[eE][+-]?[0-9]+)?)', re.DOTALL)
_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|([\[{])|([\]}])', re.DOTALL)


def loosen(
    type_: AirbyteType,
    token: bytes,
    limits: Limits,  # noqa: ARG001 - asked for as `column` asks, so that a kind may come to need it here
) -> tuple[object, Outcome | None]:
    """The cell that a raw JSON token becomes, in the form in which `column` takes cells of its kind.

    None, or an empty `msgspec.Raw` for numbers and JSON, when the token is null or has no such value. Ranges,
    sizes and U+0000 are not looked at here but for the column as a whole, except that an integer too long to
    be worth making is refused at once.
    """
    token = token.strip()
    if type_.kind in (Kind.NUMBER, Kind.JSON):
        return msgspec.Raw(decodable(token)), None
    if token in (b"", b"null"):
        return None, None
    match type_.kind:
        case Kind.STRING:
            return (
                (_digits(token), None) if isinstance(type_, Widened) and _is_number(token) else _string(token)
            )
        case Kind.BOOLEAN:
            return (token == b"true", None) if token in (b"true", b"false") else (None, UNREADABLE)
        case Kind.INTEGER:
            return _integer(token)
    return _string(token) if token.startswith(b'"') else (None, UNREADABLE)


def decodable(text: bytes) -> bytes:
    """JSON text that a strict decoder takes: invalid UTF-8 and escapes of half a surrogate pair replaced."""
    try:
        text.decode()
    except UnicodeDecodeError:
        text = text.decode("utf-8", "replace").encode()
    return without_lone_surrogates(text)


def without_lone_surrogates(text: bytes) -> bytes:
    """JSON text with U+FFFD for every escaped half of a surrogate pair: JSON may hold one, UTF-8 cannot.

    JavaScript sources write them when they cut a string in the middle of a character.
    """
    if re.search(_SURROGATE, text) is None:
        return text
    return _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], text)


def number(token: str) -> Decimal | None:
    """The exact value of a JSON number, or of a JSON string that holds one; None for anything else.

    An exponent beyond 10**12 is brought back to it, so that the value stays computable; no column holds either.
    """
    if token.startswith('"'):
        token = _string(token.encode())[0] or ""
    found = _NUMBER.fullmatch(token)
    if found is None:
        return None
    if len(found["digits"] or "") >= len(str(_LARGEST_EXPONENT)):
        token = f"{token[: found.start('digits')]}{_LARGEST_EXPONENT}"
    return Decimal(token)


def fixed_number(token: str, precision: int, scale: int) -> tuple[Decimal | None, Outcome | None]:
    """A number of `precision` digits in all and `scale` after the point, rounded half up (away from zero) where it has
    more.
    """
    value = number(token)
    if value is None:
        return None, UNREADABLE
    if not value:
        return Decimal(0), None
    whole_digits = precision - scale
    if value.adjusted() >= whole_digits:
        return None, BEYOND
    if value.adjusted() < -scale - 1:
        # Nothing of it is left; and to write an exponent such as -10**9 out would fill the memory.
        return Decimal(0), CUT
    rounded = value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, _EXACT)
    if rounded and rounded.adjusted() >= whole_digits:
        return None, BEYOND
    return rounded, None if rounded == value else CUT


def plain_number(token: str) -> tuple[str | None, Outcome | None]:
    """A number as plain digits without exponent, within NUMERIC_DIGITS."""
    value = number(token)
    if value is None:
        return None, UNREADABLE
    if not value:
        return "0", None
    return (f"{value:f}", None) if _is_numeric(token, value) else (None, BEYOND)


def holds_only_numeric(text: str) -> bool:
    """Whether every number inside a JSON text is within NUMERIC_DIGITS: a jsonb column refuses others."""
    inside = (found[1] for found in _NUMBERS_IN_JSON.finditer(text) if found[1])
    return all((value := number(token)) is not None and _is_numeric(token, value) for token in inside)


def levels(text: str) -> int:
    """How many arrays and objects of a JSON text lie within each other, at most."""
    deepest = depth = 0
    for found in _BRACKETS.finditer(text):
        depth += bool(found[1]) - bool(found[2])
        deepest = max(deepest, depth)
    return deepest


def without_nul(text: str) -> str:
    """JSON text without the escape of U+0000; an escaped backslash before u0000 stays what it is."""
    return _NUL_ESCAPES.sub(lambda found: found[1] or "", text)


def _string(token: bytes) -> tuple[str | None, Outcome | None]:
    text = decodable(token)
    if not text.startswith(b'"'):
        return text.decode(), None
    try:
        return msgspec.json.decode(text, type=str), None
    except msgspec.DecodeError:
        return None, UNREADABLE


def _is_number(token: bytes) -> bool:
    return _NUMBER.fullmatch(token.decode("utf-8", "replace")) is not None


def _digits(token: bytes) -> str:
    """A number as an integer column that became one of texts had it: equal numbers are equal texts."""
    text = plain_number(token.decode())[0]
    if text is None:
        return token.decode()
    return text.rstrip("0").rstrip(".") if "." in text else text


def _integer(token: bytes) -> tuple[int | None, Outcome | None]:
    text, outcome = _string(token)
    if text is None or (token.startswith(b'"') and not _INTEGER.fullmatch(text)):
        return None, outcome or UNREADABLE
    value = number(text)
    if value is None or value != value.to_integral_value():
        return None, UNREADABLE
    if not value:
        return 0, None
    return (None, BEYOND) if value.adjusted() > _LONGEST_INTEGER else (int(value), None)


def _is_numeric(token: str, value: Decimal) -> bool:
    before, after = NUMERIC_DIGITS
    if len(token) > 2 * (before + after):
        # No need to count: this many digits are too many wherever the point is.
        return False
    # A zero has its exponent refused as well (0e-99999), since PostgreSQL does so.
    return value.adjusted() < before and value.adjusted() - len(value.as_tuple().digits) >= -after - 1
