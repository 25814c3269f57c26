"""What a value becomes when its column changes its kind, for databases that cannot say it themselves. Pure.

A value goes by its text: what the new kind cannot read in it becomes null, and never another value.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from dataflow.batch import encode_changes
from dataflow.evolution import not_held
from dataflow.types import META, Kind


def retype(row: Mapping[str, Any], kinds: Mapping[str, tuple[Kind, Kind]]) -> Mapping[str, Any]:
    """The row with these columns of other kinds; what a column cannot hold any more is null, and noted."""
    values = {name: convert(row[name], *kinds[name]) for name in kinds}
    lost = [name for name in kinds if is_lost(row[name], *kinds[name])]
    return {**row, **values, **({META: noted(row[META], lost)} if lost else {})}


def is_lost(value: Any, kind: Kind, new: Kind) -> bool:
    """Whether a value says something that its column cannot hold any more. A JSON null says no more than no value."""
    return value is not None and _text(value, kind) is not None and convert(value, kind, new) is None


def noted(meta: str, lost: Iterable[str]) -> str:
    """The `_airbyte_meta` of a row whose values in some columns were lost, appended to its earlier notes."""
    document = json.loads(meta)
    notes = json.loads(b"[" + encode_changes([not_held(name) for name in lost]) + b"]")
    return json.dumps({**document, "changes": [*document.get("changes", []), *notes]})


def convert(value: Any, kind: Kind, new: Kind) -> Any:
    """A value in a column that changes its type, or None where the new type cannot hold it."""
    if value is None or kind is new:
        return value
    text = _text(value, kind)
    if new is Kind.JSON:
        return text if kind in (Kind.BOOLEAN, Kind.INTEGER, Kind.NUMBER) else json.dumps(text)
    try:
        return None if text is None else _READ[new](text)
    except (ValueError, ArithmeticError, LookupError):
        return None


def _text(value: Any, kind: Kind) -> str | None:
    match kind:
        case Kind.JSON:
            # Not decoded: it may be nested deeper than Python's json follows.
            if value.startswith('"'):
                return str(json.loads(value))
            return None if value == "null" else str(value)
        case Kind.BOOLEAN:
            return "true" if value else "false"
        case Kind.NUMBER:
            return plain_number(value)
        case _:
            return value.isoformat() if isinstance(value, date | time) else str(value)


def plain_number(number: Decimal) -> str:
    """All of its digits, without an exponent, and without the zeros that say nothing."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _integer(text: str) -> int:
    number = Decimal(text)
    if number != int(number) or not -(2**63) <= number < 2**63:
        raise ValueError
    return int(number)


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError
    return number.quantize(Decimal("1e-9"), ROUND_HALF_UP, Context(prec=38))


def _time_with_timezone(text: str) -> str:
    read = time.fromisoformat(text)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).isoformat()


def _timestamp_with_timezone(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


_READ: Mapping[Kind, Callable[[str], Any]] = {
    Kind.STRING: str,
    Kind.BOOLEAN: {"true": True, "false": False}.__getitem__,
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.DATE: lambda text: datetime.fromisoformat(text).date(),
    Kind.TIME_WITH_TIMEZONE: _time_with_timezone,
    Kind.TIME_WITHOUT_TIMEZONE: lambda text: time.fromisoformat(text).replace(tzinfo=None),
    Kind.TIMESTAMP_WITH_TIMEZONE: _timestamp_with_timezone,
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: lambda text: datetime.fromisoformat(text).replace(tzinfo=None),
}
