"""Whole lines, however the bytes come."""

import os
import threading
import time

import pytest

from dataflow.budget import Budget
from dataflow.input.lines import PATIENCE, chunks
from dataflow.runtime import SYSTEM


def read(parts: list[bytes], pause: float = 0.0, chunk_bytes: int = 1 << 20) -> list[bytes]:
    """The chunks that are read when these parts are written one after another."""
    source, into = os.pipe()

    def write() -> None:
        for part in parts:
            os.write(into, part)
            time.sleep(pause)
        os.close(into)

    thread = threading.Thread(target=write)
    thread.start()
    found = list(chunks(source, chunk_bytes, Budget(1 << 30, SYSTEM.threads), SYSTEM))
    thread.join(10)
    os.close(source)
    return found


@pytest.mark.parametrize(
    "parts",
    [
        [b"a\nb\n"],
        [b"a", b"\n", b"b\nc", b"\n"],
        [b"a\nb"],
        [b"x" * 50_000, b"y" * 50_000 + b"\nz\n"],
        [b"\n\n", b"a\n"],
        [],
    ],
)
@pytest.mark.parametrize("pause", [0.0, PATIENCE / 4, PATIENCE * 2])
@pytest.mark.parametrize("chunk_bytes", [3, 1 << 20])
def test_every_chunk_but_the_last_holds_whole_lines_and_nothing_is_lost(
    parts: list[bytes], pause: float, chunk_bytes: int
) -> None:
    found = read(parts, pause, chunk_bytes)

    assert b"".join(found) == b"".join(parts)
    assert all(chunk.endswith(b"\n") for chunk in found[:-1])


def test_a_line_is_handed_over_while_the_source_is_silent() -> None:
    source, into = os.pipe()
    os.write(into, b"a\nb")

    first = next(chunks(source, 1 << 20, Budget(1 << 30, SYSTEM.threads), SYSTEM))

    os.close(into)
    os.close(source)
    assert first == b"a\n"


def test_a_source_that_never_rests_is_not_gathered_for_long() -> None:
    source, into = os.pipe()
    resting = threading.Event()

    def drip() -> None:
        while not resting.wait(PATIENCE / 50):
            os.write(into, b"a\n")

    thread = threading.Thread(target=drip)
    thread.start()

    first = next(chunks(source, 1 << 20, Budget(1 << 30, SYSTEM.threads), SYSTEM))

    resting.set()
    thread.join(10)
    os.close(into)
    os.close(source)
    assert 2 < len(first) < 1000


def test_an_unreadable_input_says_why() -> None:
    source, into = os.pipe()
    os.close(source)
    os.close(into)

    with pytest.raises(OSError, match="Bad file descriptor"):
        next(chunks(source, 1 << 20, Budget(1 << 30, SYSTEM.threads), SYSTEM))
