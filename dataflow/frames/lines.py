"""Dicts as lines of JSON: what JSON has no word for becomes what it has, or is refused. Reads no value back."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

import msgspec

from dataflow.errors import ConfigError

DOING = "reading the data"
REMEDY = "Nothing of this load was published. Correct the data, and load it again."
# As numpy calls its moments and spans.
MOMENTS, SPANS = "M", "m"
BASES = (str, int, float)
NO_JSON = (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError)


def line_of(row: Mapping[Any, Any], number: int) -> bytes:
    """A row as a JSON object. Raises ConfigError, which names the row by its `number`, for a value that has no JSON."""
    try:
        return _encoded(dict(row))
    except NO_JSON as error:
        found = ((name, value) for name, value in dict(row).items() if not _has_json(name, value))
        field, value = next(found, ("", row))
        raise ConfigError(
            f"Row {number} of the data has in the field {str(field)!r} a value of the type {type(value).__name__} that "
            "cannot be written as JSON.",
            doing=DOING,
            remedy=REMEDY,
        ) from error


def _encoded(row: Mapping[Any, Any]) -> bytes:
    line = _ENCODER.encode(row)
    if b"NaN" in line or b"Infinity" in line:
        # A Decimal that is no number is written as a name, which is no JSON.
        msgspec.json.decode(line, type=msgspec.Raw)
    return line


def _has_json(name: Any, value: Any) -> bool:
    try:
        _encoded({name: value})
    except NO_JSON:
        return False
    return True


def _plain(value: Any) -> Any:
    """A value of a type that is not Python's own, as one that is. Raises TypeError."""
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime | date | time):
        # With the nanoseconds of pandas.
        return value.isoformat()
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind == MOMENTS:
        return None if value != value else str(value)  # noqa: PLR0124 - as NaN, NaT is not itself
    if kind is not None and kind != SPANS:
        return value.tolist()
    base = next((base for base in BASES if isinstance(value, base)), None)
    if base is None:
        raise TypeError
    return base(value)


_ENCODER = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number")
