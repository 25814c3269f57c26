"""Packing here or elsewhere: the same parcels in the same order, and an end however it comes."""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dataflow.errors import TransientError
from dataflow.intake import Intake, OwnIntake, intake_of
from dataflow.mailbox import EndOfInput, Mailbox
from dataflow.packing import Order
from dataflow.parcel import Packed
from dataflow.processes import begin
from dataflow.structs import Shape
from dataflow.types import INTEGER, Column, Limits, StreamName

USERS = StreamName(None, "users")
SHAPE = Shape(name=USERS, columns=(Column("id", "id", INTEGER),), limits=Limits(), generation_id=1, sync_id=1)
ORDER = Order(shapes=(SHAPE,), chunk_bytes=4000, most_rows=1000)


def record(number: int) -> bytes:
    body = {"stream": "users", "emitted_at": 5, "data": {"id": number}}
    return json.dumps({"type": "RECORD", "record": body}).encode() + b"\n"


@contextmanager
def taking_in(intake: Intake) -> Iterator[tuple[int, Mailbox]]:
    """The intake at work: the end of a pipe that it reads, and the mailbox that it fills."""
    source, into = os.pipe()
    mailbox = Mailbox(most_packed=2)
    intake.start(source, ORDER, mailbox)
    try:
        yield into, mailbox
    finally:
        mailbox.close()
        intake.close()
        os.close(source)


def letters(mailbox: Mailbox) -> Iterator[Packed | EndOfInput]:
    while isinstance(letter := mailbox.take(input_too=True, until=time.monotonic() + 20), Packed):
        yield letter
    assert isinstance(letter, EndOfInput)
    yield letter


def pour(into: int, text: bytes) -> None:
    def write() -> None:
        with os.fdopen(into, "wb") as file:
            file.write(text)

    threading.Thread(target=write).start()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_parcels_come_in_the_order_of_the_input_wherever_they_are_packed(count: int) -> None:
    with taking_in(intake_of(begin(count))) as (into, mailbox):
        pour(into, b"".join(map(record, range(5000))))

        *packed, end = letters(mailbox)

    rows = [rows for each in packed if isinstance(each, Packed) for p in each.parcels for rows in p.rows]
    assert [number for each in rows for number in each.cells["id"].to_pylist()] == list(range(5000))
    assert end == EndOfInput()


def test_a_process_that_is_killed_is_an_error_that_says_so() -> None:
    (process,) = begin(1)
    with taking_in(intake_of([process])) as (into, mailbox):
        process.popen.kill()
        pour(into, record(1))

        *_, end = letters(mailbox)

    assert isinstance(end, EndOfInput)
    assert isinstance(end.error, TransientError)
    assert "SIGKILL" in str(end.error)


def test_processes_end_with_the_one_that_started_them() -> None:
    """However it ends: the pipes are closed, and that is what they wait for."""
    (process,) = begin(1)

    os.close(process.chunks)

    assert process.popen.wait(20) == 0
    os.close(process.parcels)


@pytest.mark.parametrize("count", [0, 1])
def test_an_intake_is_left_while_its_source_is_silent(count: int) -> None:
    with taking_in(intake_of(begin(count))) as (into, mailbox):
        os.write(into, record(1))
        first = next(letters(mailbox))

    os.close(into)
    assert isinstance(first, Packed)


def test_processes_that_were_never_needed_are_ended() -> None:
    processes = begin(2)
    intake = intake_of(processes)

    intake.close()
    intake.close()

    assert all(process.popen.poll() is not None for process in processes)


def test_an_input_that_cannot_be_read_ends_with_its_error() -> None:
    source, into = os.pipe()
    os.close(source)
    os.close(into)
    mailbox = Mailbox(most_packed=2)

    OwnIntake().start(source, ORDER, mailbox)

    (end,) = letters(mailbox)
    assert isinstance(end, EndOfInput)
    assert isinstance(end.error, OSError)
