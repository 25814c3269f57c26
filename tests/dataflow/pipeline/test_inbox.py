"""How much waits in a mailbox, and for whom."""

import threading
import time
from collections.abc import Callable

from dataflow.budget import Budget, Holder
from dataflow.input.parcel import Parcel, ParsedChunk
from dataflow.pipeline.inbox import EndOfInput, Inbox, InboxEvent
from dataflow.protocol import Status, StreamStatus
from dataflow.runtime import SYSTEM
from dataflow.types import StreamName

CHUNK = ParsedChunk(
    parcels=(Parcel(rows=(), events=(StreamStatus(StreamName(None, "users"), Status.COMPLETE),)),), lines=1
)


def test_a_thread_that_brings_input_waits_if_there_is_no_room() -> None:
    inbox = Inbox(CHUNK.held, Budget(1 << 20, SYSTEM.threads), SYSTEM)
    brought = threading.Event()

    def bring() -> None:
        inbox.put_input(CHUNK)
        inbox.put_input(CHUNK)
        brought.set()

    threading.Thread(target=bring, daemon=True).start()

    assert not brought.wait(0.1)
    assert inbox.take(input_too=True, until=0.0) == CHUNK
    assert not brought.wait(0.1)
    inbox.done()
    assert brought.wait(60)


def test_if_less_is_to_be_held_what_is_there_stays_and_no_more_comes_until_it_was_taken() -> None:
    inbox = Inbox(3 * CHUNK.held, Budget(1 << 20, SYSTEM.threads), SYSTEM)
    for _ in range(3):
        inbox.put_input(CHUNK)
    brought = threading.Event()

    def bring() -> None:
        inbox.put_input(CHUNK)
        brought.set()

    inbox.hold_at_most(CHUNK.held)
    threading.Thread(target=bring, daemon=True).start()
    taken = [worked_through(inbox) for _ in range(2)]
    too_soon = brought.wait(0.1)
    taken.append(worked_through(inbox))

    assert not too_soon
    assert brought.wait(60)
    assert taken == [CHUNK] * 3


def test_input_is_counted_until_its_owner_has_passed_it_on_or_is_done_with_it() -> None:
    budget = Budget(1 << 20, SYSTEM.threads)
    inbox = Inbox(1 << 20, budget, SYSTEM)
    inbox.put_input(CHUNK)
    inbox.put_input(CHUNK)
    counted = []

    steps: list[Callable[[], object]] = [
        lambda: inbox.take(input_too=True, until=0.0),
        lambda: inbox.passed_on(100),
        lambda: inbox.stop(EndOfInput()),
        inbox.done,
    ]
    for step in steps:
        step()
        counted.append(budget.held(Holder.INBOX))

    assert counted == [2 * CHUNK.held, 2 * CHUNK.held - 100, CHUNK.held - 100, 0]


def test_one_letter_is_let_in_though_the_budget_is_spent() -> None:
    budget = Budget(1, SYSTEM.threads)
    budget.hold(Holder.CHECKPOINTS, 1)
    inbox = Inbox(1 << 20, budget, SYSTEM)
    brought: list[int] = []

    def bring() -> None:
        for number in range(2):
            inbox.put_input(CHUNK)
            brought.append(number)

    threading.Thread(target=bring, daemon=True).start()
    inbox.let_in()
    first = worked_through(inbox)
    second = inbox.take(input_too=True, until=time.monotonic() + 0.1)

    assert (first, second) == (CHUNK, None)
    assert brought == [0]


def worked_through(inbox: Inbox) -> InboxEvent | None:
    """The next letter, with which its owner is done."""
    event = inbox.take(input_too=True, until=time.monotonic() + 60)
    inbox.done()
    return event
