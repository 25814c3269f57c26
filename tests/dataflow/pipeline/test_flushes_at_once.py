"""Several flushes of one stream at work at once: they land in any order, and only those without a gap count."""

import threading
from collections.abc import Callable, Sequence

from attrs import define, field

from dataflow.budget import Budget
from dataflow.errors import DataflowError, TransientError
from dataflow.flush import Flush
from dataflow.keys import Unfit
from dataflow.pipeline.inbox import Inbox, Written
from dataflow.pipeline.writers import AtOnce, Writers
from dataflow.runtime import SYSTEM
from tests.dataflow.pipeline.test_pipeline import USERS, Kept, Run, complete, record, state, wait_until
from tests.dataflow.readers import PATIENCE

THREE = AtOnce(writers=3, of_one_stream=3)


@define
class Gated(Kept):
    """A sink whose flushes land when they are let, or fail."""

    gates: dict[int, threading.Event] = field(factory=dict)
    errors: dict[int, DataflowError] = field(factory=dict)

    def insert(self, flush: Flush, writer: int) -> None:
        self.log.append(f"begun {flush.number}")
        if gate := self.gates.get(flush.number):
            gate.wait(PATIENCE)
        if error := self.errors.get(flush.number):
            raise error
        self.log.append(f"landed {flush.number}")

    def fail(self, error: DataflowError, unfit: Sequence[Unfit] = ()) -> None:
        super().fail(error, unfit)
        self.log.append("failed")


def _users(at_once: AtOnce = THREE, *gated: int) -> tuple[Run, Gated]:
    run = Run(at_once=at_once)
    sink = Gated(run.log, gates={number: threading.Event() for number in gated})
    run.sinks[USERS] = sink
    return run, sink


def _flushes(run: Run, write: Callable[[bytes], None], *numbers: int, until: str = "begun") -> None:
    """A flush of one record under a STATE, for each number, after the one before it has come so far."""
    for number in numbers:
        write(record(USERS, number) + state(USERS, f"s{number}"))
        run.wait_for(f"{until} {number}")


def _flush(number: int) -> Flush:
    return Flush(
        stream=USERS,
        number=number,
        batches=(),
        rows=1,
        size=1,
        held=1,
        highest_raw_id=None,
        checkpoint=None,
        position=number,
    )


def _ended(inbox: Inbox) -> int:
    """The number of the next flush that comes to its end."""
    event = inbox.take(input_too=False, until=SYSTEM.clock.monotonic() + PATIENCE)
    assert isinstance(event, Written)
    return event.flush.number


def test_a_state_waits_for_the_flushes_before_its_own_in_whatever_order_they_land() -> None:
    run, sink = _users(THREE, 1)

    with run.open(flush_rows=1) as write:
        _flushes(run, write, 1)
        _flushes(run, write, 2, 3, until="landed")
        early = [each for each in run.log if each.startswith("told")]
        sink.gates[1].set()

    assert early == []
    assert run.log[-4:] == ["landed 1", "told s1", "told s2", "told s3"]


def test_a_stream_is_published_when_all_of_its_flushes_have_landed() -> None:
    run, sink = _users(THREE, 1)

    with run.open(flush_rows=1) as write:
        _flushes(run, write, 1)
        _flushes(run, write, 2, until="landed")
        write(complete(USERS))
        sink.gates[1].set()

    assert run.log[-3:] == ["told s1", "told s2", "complete"]


def test_a_stream_fails_when_no_flush_of_it_is_at_work_any_more() -> None:
    """What lands meanwhile is counted, and its STATE is emitted: its rows need not be sent again."""
    run, sink = _users(THREE, 1, 2)
    sink.errors[2] = TransientError("The table is gone.")

    with run.open(flush_rows=1) as write:
        _flushes(run, write, 1, 2)
        _flushes(run, write, 3, until="landed")
        sink.gates[2].set()
        sink.gates[1].set()

    assert run.log[-3:] == ["landed 1", "told s1", "failed"]
    assert sink.failure is sink.errors[2]


def test_a_stream_fails_by_its_earliest_flush_that_failed_though_a_later_one_failed_before_it() -> None:
    """The later one may have failed only because of the earlier."""
    run, sink = _users(THREE, 1)
    sink.errors = {number: TransientError(f"Flush {number} was refused.") for number in (1, 2)}

    with run.open(flush_rows=1) as write:
        _flushes(run, write, 1, 2)
        wait_until(lambda: sink.errors[2].__traceback__ is not None)
        sink.gates[1].set()

    assert sink.failure is sink.errors[1]


def test_none_is_begun_beyond_the_earliest_that_failed_though_a_later_one_failed_before_it() -> None:
    inbox = Inbox(1, Budget(1, SYSTEM.threads), SYSTEM)
    gates = {number: threading.Event() for number in (1, 2)}
    begun: list[int] = []

    def insert(flush: Flush, writer: int) -> None:
        begun.append(flush.number)
        if gate := gates.get(flush.number):
            gate.wait(PATIENCE)
        if flush.number in (1, 4):
            raise TransientError("The table is gone.")

    writers = Writers(AtOnce(writers=2, of_one_stream=2), insert, inbox)
    for number in range(1, 5):
        writers.write(_flush(number))
    writers.start()
    gates[2].set()
    ended = [_ended(inbox), _ended(inbox)]
    gates[1].set()
    ended += [_ended(inbox), _ended(inbox)]
    writers.end()

    assert ended == [2, 4, 1, 3]
    assert sorted(begun) == [1, 2, 4]


def test_a_flush_that_failed_is_followed_by_none() -> None:
    run, sink = _users(AtOnce(writers=1, of_one_stream=3), 1)
    sink.errors[1] = TransientError("The table is gone.")

    with run.open(flush_rows=1) as write:
        _flushes(run, write, 1)
        write(record(USERS, 2) + state(USERS, "s2"))
        sink.gates[1].set()

    assert [each for each in run.log if each.startswith(("begun", "told"))] == ["begun 1"]
    assert sink.failure is sink.errors[1]


def test_one_flush_of_a_stream_is_at_work_where_nothing_else_is_said() -> None:
    run, sink = _users(AtOnce(writers=3), 1)

    with run.open(flush_rows=1) as write:
        _flushes(run, write, 1)
        write(record(USERS, 2) + state(USERS, "s2"))
        write(record(USERS, 3) + state(USERS, "s3"))
        sink.gates[1].set()

    order = [each for each in run.log if each.startswith(("begun", "landed"))]
    numbers = range(1, len(order) // 2 + 1)
    assert order == [f"{what} {number}" for number in numbers for what in ("begun", "landed")]
