"""Values through a pipe: whole, equal, and laid out as Arrow wants them."""

import os
import threading
from typing import Any

import pyarrow as pa
import pytest

from dataflow import wire


def send_all(pipe: int, values: tuple[Any, ...]) -> None:
    for value in values:
        wire.send(pipe, value)


def through(*values: Any) -> list[Any]:
    """What is received when these values are sent."""
    out, into = os.pipe()
    sender = threading.Thread(target=lambda: send_all(into, values))
    sender.start()
    received = [wire.receive(out) for _ in values]
    sender.join(10)
    os.close(into)
    os.close(out)
    return received


@pytest.mark.parametrize("value", [b"", b"x" * 3_000_000, {"a": [1, None]}, ("\N{ROCKET}",)])
def test_a_value_arrives_as_it_was_sent(value: Any) -> None:
    assert through(value, value) == [value, value]


def test_columns_arrive_equal_and_aligned() -> None:
    batch = pa.RecordBatch.from_arrays(
        [pa.array([1, None, 3]), pa.array(["a", "bcd", None]), pa.array([b"x" * 16] * 3, pa.binary(16))],
        names=["a", "b", "c"],
    ).replace_schema_metadata({"k": "v"})

    (received,) = through([batch] * 300)

    assert all(each.equals(batch, check_metadata=True) for each in received)
    addresses = [b.address for each in received for column in each for b in column.buffers() if b is not None]
    assert all(address % wire.ALIGNMENT == 0 for address in addresses)


def test_a_closed_end_is_told_apart_from_a_value() -> None:
    out, into = os.pipe()
    os.close(into)

    with pytest.raises(EOFError):
        wire.receive(out)

    os.close(out)
