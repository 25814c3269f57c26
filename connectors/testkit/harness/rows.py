"""Rows as tests write them and compare them: plain dictionaries by column name. Knows no connector."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pyarrow as pa

from dataflow.types import (
    EXTRACTED_AT,
    GENERATION_ID,
    META,
    METADATA_COLUMNS,
    RAW_ID,
    Column,
    Kind,
    Limits,
    Scalar,
)

Row = Mapping[str, Any]
Rows = list[dict[str, Any]]

T0 = datetime(2025, 1, 21, tzinfo=UTC)
T1 = T0 + timedelta(days=1)
T2 = T0 + timedelta(days=2)
T3 = T2 + timedelta(hours=1)


def columns(**kinds: Kind) -> tuple[Column, ...]:
    """Columns by name and kind; the field of the record has the column's name."""
    return tuple(Column(name, name, Scalar(kind)) for name, kind in kinds.items())


def raw_id(number: int) -> str:
    """The raw id of that number: a UUIDv7's text, which sorts as the number does."""
    return str(UUID(int=(0x0194_0000_0000 + number) << 80 | 7 << 76 | 2 << 62))


def row(number: int, at: datetime = T1, /, **values: Any) -> dict[str, Any]:
    """A row with its metadata; `number` makes its raw id."""
    metadata = {RAW_ID: raw_id(number), EXTRACTED_AT: at, META: {}, GENERATION_ID: 1}
    return {**metadata, **values}


def arrow_type(kind: Kind, limits: Limits) -> pa.DataType:
    """What an insert buffer is given for a column; see `dataflow.values.coercion`."""
    return {
        Kind.BOOLEAN: pa.bool_(),
        Kind.INTEGER: pa.int64(),
        Kind.NUMBER: pa.decimal128(*limits.number) if limits.number else pa.string(),
        Kind.DATE: pa.date32(),
        Kind.TIME_WITHOUT_TIMEZONE: pa.time64("us"),
        Kind.TIMESTAMP_WITH_TIMEZONE: pa.timestamp("us", tz="UTC"),
        Kind.TIMESTAMP_WITHOUT_TIMEZONE: pa.timestamp("us"),
    }.get(kind, pa.string())


def batch(of: Sequence[Column], rows: Iterable[Row], limits: Limits) -> pa.RecordBatch:
    """The rows as an insert buffer is given them; a column that a row does not name is null in it."""
    listed = list(rows)
    arrays = {
        RAW_ID: pa.array([UUID(r[RAW_ID]).bytes for r in listed], pa.binary(16)),
        EXTRACTED_AT: pa.array([r[EXTRACTED_AT] for r in listed], pa.timestamp("us", tz="UTC")),
        META: pa.array([json.dumps(r[META]) for r in listed], pa.string()),
        GENERATION_ID: pa.array([r[GENERATION_ID] for r in listed], pa.int64()),
    }
    for column in of:
        arrow = arrow_type(column.kind, limits)
        values = [_encoded(r.get(column.name), column.kind, arrow) for r in listed]
        arrays[column.name] = pa.array(values, arrow)
    return pa.RecordBatch.from_pydict(arrays)


def plain(rows: Iterable[Row], of: Sequence[Column]) -> Rows:
    """Rows that were read, so that equal values are equal: JSON as what it means, in the order of raw ids."""
    kinds = {column.name: column.kind for column in of}
    read = [{name: _decoded(name, value, kinds.get(name)) for name, value in row.items()} for row in rows]
    return sorted(read, key=lambda row: str(row[RAW_ID]))


def data(rows: Iterable[Row]) -> Rows:
    """The rows without their metadata."""
    return [{name: value for name, value in row.items() if name not in METADATA_COLUMNS} for row in rows]


def without(rows: Iterable[Row], *names: str) -> Rows:
    """The rows without these columns."""
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


def _encoded(value: Any, kind: Kind, arrow: pa.DataType) -> Any:
    if value is None:
        return None
    if kind is Kind.JSON:
        return value if isinstance(value, JsonText) else _json(value)
    return f"{value:f}" if kind is Kind.NUMBER and pa.types.is_string(arrow) else value


def _decoded(name: str, value: Any, kind: Kind | None) -> Any:
    if name == RAW_ID:
        return str(value)
    if value is None:
        return None
    if name == META or kind is Kind.JSON:
        return json.loads(value, parse_float=Decimal)
    if kind is Kind.TIME_WITH_TIMEZONE:
        return (time.fromisoformat(value) if isinstance(value, str) else value).isoformat()
    return value


def _json(value: Any) -> str:
    return msgspec.json.Encoder(decimal_format="number").encode(value).decode()


class JsonText(str):
    """JSON that stands in a row as it is written, not as a Python value."""

    __slots__ = ()


_EAST = timezone(timedelta(hours=14))
# One list per kind: an everyday value, then the ends of what the contract allows.
VALUES: Mapping[Kind, list[Any]] = {
    Kind.STRING: [
        "plain",
        "",
        " ",
        "null",
        "a\tb\nc\\.\\N",
        "\"quoted\", 'too'",
        "ünïcødé 数据 🦆",
        "x" * 70_000,
    ],
    Kind.BOOLEAN: [True, False],
    Kind.INTEGER: [42, 0, -1, 2**63 - 1, -(2**63)],
    Kind.NUMBER: [Decimal("42.5"), Decimal(0), Decimal("-0.000000001"), Decimal(f"{'9' * 29}.{'9' * 9}")],
    Kind.DATE: [date(2025, 1, 23), date(1, 1, 1), date(9999, 12, 31)],
    Kind.TIME_WITH_TIMEZONE: ["11:34:56-01:00", "00:00:00+00:00", "23:59:59.999999+14:00"],
    Kind.TIME_WITHOUT_TIMEZONE: [time(12, 34, 56), time(0), time(23, 59, 59, 999_999)],
    Kind.TIMESTAMP_WITH_TIMEZONE: [
        datetime(2025, 1, 23, 12, tzinfo=_EAST),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: [
        datetime(2025, 1, 23, 12, 34, 56),  # noqa: DTZ001 - the point is that there is no zone
        datetime(1, 1, 1),  # noqa: DTZ001
        datetime(9999, 12, 31, 23, 59, 59, 999_999),  # noqa: DTZ001
    ],
    Kind.JSON: [{"a": [1, None, "x"]}, [], "text", "", 42, True, Decimal("0.1"), {"": {"ü": '"'}}],
}
