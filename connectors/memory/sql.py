"""What SQL would say, as pure functions on rows: which row is the latest, and what a merge leaves.

The other connectors write these as statements; their tests hold them to the same answers.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.contract import Recipe
from connectors.contract.deletion import is_deleted
from dataflow.types import CDC_DELETED_AT, CDC_POSITIONS, EXTRACTED_AT, RAW_ID

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
    return any(c.field == CDC_DELETED_AT and is_deleted(row.get(c.name), c.kind) for c in recipe.columns)


def rank(row: Row, recipe: Recipe) -> tuple[Any, ...]:
    """What "later" compares: cursor, CDC positions, extracted_at, raw id; null is oldest."""
    by_field = {c.field: c.name for c in recipe.columns}
    names = [recipe.cursor] if recipe.cursor is not None else []
    names += [by_field[f] for f in CDC_POSITIONS if f in by_field]
    values = [(row[name] is not None, row[name]) for name in names]
    return (
        *((known, value) if known else (known,) for known, value in values),
        row[EXTRACTED_AT],
        row[RAW_ID],
    )


def _key(row: Row, recipe: Recipe) -> tuple[Any, ...]:
    return tuple(row[name] for name in recipe.primary_key)
