"""The way from bytes to STATE, against a sink that keeps what it is given."""

import json
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from attrs import define, evolve, field

from dataflow.budget import Budget
from dataflow.errors import ConfigError, DataflowError, InternalError, TransientError
from dataflow.flush import Flush
from dataflow.input.parcel import ParsedChunk
from dataflow.keys import Role, Unfit
from dataflow.output_messages import error_message, log_message, state_message
from dataflow.pipeline.aggregate import Aggregate, Thresholds
from dataflow.pipeline.checkpoints import Checkpoint
from dataflow.pipeline.inbox import EndOfInput, Inbox
from dataflow.pipeline.pipeline import Pipeline
from dataflow.pipeline.reader_thread import Intake, Order, Source
from dataflow.pipeline.states import Miscounts
from dataflow.pipeline.writers import ONE, AtOnce, Writers
from dataflow.protocol import State
from dataflow.raw_ids import RawIds
from dataflow.runtime import SYSTEM
from dataflow.shape import Shape
from dataflow.types import INTEGER, Column, Limits, StreamName
from tests.dataflow.readers import PATIENCE, wait_for_readers

USERS, ORDERS = StreamName(None, "users"), StreamName(None, "orders")
COLUMNS = (Column("id", "id", INTEGER),)
# Records on either side of a message do not come together.
NO_CHECKPOINT: dict[str, Any] = {"highest_raw_id": None, "checkpoint": None, "position": 0}
LOG = b'{"type":"LOG","log":{"level":"INFO","message":""}}\n'


@define
class Kept:
    """A sink: what became durable, what it heard, and the error its inserts are to meet."""

    log: list[str]
    rows: list[int] = field(factory=list)
    error: DataflowError | None = None
    publishing: DataflowError | None = None
    failure: DataflowError | None = None
    unfit: Sequence[Unfit] = ()
    before_insert: Callable[[], None] = lambda: None
    heard: int = 0

    def held_up(self) -> threading.Event:
        """Nothing is inserted until this is set."""
        gate = threading.Event()
        self.before_insert = lambda: void(gate.wait(PATIENCE))
        return gate

    def insert(self, flush: Flush, writer: int) -> None:
        self.before_insert()
        if self.error is not None:
            raise self.error
        self.rows += [value for batch in flush.batches for value in batch["id"].to_pylist()]
        self.log.append(f"durable {flush.stream} {flush.rows}")

    def flushed(self, flush: Flush, seconds: float) -> None:
        self.heard += 1

    def complete(self) -> DataflowError | None:
        self.log.append("complete")
        return self.publishing

    def fail(self, error: DataflowError, unfit: Sequence[Unfit] = ()) -> None:
        self.failure = error
        self.unfit = unfit

    def refusal(self, unfit: Sequence[Unfit]) -> DataflowError:
        return ConfigError(f"refused {[each.field for each in unfit]}")


@define
class Heard:
    """An outlet: the messages that left, in their order."""

    happened: list[str]
    lines: list[dict[str, Any]] = field(factory=list)

    def emit(self, checkpoint: Checkpoint) -> None:
        line = json.loads(state_message(checkpoint.state, checkpoint.counts))
        self.lines.append(line)
        self.happened.append(f"told {blob(line)}")

    def log(self, level: str, message: str) -> None:
        self.lines.append(json.loads(log_message(level, message)))

    def report(self, error: BaseException, stream: StreamName | None = None) -> None:
        self.lines.append(json.loads(error_message(error, SYSTEM.clock, stream)))


@define
class Run:
    """A pipeline over two streams, its input, and what it emitted."""

    log: list[str] = field(factory=list)
    sinks: dict[StreamName, Kept] = field(factory=dict)
    outlet: "Heard" = field(init=False)
    intake: Intake = field(factory=lambda: Intake(SYSTEM.threads))
    miscounts: Miscounts = Miscounts.WARN
    at_once: AtOnce = ONE
    waits_for: Callable[[State], Collection[StreamName] | None] = lambda _: ()
    budget: Budget = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.sinks = {USERS: Kept(self.log), ORDERS: Kept(self.log)}
        self.outlet = Heard(self.log)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return self.outlet.lines

    def feed(self, *lines: bytes, **thresholds: Any) -> None:
        with self.open(**thresholds) as write:
            write(b"".join(lines))

    @contextmanager
    def open(self, **thresholds: Any) -> Iterator[Callable[[bytes], None]]:
        """The pipeline at work on its own thread's input; its error is raised here."""
        limits = Thresholds(**thresholds)
        streams = {
            name: (Aggregate(shape(name), RawIds(SYSTEM.clock, SYSTEM.randomness), limits), sink)
            for name, sink in self.sinks.items()
        }
        self.budget = Budget(limits.held_bytes, SYSTEM.threads)
        inbox = Inbox(limits.packed_at_start_bytes, self.budget, SYSTEM)
        pipeline = Pipeline(inbox, streams, limits, self.outlet, self.miscounts, self.waits_for, self.at_once)
        source, into = os.pipe()
        order = Order(
            shapes=tuple(map(shape, self.sinks)),
            chunk_bytes=limits.chunk_bytes,
            most_rows=limits.parcel_rows,
        )
        self.intake.start(source, order, inbox)
        errors: list[BaseException] = []

        def run() -> None:
            try:
                pipeline.run()
            except BaseException as error:  # noqa: BLE001 - raised again below
                errors.append(error)

        owner = threading.Thread(target=run)
        owner.start()
        try:
            with os.fdopen(into, "wb", buffering=0) as file:
                yield lambda text: void(file.write(text))
        finally:
            owner.join(PATIENCE)
            assert not owner.is_alive()
            wait_for_readers()
            os.close(source)
        if errors:
            raise errors[0]

    def wait_for(self, entry: str) -> None:
        """Until this stands in the log."""
        wait_until(lambda: entry in self.log)

    @property
    def emitted(self) -> list[Any]:
        return [blob(line) for line in self.lines if line["type"] == "STATE"]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def shape(name: StreamName) -> Shape:
    return Shape(
        name=name, columns=COLUMNS, limits=Limits(), generation_id=1, sync_id=1, roles={"id": Role.KEY}
    )


def void(_: object) -> None:
    """Nothing."""


def blob(message: dict[str, Any]) -> Any:
    body = message["state"]
    return body["stream"]["stream_state"] if body["type"] == "STREAM" else body["global"]["shared_state"]


def record(stream: StreamName, number: float) -> bytes:
    body = {"stream": stream.name, "emitted_at": 1, "data": {"id": number}}
    return json.dumps({"type": "RECORD", "record": body}).encode() + b"\n"


def state(stream: StreamName, name: str, count: int | None = None) -> bytes:
    body: dict[str, Any] = {
        "type": "STREAM",
        "stream": {"stream_descriptor": {"name": stream.name}, "stream_state": name},
    }
    if count is not None:
        body["sourceStats"] = {"recordCount": float(count)}
    return json.dumps({"type": "STATE", "state": body}).encode() + b"\n"


def global_state(name: str) -> bytes:
    body = {"type": "GLOBAL", "global": {"shared_state": name, "stream_states": []}}
    return json.dumps({"type": "STATE", "state": body}).encode() + b"\n"


def complete(stream: StreamName) -> bytes:
    status = {"stream_descriptor": {"name": stream.name}, "status": "COMPLETE"}
    return (
        json.dumps({"type": "TRACE", "trace": {"type": "STREAM_STATUS", "stream_status": status}}).encode()
        + b"\n"
    )


def test_a_state_is_emitted_after_its_rows_are_durable_and_before_its_stream_is_published() -> None:
    run = Run()

    run.feed(record(USERS, 1), state(USERS, "s1"), complete(USERS))

    assert run.log == ["durable users 1", "told s1", "complete"]


def test_states_are_emitted_in_order_with_their_counts() -> None:
    run = Run()

    run.feed(
        record(USERS, 1), record(USERS, 2), state(USERS, "s1", 2), record(USERS, 3), state(USERS, "s2", 1)
    )

    states = [line["state"] for line in run.lines]
    assert run.emitted == ["s1", "s2"]
    assert [s["destinationStats"]["recordCount"] for s in states] == [2.0, 1.0]
    assert [s["committedRecordsCount"] for s in states] == [2, 3]


def test_a_count_that_differs_from_the_sources_is_warned_of() -> None:
    run = Run()

    run.feed(record(USERS, 1), state(USERS, "s1", 2))

    warnings = [line["log"]["message"] for line in run.lines if line["type"] == "LOG"]
    assert run.emitted == ["s1"]
    assert warnings == [
        "The source counts 2 records before a STATE of stream users; the number received is 1."
    ]


def test_a_count_that_differs_fails_its_stream_alone_where_that_is_wanted() -> None:
    run = Run(miscounts=Miscounts.FAIL)
    users = [
        record(USERS, 1),
        state(USERS, "u1", 7),
        record(USERS, 2),
        complete(USERS),
    ]

    run.feed(*users, record(ORDERS, 1), state(ORDERS, "o1", 1), complete(ORDERS))

    assert "counts 7 records before a STATE of stream users; the number received is 1" in str(
        run.sinks[USERS].failure
    )
    assert run.emitted == ["o1"]
    assert run.sinks[ORDERS].failure is None
    assert run.log.count("complete") == 1


def test_a_global_count_that_differs_ends_the_sync_where_that_is_wanted() -> None:
    run = Run(miscounts=Miscounts.FAIL)
    text = global_state("g1").replace(
        b'{"type": "GLOBAL"', b'{"sourceStats": {"recordCount": 2.0}, "type": "GLOBAL"'
    )

    with pytest.raises(
        InternalError, match="counts 2 records before a STATE of all streams; the number received is 1"
    ):
        run.feed(record(USERS, 1), text)

    assert run.emitted == []


def test_a_stream_of_which_rows_went_missing_is_not_published() -> None:
    run = Run(intake=Losing(SYSTEM.threads))

    run.feed(record(USERS, 1), record(USERS, 2), complete(USERS))

    assert str(run.sinks[USERS].failure).startswith("2 records of stream users were read and 0 rows written.")
    assert run.log == []


class Losing(Intake):
    """An intake that loses the rows on the way, and not the word of them."""

    def start(self, source: int | Source, order: Order, inbox: Inbox) -> None:
        put = inbox.put_input

        def without_rows(event: ParsedChunk | EndOfInput) -> bool:
            if isinstance(event, ParsedChunk):
                event = evolve(event, parcels=tuple(evolve(parcel, rows=()) for parcel in event.parcels))
            return put(event)

        inbox.put_input = without_rows  # type: ignore[method-assign]
        super().start(source, order, inbox)


def test_a_state_waits_no_longer_than_its_latency_though_the_source_is_silent() -> None:
    run = Run()

    with run.open(state_latency=0.05, age=3600.0) as write:
        write(record(USERS, 1) + state(USERS, "s1"))
        run.wait_for("told s1")
        emitted = list(run.emitted)

    assert emitted == ["s1"]


def test_many_states_share_a_flush() -> None:
    run = Run()
    lines = [line for n in range(50) for line in (record(USERS, n), state(USERS, f"s{n}"))]

    run.feed(*lines)

    assert run.emitted == [f"s{n}" for n in range(50)]
    assert sum(entry.startswith("durable") for entry in run.log) == 1


def test_a_failed_stream_leaves_the_other_and_its_states_alone() -> None:
    run = Run()
    run.sinks[ORDERS].error = TransientError("The table is gone.")

    run.feed(
        record(ORDERS, 1),
        state(ORDERS, "o1"),
        record(USERS, 1),
        state(USERS, "u1"),
        complete(ORDERS),
        complete(USERS),
    )

    assert run.emitted == ["u1"]
    assert run.sinks[USERS].rows == [1]
    assert run.sinks[ORDERS].failure is run.sinks[ORDERS].error


def test_a_key_that_is_not_held_fails_its_stream_and_nothing_of_its_rows_is_written() -> None:
    run = Run()
    input_ = [record(ORDERS, 1), record(USERS, 1), state(USERS, "u1"), record(USERS, 2.5), state(USERS, "u2")]

    run.feed(*input_, state(ORDERS, "o1"), complete(USERS), complete(ORDERS), chunk_bytes=1 << 20)

    assert str(run.sinks[USERS].failure) == "refused ['id']"
    assert [each.field for each in run.sinks[USERS].unfit] == ["id"]
    assert (run.sinks[USERS].rows, run.sinks[ORDERS].rows) == ([], [1])
    assert run.emitted == ["o1"]


def test_what_was_durable_before_a_key_that_is_not_held_is_acknowledged() -> None:
    run = Run()

    with run.open(state_latency=0.0) as write:
        write(record(USERS, 1) + state(USERS, "u1"))
        run.wait_for("told u1")
        write(record(USERS, 2) + record(USERS, 2.5) + state(USERS, "u2") + complete(USERS))

    assert (run.sinks[USERS].rows, run.emitted) == ([1], ["u1"])


def test_under_global_state_a_key_that_is_not_held_stops_the_reading() -> None:
    run = Run()

    with pytest.raises(TransientError, match="Stream users failed"):
        run.feed(record(ORDERS, 1), global_state("g1"), record(USERS, 2.5), record(ORDERS, 2))

    assert run.emitted == []


def test_after_a_failed_flush_no_later_flush_of_its_stream_is_written() -> None:
    run = Run()
    orders = run.sinks[ORDERS]
    inserts: list[int] = []

    def once() -> None:
        inserts.append(1)
        orders.error = TransientError("Lost.") if len(inserts) == 1 else None

    orders.before_insert = once

    run.feed(*(record(ORDERS, n) for n in range(10)), flush_rows=1, parcel_rows=1)

    assert orders.rows == []
    assert len(inserts) == 1


def test_under_global_state_the_first_failure_stops_the_reading_and_nothing_later_is_emitted() -> None:
    run = Run()
    run.sinks[ORDERS].error = TransientError("The table is gone.")

    with pytest.raises(TransientError, match="Stream orders failed"):
        run.feed(
            record(USERS, 1), record(ORDERS, 1), global_state("g1"), record(USERS, 2), global_state("g2")
        )

    assert run.emitted == []


def test_a_failure_at_the_end_of_input_keeps_no_durable_state_from_being_emitted() -> None:
    """Users' last flush fails while what the GLOBAL state covers of orders is yet to be written."""
    run = Run()
    users = run.sinks[USERS]
    inserts: list[int] = []

    def second() -> None:
        inserts.append(1)
        users.error = TransientError("Lost.") if len(inserts) == 2 else None

    users.before_insert = second
    lines = [record(USERS, 1), record(ORDERS, 1), global_state("g1"), record(USERS, 2), LOG, record(USERS, 3)]

    with pytest.raises(TransientError, match="Stream users failed"):
        run.feed(*lines, flush_rows=2, parcel_rows=2)

    assert run.log == ["durable users 2", "durable orders 1", "told g1"]


def test_the_error_that_stopped_the_reading_is_the_one_that_is_raised() -> None:
    run = Run()
    run.sinks[USERS].error = TransientError("Lost.")

    with pytest.raises(InternalError, match="Line 3"):
        run.feed(record(USERS, 1), global_state("g1"), b"nonsense\n")


def test_a_global_state_is_emitted_when_every_stream_is_durable() -> None:
    run = Run()

    run.feed(record(USERS, 1), record(ORDERS, 1), global_state("g1"))

    assert run.log[-1] == "told g1"
    assert set(run.log[:2]) == {"durable users 1", "durable orders 1"}


def test_at_a_line_that_cannot_be_used_what_was_read_is_made_durable_and_acknowledged() -> None:
    run = Run()

    with pytest.raises(InternalError, match="Line 3"):
        run.feed(record(USERS, 1), state(USERS, "s1"), b"nonsense\n", record(USERS, 2))

    assert run.log == ["durable users 1", "told s1"]


@pytest.mark.parametrize("wrong", ["incomplete", "unusable"])
def test_what_ends_a_stream_ends_no_other_and_what_came_before_is_acknowledged(wrong: str) -> None:
    run = Run()
    ends = {
        "incomplete": complete(USERS).replace(b"COMPLETE", b"INCOMPLETE"),
        "unusable": record(USERS, 2).replace(b"emitted_at", b"at"),
    }

    run.feed(
        record(USERS, 1),
        state(USERS, "one"),
        ends[wrong],
        record(USERS, 3),
        state(USERS, "two"),
        record(ORDERS, 7),
        state(ORDERS, "orders"),
        complete(ORDERS),
    )

    assert run.log == ["durable users 1", "told one", "durable orders 1", "told orders", "complete"]
    assert isinstance(run.sinks[USERS].failure, InternalError)
    assert run.sinks[ORDERS].failure is None


def test_a_second_complete_changes_nothing_and_a_record_after_it_is_refused() -> None:
    run = Run()

    with pytest.raises(InternalError, match="after its COMPLETE"):
        run.feed(record(USERS, 1), complete(USERS), complete(USERS), record(USERS, 2))

    assert run.log == ["durable users 1", "complete"]


def test_a_state_after_its_stream_is_published_is_emitted() -> None:
    run = Run()

    with run.open() as write:
        write(record(USERS, 1) + complete(USERS))
        run.wait_for("complete")
        write(state(USERS, "s1", 1))

    assert run.log == ["durable users 1", "complete", "told s1"]


def test_a_global_state_does_not_wait_for_what_is_published() -> None:
    """Streams complete one by one, and no STATE covered the rows of users before theirs did."""
    run = Run()

    run.feed(
        *(record(USERS, 1), complete(USERS), record(ORDERS, 1), global_state("g1")),
        *(record(ORDERS, 2), complete(ORDERS), global_state("g2")),
    )

    assert run.emitted == ["g1", "g2"]


def test_a_state_after_a_failed_publication_is_not_emitted() -> None:
    run = Run()
    run.sinks[USERS].publishing = TransientError("The table is gone.")

    with run.open() as write:
        write(record(USERS, 1) + complete(USERS))
        run.wait_for("complete")
        write(state(USERS, "s1"))

    assert run.emitted == []


def test_a_state_between_a_complete_and_its_publication_is_emitted_with_its_checkpoint_durable() -> None:
    run = Run()
    gate = run.sinks[USERS].held_up()

    with run.open(state_latency=0.0) as write:
        write(record(USERS, 1) + complete(USERS))
        write(state(USERS, "s1") + record(ORDERS, 1) + state(ORDERS, "o1"))
        gate.set()

    assert run.emitted.index("s1") == 0
    assert run.log.index("durable users 1") < run.log.index("told s1")
    assert run.log.count("complete") == 1


# -- streams side by side


def test_two_streams_are_written_side_by_side() -> None:
    run = Run(at_once=AtOnce(writers=2))
    both = threading.Barrier(2)
    for sink in run.sinks.values():
        sink.before_insert = lambda: void(both.wait(PATIENCE))

    run.feed(record(USERS, 1), record(ORDERS, 2))

    assert (run.sinks[USERS].rows, run.sinks[ORDERS].rows) == ([1], [2])


def test_a_stream_is_published_while_another_is_still_written() -> None:
    run = Run(at_once=AtOnce(writers=2))
    gate = run.sinks[USERS].held_up()

    with run.open() as write:
        write(record(USERS, 1) + record(ORDERS, 2) + complete(ORDERS) + complete(USERS))
        run.wait_for("complete")
        before = list(run.log)
        gate.set()

    assert before == ["durable orders 1", "complete"]
    assert run.log == [*before, "durable users 1", "complete"]


def test_streams_are_published_in_the_order_of_their_completes() -> None:
    """A foreign key that somebody made may lead from the later table to the earlier."""
    run = Run(at_once=AtOnce(writers=2))
    gate = run.sinks[USERS].held_up()

    with run.open() as write:
        write(record(USERS, 1) + record(ORDERS, 2) + complete(USERS) + complete(ORDERS))
        run.wait_for("durable orders 1")
        time.sleep(0.05)
        before = list(run.log)
        gate.set()

    assert before == ["durable orders 1"]
    assert run.log == [*before, "durable users 1", "complete", "complete"]


def test_a_failed_stream_holds_up_no_publication_after_it() -> None:
    run = Run(at_once=AtOnce(writers=2))
    run.sinks[USERS].error = TransientError("The table is gone.")

    run.feed(record(USERS, 1), record(ORDERS, 2), complete(USERS), complete(ORDERS))

    assert run.log == ["durable orders 1", "complete"]


def test_the_flushes_of_a_stream_keep_their_order_beside_those_of_another() -> None:
    run = Run(at_once=AtOnce(writers=2))
    run.sinks[USERS].before_insert = lambda: time.sleep(0.002)
    lines = [line for n in range(50) for line in (record(USERS, n), LOG, record(ORDERS, n), LOG)]

    with run.open(flush_rows=1, parcel_rows=1) as write:
        for line in lines:
            write(line)

    assert run.sinks[USERS].rows == run.sinks[ORDERS].rows == list(range(50))


def test_after_a_failed_flush_no_other_of_its_stream_is_written() -> None:
    run = Run(at_once=AtOnce(writers=2))
    run.sinks[USERS].error = TransientError("The table is gone.")
    lines = [record(USERS, 1) + record(ORDERS, 1), LOG, record(USERS, 2) + record(ORDERS, 2)]

    with run.open(flush_rows=1, parcel_rows=1) as write:
        write(lines[0])
        run.wait_for("durable orders 1")
        run.sinks[USERS].error = None
        write(lines[1] + lines[2])

    assert run.sinks[USERS].rows == []
    assert run.sinks[ORDERS].rows == [1, 2]


@pytest.mark.parametrize("wrong", ["miscounted", "unfit"])
def test_a_stream_does_not_fail_while_rows_of_it_are_being_written(wrong: str) -> None:
    """Else they would be there, and counted nowhere."""
    ends = {"miscounted": state(USERS, "s1", 2), "unfit": record(USERS, 2.5)}
    run = Run(miscounts=Miscounts.FAIL)
    users = run.sinks[USERS]
    gate = users.held_up()
    run.waits_for = opening(gate)

    run.feed(
        *(record(USERS, 1), LOG, state(ORDERS, "o1"), record(ORDERS, 1), LOG, ends[wrong]),
        flush_rows=1,
        parcel_rows=1,
    )

    assert users.rows == [1]
    assert users.heard == 1
    assert users.failure is not None
    assert run.emitted == ["o1"]


def opening(gate: threading.Event) -> Callable[[State], Collection[StreamName]]:
    """Waits for nothing, and opens the gate at the first STATE."""

    def opened(_: State) -> Collection[StreamName]:
        gate.set()
        return ()

    return opened


def test_a_stream_whose_rows_cannot_be_written_fails_by_that_and_not_by_what_came_after() -> None:
    run = Run(miscounts=Miscounts.FAIL)
    users = run.sinks[USERS]
    gate = users.held_up()
    users.error = TransientError("The table is gone.")
    run.waits_for = opening(gate)

    run.feed(record(USERS, 1), LOG, state(USERS, "s1", 2), flush_rows=1, parcel_rows=1)

    assert users.failure is users.error
    assert run.emitted == []


def test_a_slow_destination_stops_the_reading() -> None:
    run = Run()
    gate = run.sinks[USERS].held_up()
    line = record(USERS, 1)
    sent = 0

    with run.open(unwritten_bytes=1000, packed_bytes=1000, flush_rows=1000, parcel_rows=1000) as write:
        stuck = threading.Event()

        def pour() -> None:
            nonlocal sent
            for _ in range(200):
                write(line * 1000)
                sent += 1
            stuck.set()

        pouring = threading.Thread(target=pour)
        pouring.start()
        held_back = not stuck.wait(0.5)
        gate.set()
        pouring.join()

    assert held_back
    assert len(run.sinks[USERS].rows) == 200_000


def test_a_flush_waits_behind_the_one_that_is_written_however_large_they_are() -> None:
    """Else a writer would wait for us after each."""
    gate = threading.Event()
    inbox = Inbox(1 << 20, Budget(1 << 20, SYSTEM.threads), SYSTEM)
    writers = Writers(ONE, lambda *_: void(gate.wait(PATIENCE)), inbox)
    aggregate = Aggregate(
        shape(USERS), RawIds(SYSTEM.clock, SYSTEM.randomness), Thresholds(unwritten_bytes=1)
    )
    pipeline = Pipeline(inbox, {USERS: (aggregate, Kept([]))}, Thresholds(unwritten_bytes=1), Heard([]))
    pipeline._writers = writers
    writers.start()
    room = []
    for number in range(3):
        room.append(pipeline._has_room)
        writers.write(Flush(stream=USERS, number=number, batches=(), rows=0, size=0, held=9, **NO_CHECKPOINT))
    gate.set()
    writers.end()

    assert room == [True, True, False]


def test_a_defect_in_a_sink_reaches_the_owner() -> None:
    run = Run()

    def defect() -> None:
        raise ZeroDivisionError

    run.sinks[USERS].before_insert = defect

    with pytest.raises(ZeroDivisionError):
        run.feed(record(USERS, 1), complete(USERS))


# -- states that describe themselves


def part(stream: StreamName, number: int, partition: str) -> bytes:
    body = {"stream": stream.name, "emitted_at": 1, "data": {"id": number}, "partition_id": partition}
    return json.dumps({"type": "RECORD", "record": body}).encode() + b"\n"


def own_state(stream: StreamName, number: int, partition: str, count: int) -> bytes:
    body = {
        "type": "STREAM",
        "stream": {"stream_descriptor": {"name": stream.name}, "stream_state": f"{stream.name} {number}"},
        "id": number,
        "partition_id": partition,
        "sourceStats": {"recordCount": float(count)},
    }
    return json.dumps({"type": "STATE", "state": body}).encode() + b"\n"


def test_states_out_of_order_are_emitted_in_the_order_of_their_ids() -> None:
    """Upstream: testOutOfOrderStateMessages."""
    run = Run()

    run.feed(*(own_state(USERS, number, f"p{number}", 0) for number in (5, 4, 3, 2, 1)))

    assert run.emitted == [f"users {number}" for number in (1, 2, 3, 4, 5)]


def test_states_before_their_records_are_emitted_with_what_they_cover() -> None:
    """Upstream: testStateMessageBeforeRecords."""
    run = Run()
    records = [part(USERS, 1, "p1"), part(USERS, 2, "p2"), part(USERS, 3, "p2")]

    run.feed(own_state(USERS, 2, "p2", 2), own_state(USERS, 1, "p1", 1), *records)

    states = [line["state"] for line in run.lines]
    sizes = [len(line) - 1 for line in records]
    assert run.emitted == ["users 1", "users 2"]
    assert [s["destinationStats"]["recordCount"] for s in states] == [1.0, 2.0]
    assert [s["committedRecordsCount"] for s in states] == [1, 3]
    assert [s["committedBytesCount"] for s in states] == [sizes[0], sum(sizes)]
    assert [(s["id"], s["partition_id"]) for s in states] == [(1, "p1"), (2, "p2")]


def test_each_stream_counts_its_own_partitions() -> None:
    """Upstream: testStreamStateTypes."""
    run = Run()

    run.feed(
        part(USERS, 1, "a"),
        part(ORDERS, 1, "a"),
        part(ORDERS, 2, "a"),
        own_state(USERS, 1, "a", 1),
        own_state(ORDERS, 1, "a", 2),
        part(USERS, 2, "b"),
        part(ORDERS, 3, "b"),
        own_state(USERS, 2, "b", 1),
        own_state(ORDERS, 2, "b", 1),
    )

    counts = {blob(line): line["state"]["committedRecordsCount"] for line in run.lines}
    assert counts == {"users 1": 1, "orders 1": 2, "users 2": 2, "orders 2": 3}


def test_global_states_mix_the_partitions_of_streams_with_one_of_their_own() -> None:
    """Upstream: testCDCStateTypes; a stream the catalog does not name comes along untouched."""
    run = Run()

    def global_own(number: int, count: int) -> bytes:
        streams = [
            {"stream_descriptor": {"name": name}, "stream_state": {}, "partition_id": f"{name}{number}"}
            for name in ("users", "orders", "strangers")
        ]
        body = {
            "type": "GLOBAL",
            "global": {"shared_state": number, "stream_states": streams},
            "id": number,
            "partition_id": f"outer{number}",
            "sourceStats": {"recordCount": float(count)},
        }
        return json.dumps({"type": "STATE", "state": body}).encode() + b"\n"

    run.feed(
        part(USERS, 1, "users1"),
        part(ORDERS, 1, "orders1"),
        part(USERS, 2, "outer1"),
        part(ORDERS, 2, "outer1"),
        global_own(1, 4),
        part(USERS, 3, "users2"),
        part(USERS, 4, "outer2"),
        part(ORDERS, 3, "orders2"),
        global_own(2, 3),
    )

    states = [line["state"] for line in run.lines]
    assert run.emitted == [1, 2]
    assert [s["committedRecordsCount"] for s in states] == [4, 7]
    assert [len(s["global"]["stream_states"]) for s in states] == [3, 3]


def test_a_state_whose_records_never_came_is_not_emitted_and_warned_of() -> None:
    run = Run()

    run.feed(own_state(USERS, 1, "p1", 2), part(USERS, 1, "p1"))

    assert run.emitted == []
    assert [line["log"]["level"] for line in run.lines] == ["WARN"]
