"""Batches become the text that LOAD DATA reads back as it was."""

from uuid import UUID

import pyarrow as pa

from connectors.mysql.buffer import encoded
from connectors.testkit.harness.rows import batch, columns, row
from dataflow.types import RAW_ID, Kind, Limits

OF = columns(text=Kind.STRING, sure=Kind.BOOLEAN, price=Kind.NUMBER)


def test_what_separates_fields_and_rows_is_escaped_and_null_is_not_the_text() -> None:
    rows = [
        row(0, text="a\x1fb\x1ec\x1dd\0e\t\n\\", sure=True),
        row(1, text=None),
        row(2, text="\x1dN", sure=False),
    ]

    lines = b"".join(encoded(batch(OF, rows, Limits()).select([RAW_ID, "text", "sure"])))

    ids = [str(UUID(each[RAW_ID])).encode() for each in rows]
    assert lines == b"".join(
        [
            ids[0] + b"\x1fa\x1d\x1fb\x1d\x1ec\x1d\x1dd\x1d0e\t\n\\\x1f1\x1e",
            ids[1] + b"\x1f\x1dN\x1f\x1dN\x1e",
            ids[2] + b"\x1f\x1d\x1dN\x1f0\x1e",
        ]
    )


def test_only_the_rows_of_a_slice_are_sent() -> None:
    """Its arrays hold the others too."""
    rows = [row(number, text=f"text {number}") for number in range(4)]

    sent = b"".join(encoded(batch(OF, rows, Limits()).slice(1, 2).select(["text"])))

    assert sent == b"text 1\x1etext 2\x1e"


def test_a_large_batch_is_sent_in_parts_of_whole_rows() -> None:
    many = batch(OF, [row(n, text="x" * 1000) for n in range(5000)], Limits())

    parts = list(encoded(many))

    assert len(parts) > 3
    assert all(part.endswith(b"\x1e") for part in parts)
    assert b"".join(parts).count(b"\x1e") == 5000


def test_a_batch_without_rows_is_no_part() -> None:
    assert list(encoded(batch(OF, [], Limits()))) == []


def test_numbers_may_come_as_decimals_and_as_text() -> None:
    ids = pa.array([bytes(16)], pa.binary(16))
    as_text = pa.RecordBatch.from_pydict({RAW_ID: ids, "price": pa.array(["1.50"])})
    as_decimal = pa.RecordBatch.from_pydict(
        {RAW_ID: ids, "price": pa.array(["1.50"]).cast(pa.decimal128(38, 2))}
    )

    assert list(encoded(as_text)) == list(encoded(as_decimal))
