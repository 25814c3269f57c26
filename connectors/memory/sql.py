"""What SQL would say, as pure functions on rows: which row is the latest, what a merge leaves, how a value converts.

The other connectors write these as statements; their tests hold them to the same answers.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from connectors.contract import Recipe
from dataflow.types import CDC_DELETED_AT, CDC_POSITIONS, EXTRACTED_AT, RAW_ID, Kind

Row = Mapping[str, Any]
Rows = tuple[Row, ...]


def latest(rows: Iterable[Row], recipe: Recipe) -> dict[tuple[Any, ...], Row]:
    """The latest row of each primary key."""
    found: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = _key(row, recipe)
        if key not in found or rank(row, recipe) > rank(found[key], recipe):
            found[key] = row
    return found


def merge(source: Rows, target: Rows, recipe: Recipe, *, deletes: bool) -> Rows:
    """The target with the source's latest rows in it, unless the target's own row of a key is later."""
    existing: dict[tuple[Any, ...], list[Row]] = {}
    for row in target:
        existing.setdefault(_key(row, recipe), []).append(row)
    winners = {
        key: row
        for key, row in latest(source, recipe).items()
        if all(rank(row, recipe) >= rank(other, recipe) for other in existing.get(key, ()))
    }
    kept = (row for row in target if _key(row, recipe) not in winners)
    return (*kept, *(row for row in winners.values() if not (deletes and deleted(row, recipe))))


def dedupe(rows: Rows, recipe: Recipe, *, deletes: bool) -> Rows:
    """One row per primary key, none for a key whose latest record deletes it."""
    return tuple(row for row in latest(rows, recipe).values() if not (deletes and deleted(row, recipe)))


def deleted(row: Row, recipe: Recipe) -> bool:
    """Whether a CDC source's record says that the row is gone."""
    return any(c.field == CDC_DELETED_AT and row.get(c.name) is not None for c in recipe.columns)


def rank(row: Row, recipe: Recipe) -> tuple[Any, ...]:
    """What "later" compares: cursor, CDC positions, extracted_at, raw id; null is oldest."""
    by_field = {c.field: c.name for c in recipe.columns}
    names = [recipe.cursor] if recipe.cursor is not None else []
    names += [by_field[f] for f in CDC_POSITIONS if f in by_field]
    values = [(row.get(name) is not None, row.get(name)) for name in names]
    return (
        *((known, value) if known else (known,) for known, value in values),
        row[EXTRACTED_AT],
        row[RAW_ID],
    )


def _key(row: Row, recipe: Recipe) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in recipe.primary_key)


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
            document = json.loads(value)
            return document if document is None or isinstance(document, str) else str(value)
        case Kind.BOOLEAN:
            return "true" if value else "false"
        case Kind.NUMBER:
            return f"{value.normalize():f}"
        case _:
            return value.isoformat() if isinstance(value, date | time) else str(value)


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
