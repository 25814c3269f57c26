"""Whole lines, however the bytes come."""

import os
import threading
import time

import pytest

from dataflow.mailbox import Chunk, EndOfInput, Mailbox
from dataflow.reader import read_lines


def chunks(parts: list[bytes], pause: float = 0.0) -> list[bytes]:
    """What arrives in the mailbox when these parts are written one after another."""
    mailbox = Mailbox(chunks=2)
    source, into = os.pipe()

    def write() -> None:
        for part in parts:
            os.write(into, part)
            time.sleep(pause)
        os.close(into)

    threads = [
        threading.Thread(target=write),
        threading.Thread(target=read_lines, args=(source, mailbox)),
    ]
    for thread in threads:
        thread.start()
    found: list[bytes] = []
    while isinstance(letter := mailbox.take(input_too=True, until=time.monotonic() + 10), Chunk):
        found.append(letter.text)
    for thread in threads:
        thread.join(10)
    os.close(source)
    assert letter == EndOfInput()
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
@pytest.mark.parametrize("pause", [0.0, 0.02])
def test_every_chunk_but_the_last_holds_whole_lines_and_nothing_is_lost(
    parts: list[bytes], pause: float
) -> None:
    found = chunks(parts, pause)

    assert b"".join(found) == b"".join(parts)
    assert all(chunk.endswith(b"\n") for chunk in found[:-1])


def test_a_line_is_handed_over_while_the_source_is_silent() -> None:
    mailbox = Mailbox(chunks=2)
    source, into = os.pipe()
    thread = threading.Thread(target=read_lines, args=(source, mailbox))
    thread.start()
    os.write(into, b"a\nb")

    letter = mailbox.take(input_too=True, until=time.monotonic() + 10)

    os.close(into)
    thread.join(10)
    os.close(source)
    assert letter == Chunk(b"a\n")


def test_an_unreadable_input_says_why() -> None:
    mailbox = Mailbox(chunks=2)
    source, into = os.pipe()
    os.close(source)
    os.close(into)

    read_lines(source, mailbox)

    letter = mailbox.take(input_too=True, until=time.monotonic() + 10)
    assert isinstance(letter, EndOfInput)
    assert isinstance(letter.error, OSError)
