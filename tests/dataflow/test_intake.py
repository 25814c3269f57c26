"""Packing here or elsewhere: the same parcels in the same order, and an end however it comes."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dataflow.errors import TransientError
from dataflow.intake import Intake, OwnIntake, intake_of
from dataflow.mailbox import EndOfInput, Mailbox
from dataflow.packing import Order
from dataflow.parcel import Packed
from dataflow.processes import Processes, begin
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


def forked(processes: Processes) -> list[int]:
    """The processes that pack, once all of them are there."""
    children = Path(f"/proc/{processes.parent.pid}/task/{processes.parent.pid}/children")
    assert soon(lambda: len(children.read_text().split()) == len(processes.pipes))
    return list(map(int, children.read_text().split()))


def soon(holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold."""
    until = time.monotonic() + 20
    while not holds() and time.monotonic() < until:
        time.sleep(0.01)
    return holds()


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("count", [0, 1, 2])
def test_parcels_come_in_the_order_of_the_input_wherever_they_are_packed(count: int) -> None:
    with taking_in(intake_of(begin(count))) as (into, mailbox):
        pour(into, b"".join(map(record, range(5000))))

        *packed, end = letters(mailbox)

    rows = [rows for each in packed if isinstance(each, Packed) for p in each.parcels for rows in p.rows]
    assert [number for each in rows for number in each.cells["id"].to_pylist()] == list(range(5000))
    assert end == EndOfInput()


def test_a_process_that_is_killed_is_an_error_that_says_so() -> None:
    processes = begin(2)
    assert processes is not None
    packing = forked(processes)
    with taking_in(intake_of(processes)) as (into, mailbox):
        os.kill(packing[0], signal.SIGKILL)
        pour(into, record(1))

        *_, end = letters(mailbox)

    assert isinstance(end, EndOfInput)
    assert isinstance(end.error, TransientError)
    assert "SIGKILL" in str(end.error)


def test_processes_end_with_the_one_that_started_them() -> None:
    """However it ends: the pipes are closed, and that is what they wait for."""
    processes = begin(2)
    assert processes is not None

    for pipes in processes.pipes:
        os.close(pipes.chunks)

    assert processes.parent.wait(20) == 0
    for pipes in processes.pipes:
        os.close(pipes.parcels)


@pytest.mark.parametrize("count", [0, 1])
def test_an_intake_is_left_while_its_source_is_silent(count: int) -> None:
    with taking_in(intake_of(begin(count))) as (into, mailbox):
        os.write(into, record(1))
        first = next(letters(mailbox))

    os.close(into)
    assert isinstance(first, Packed)


def test_processes_that_were_never_needed_are_ended() -> None:
    processes = begin(2)
    assert processes is not None
    packing = forked(processes)
    intake = intake_of(processes)

    intake.close()
    intake.close()

    assert processes.parent.poll() is not None
    assert soon(lambda: all(map(gone, packing)))


def test_an_input_that_cannot_be_read_ends_with_its_error() -> None:
    source, into = os.pipe()
    os.close(source)
    os.close(into)
    mailbox = Mailbox(most_packed=2)

    OwnIntake().start(source, ORDER, mailbox)

    (end,) = letters(mailbox)
    assert isinstance(end, EndOfInput)
    assert isinstance(end.error, OSError)
