"""Values of a database that knows numbers and text alone: what else there is, is stored as text. Sends no statement.

Decimals are stored as their plain digits, dates and times as ISO 8601. SQL cannot convert such text, so a client gives
the database functions of its own: `converted`, `noted_if_lost` and `compare_numbers`, under the names here.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.sql.statements import T, of
from connectors.sql.text import Name, Param, Sql, sql
from dataflow.evolution import ColumnTypeChange
from dataflow.retype import convert, is_lost, noted, plain_number
from dataflow.types import META, Kind

# What a client calls the functions in its database, and the order of numbers that are stored as text.
CONVERT, NOTE, NUMBERS = "dataflow_convert", "dataflow_note", "dataflow_numbers"


def stored(kind: Kind) -> Callable[[Any], Any]:
    """What makes a stored value of a value as Arrow gives it, which is never null."""
    return _STORED.get(kind, lambda value: value)


def bound(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """A statement's parameters as they are stored: moments are text."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in parameters.items()
    }


def compare_numbers(one: str, other: str) -> int:
    """Below, at or above zero, as the one number is to the other."""
    return int(Decimal(one).compare(Decimal(other)))


class StoredText:
    """Conversion of columns by the client's functions, for a database with these types."""

    def __init__(self, types: Mapping[Kind, str]) -> None:
        self._kinds = {spelled: kind for kind, spelled in types.items()}

    # -- the functions

    def convert(self, value: Any, original: str, new: str) -> Any:
        """A stored value of one type as one of another; None if that type cannot hold it."""
        kind = self._kinds[new]
        made = convert(*self._read(value, original), kind)
        return None if made is None else stored(kind)(made)

    def note_if_lost(self, meta: str, column: str, value: Any, original: str, new: str) -> str:
        """A row's `_airbyte_meta` when a stored value changes its type; with a note if that type cannot hold it."""
        lost = is_lost(*self._read(value, original), self._kinds[new])
        return noted(meta, [column]) if lost else meta

    # -- the calls of them

    def converted(self, name: str, change: ColumnTypeChange) -> Sql:
        """The call of `convert`."""
        return sql("{}({}, {}, {})", Name(CONVERT), of(T, name), Param("original"), Param("new"))

    def noted(self, name: str, change: ColumnTypeChange) -> Sql:
        """The call of `note_if_lost`."""
        return sql(
            "{}({}, {}, {}, {}, {})",
            Name(NOTE),
            of(T, META),
            Param("column"),
            of(T, name),
            Param("original"),
            Param("new"),
        )

    def _read(self, value: Any, original: str) -> tuple[Any, Kind]:
        # A type that is none of ours is somebody else's; its values are read as text.
        kind = self._kinds.get(original, Kind.STRING)
        return (Decimal(value) if kind is Kind.NUMBER and value is not None else value), kind


def _iso(value: Any) -> str:
    text: str = value.isoformat()
    return text


_STORED: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.NUMBER: plain_number,
    Kind.DATE: _iso,
    Kind.TIME_WITHOUT_TIMEZONE: _iso,
    Kind.TIMESTAMP_WITH_TIMEZONE: _iso,
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: _iso,
}
