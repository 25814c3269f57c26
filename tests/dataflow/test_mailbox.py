"""How much waits in a mailbox, and for whom."""

import threading

from dataflow.budget import Budget
from dataflow.mailbox import Mailbox
from dataflow.parcel import Packed, Parcel
from dataflow.protocol import Status, StreamStatus
from dataflow.types import StreamName

CHUNK = Packed(
    parcels=(Parcel(rows=(), events=(StreamStatus(StreamName(None, "users"), Status.COMPLETE),)),), lines=1
)


def test_who_brings_input_waits_where_there_is_no_room() -> None:
    mailbox = Mailbox(CHUNK.held, Budget(1 << 20))
    brought = threading.Event()

    def bring() -> None:
        mailbox.put_input(CHUNK)
        mailbox.put_input(CHUNK)
        brought.set()

    threading.Thread(target=bring, daemon=True).start()

    assert not brought.wait(0.1)
    assert mailbox.take(input_too=True, until=0.0) == CHUNK
    assert brought.wait(5)


def test_where_less_is_to_be_held_what_is_there_stays_and_no_more_comes_until_it_was_taken() -> None:
    mailbox = Mailbox(3 * CHUNK.held, Budget(1 << 20))
    for _ in range(3):
        mailbox.put_input(CHUNK)
    brought = threading.Event()

    def bring() -> None:
        mailbox.put_input(CHUNK)
        brought.set()

    mailbox.hold_at_most(CHUNK.held)
    threading.Thread(target=bring, daemon=True).start()
    taken = [mailbox.take(input_too=True, until=0.0) for _ in range(2)]
    too_soon = brought.wait(0.1)
    taken.append(mailbox.take(input_too=True, until=0.0))

    assert not too_soon
    assert brought.wait(5)
    assert taken == [CHUNK] * 3
