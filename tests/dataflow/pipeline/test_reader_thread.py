"""The reading thread: parcels in the order of the input, and an end however it comes."""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dataflow.budget import Budget
from dataflow.errors import InternalError
from dataflow.input.packer import Packer
from dataflow.input.parcel import ParsedChunk
from dataflow.pipeline.inbox import EndOfInput, Inbox
from dataflow.pipeline.reader_thread import Intake, Order
from dataflow.runtime import SYSTEM
from dataflow.shape import Shape
from dataflow.types import INTEGER, Column, Limits, StreamName
from tests.dataflow.readers import PATIENCE, wait_for_readers

USERS = StreamName(None, "users")
SHAPE = Shape(name=USERS, columns=(Column("id", "id", INTEGER),), limits=Limits(), generation_id=1, sync_id=1)
ORDER = Order(shapes=(SHAPE,), chunk_bytes=4000, most_rows=1000)


def record(number: int) -> bytes:
    body = {"stream": "users", "emitted_at": 5, "data": {"id": number}}
    return json.dumps({"type": "RECORD", "record": body}).encode() + b"\n"


@contextmanager
def taking_in(intake: Intake) -> Iterator[tuple[int, Inbox]]:
    """The intake at work: the end of a pipe that it reads, which the test closes, and the mailbox that it fills."""
    source, into = os.pipe()
    inbox = Inbox(1 << 20, Budget(1 << 20, SYSTEM.threads), SYSTEM)
    intake.start(source, ORDER, inbox)
    try:
        yield into, inbox
    finally:
        inbox.close()
        wait_for_readers()
        os.close(source)


def events(inbox: Inbox) -> Iterator[ParsedChunk | EndOfInput]:
    while isinstance(event := inbox.take(input_too=True, until=time.monotonic() + PATIENCE), ParsedChunk):
        yield event
    assert isinstance(event, EndOfInput)
    yield event


def pour(into: int, text: bytes) -> None:
    def write() -> None:
        with os.fdopen(into, "wb") as file:
            file.write(text)

    threading.Thread(target=write).start()


def test_parcels_come_in_the_order_of_the_input() -> None:
    with taking_in(Intake(SYSTEM.threads)) as (into, inbox):
        pour(into, b"".join(map(record, range(5000))))

        *packed, end = events(inbox)

    rows = [rows for each in packed if isinstance(each, ParsedChunk) for p in each.parcels for rows in p.rows]
    assert [number for each in rows for number in each.cells["id"].to_pylist()] == list(range(5000))
    assert end == EndOfInput()


def test_an_intake_is_left_while_its_source_is_silent() -> None:
    with taking_in(Intake(SYSTEM.threads)) as (into, inbox):
        os.write(into, record(1))
        first = next(events(inbox))
        os.close(into)

    assert isinstance(first, ParsedChunk)


def test_a_defect_is_reported_by_its_kind_and_never_by_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception of a library may quote a record."""

    def defective(_: Packer, chunk: bytes) -> ParsedChunk:
        raise ValueError(chunk)

    monkeypatch.setattr(Packer, "pack", defective)
    with taking_in(Intake(SYSTEM.threads)) as (into, inbox):
        pour(into, record(1))

        (end,) = events(inbox)

    assert isinstance(end, EndOfInput)
    assert isinstance(end.error, InternalError)
    assert "ValueError" in str(end.error)
    assert "users" not in repr(end.error)
    assert end.error.__context__ is None


def test_an_input_that_cannot_be_read_ends_with_its_error() -> None:
    source, into = os.pipe()
    os.close(source)
    os.close(into)
    inbox = Inbox(1 << 20, Budget(1 << 20, SYSTEM.threads), SYSTEM)

    Intake(SYSTEM.threads).start(source, ORDER, inbox)

    (end,) = events(inbox)
    assert isinstance(end, EndOfInput)
    assert isinstance(end.error, OSError)
