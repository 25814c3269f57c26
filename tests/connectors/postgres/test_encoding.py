"""Arrow batches as binary COPY, read back by a second reading of the manual: no server is asked."""

import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.postgres import encoding
from connectors.postgres.encoding import HEADER, TRAILER, Layout
from dataflow.errors import InternalError
from dataflow.types import Column, Object

DOCUMENT = Column("document", "document", Object())
FIELDS = {
    "text": (pa.string(), st.text()),
    "document": (pa.string(), st.text()),
    "bytes": (pa.binary(), st.binary(max_size=5)),
    "fixed": (pa.binary(16), st.binary(min_size=16, max_size=16)),
    "boolean": (pa.bool_(), st.booleans()),
    "integer": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "date": (pa.date32(), st.dates()),
    "moment": (pa.timestamp("us", tz="UTC"), st.datetimes(timezones=st.just(UTC))),
    "local": (pa.timestamp("us"), st.datetimes()),
    "time": (pa.time64("us"), st.times()),
}
EXACT = Context(prec=99)
UNITS = st.integers(-(10**38) + 1, 10**38 - 1)


def numbers(scale: int) -> st.SearchStrategy[Decimal]:
    return UNITS.map(lambda units: Decimal(units).scaleb(-scale, EXACT))


NUMBERS = {
    f"decimal {scale}": (pa.decimal128(38, scale), numbers(scale)) for scale in (0, 1, 2, 3, 4, 9, 37, 38)
}
COLUMNS = {**FIELDS, **NUMBERS}
SCHEMA = pa.schema([(name, type_) for name, (type_, _) in COLUMNS.items()])


def read_rows(sent: bytes, fields: int) -> Iterator[Sequence[bytes | None]]:
    """The fields of each row, as bytes."""
    at = len(HEADER)
    assert sent.startswith(HEADER)
    while sent[at:] != TRAILER:
        assert struct.unpack_from(">h", sent, at) == (fields,)
        at += 2
        row: list[bytes | None] = []
        for _ in range(fields):
            (length,) = struct.unpack_from(">i", sent, at)
            at += 4
            row.append(None if length == -1 else sent[at : at + length])
            at += max(length, 0)
        yield row


def number(value: bytes) -> Decimal:
    count, weight, sign, scale = struct.unpack_from(">hhHh", value)
    groups = struct.unpack_from(f">{count}H", value, 8)
    assert len(value) == 8 + 2 * count
    # As the server would keep it: without a group of zeros at either end.
    assert not groups or (groups[0] and groups[-1])
    digits = sum(group * 10000 ** (count - 1 - at) for at, group in enumerate(groups))
    exponent = 4 * (weight - count + 1)
    assert exponent >= -scale - 3
    return Decimal(f"{'-' if sign else ''}{digits}E{exponent}")


def moment(sent: bytes) -> datetime:
    return SINCE + timedelta(microseconds=struct.unpack(">q", sent)[0])


SINCE = datetime(2000, 1, 1)  # noqa: DTZ001 - as the server counts
READ: dict[str, Callable[[bytes], Any]] = {
    "text": bytes.decode,
    "document": lambda sent: sent.removeprefix(b"\1").decode(),
    "bytes": bytes,
    "fixed": bytes,
    "boolean": lambda sent: {b"\0": False, b"\1": True}[sent],
    "integer": lambda sent: struct.unpack(">q", sent)[0],
    "date": lambda sent: (SINCE + timedelta(days=struct.unpack(">i", sent)[0])).date(),
    "moment": lambda sent: moment(sent).replace(tzinfo=UTC),
    "local": moment,
    "time": lambda sent: moment(sent).time(),
    **dict.fromkeys(NUMBERS, number),
}


def encoded(batches: Sequence[pa.RecordBatch], schema: pa.Schema = SCHEMA) -> bytes:
    return b"".join(Layout([DOCUMENT], schema).encode(batches))


@pytest.mark.parametrize("name", READ)
@given(st.data())
def test_each_value_and_null_is_written_as_the_manual_has_it(name: str, data: st.DataObject) -> None:
    type_, values = COLUMNS[name]
    given_ = data.draw(st.lists(st.none() | values, max_size=20))
    arrays = [pa.array(given_, type_), pa.array(range(len(given_)), pa.int64())]
    # A slice begins within its columns' buffers.
    batch = pa.RecordBatch.from_arrays(arrays, names=[name, "row"]).slice(data.draw(st.integers(0, 9)))

    found = list(read_rows(encoded([batch], batch.schema), 2))

    assert [sent if sent is None else READ[name](sent) for sent, _ in found] == batch.column(name).to_pylist()
    assert [READ["integer"](row or b"") for _, row in found] == batch.column("row").to_pylist()


def test_times_keep_every_microsecond() -> None:
    schema = pa.schema([("time", pa.time64("us"))])
    batch = pa.RecordBatch.from_pylist([{"time": time(23, 59, 59, 999999)}], schema=schema)

    ((sent,),) = read_rows(encoded([batch], schema), 1)

    assert sent == struct.pack(">q", 86_399_999_999)


def test_batches_without_rows_or_columns_are_written() -> None:
    empty = pa.RecordBatch.from_pylist([], schema=SCHEMA)

    found = encoded([empty, empty])

    assert found == HEADER + TRAILER


def test_a_type_that_is_not_written_is_refused_by_name() -> None:
    schema = pa.schema([("views", pa.string_view())])

    with pytest.raises(InternalError, match="A column of string_view cannot be sent to Postgres"):
        Layout([], schema)


def test_an_encoder_that_was_not_compiled_is_missed_in_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(encoding, "LIBRARY", tmp_path / "encoder.so")
    encoding._library.cache_clear()

    with pytest.raises(InternalError, match="could not be loaded") as missed:
        Layout([], SCHEMA)

    encoding._library.cache_clear()
    assert "C compiler" in str(missed.value.remedy)
