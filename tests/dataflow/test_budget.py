"""What is held of the input: by whom, at most how much, and that a full budget never ends in waiting for ever."""

import os
import threading
import time
from collections.abc import Iterator
from itertools import cycle

import pytest

from dataflow.budget import HOLDERS, Budget, Holder
from dataflow.errors import InternalError, TransientError
from dataflow.input.lines import chunks
from dataflow.pipeline.states import Miscounts
from dataflow.pipeline.writers import AtOnce
from dataflow.runtime import SYSTEM
from dataflow.types import StreamName
from tests.dataflow.pipeline.test_pipeline import (
    LOG,
    ORDERS,
    USERS,
    Run,
    complete,
    global_state,
    own_state,
    part,
    record,
    state,
    void,
    wait_until,
)

SIZE = 20_000
TIGHT = {"held_bytes": 10 * SIZE, "state_bytes": 5 * SIZE, "chunk_bytes": SIZE}


def large(stream: object, number: int) -> bytes:
    """A STATE of a little more than SIZE bytes."""
    return state(USERS if stream is USERS else ORDERS, f"{number} " + "x" * SIZE)


def numbers(run: Run) -> list[int]:
    """The large STATEs that were emitted, in their order."""
    return [int(text.split()[0]) for text in run.emitted]


def poured(run: Run, lines: list[bytes], gate: threading.Event | None = None) -> int:
    """The most bytes that were held while the input was poured in, half a second of it before a gate opened."""
    with run.open(**TIGHT) as write:
        pouring = threading.Thread(target=lambda: void([write(each) for each in lines]), daemon=True)
        pouring.start()
        if gate is not None:
            time.sleep(0.5)
            gate.set()
        pouring.join(240)
        assert not pouring.is_alive(), "nothing more is read"
    return run.budget.peak


def test_these_hold_what_was_read_and_nobody_else_does() -> None:
    assert [holder.name for holder in HOLDERS] == [
        "READER",
        "INBOX",
        "AGGREGATES",
        "WRITERS",
        "CHECKPOINTS",
        "PARTITIONS",
    ]


def test_after_a_sync_nothing_is_held() -> None:
    run = Run()

    run.feed(
        *(record(USERS, 1), state(USERS, "u1"), complete(USERS)),
        *(part(ORDERS, 1, "a"), own_state(ORDERS, 1, "a", 1), record(ORDERS, 2), complete(ORDERS)),
    )

    assert {holder: run.budget.held(holder) for holder in HOLDERS} == dict.fromkeys(HOLDERS, 0)


def test_input_is_held_while_its_owner_waits_in_the_middle_of_it() -> None:
    run = Run()
    gate = run.sinks[USERS].held_up()
    lines = [record(USERS, 1) + LOG, record(USERS, 2) + LOG, *(record(ORDERS, n) for n in range(20))]

    with run.open(flush_rows=1, parcel_rows=1, unwritten_bytes=1) as write:
        write(b"".join(lines))
        wait_until(lambda: run.budget.held(Holder.WRITERS) > 0)
        rest = run.budget.held(Holder.INBOX)
        gate.set()

    assert rest > 20 * 50
    assert run.budget.held() == 0


def test_input_that_is_given_up_is_not_held() -> None:
    run = Run(miscounts=Miscounts.FAIL)
    wrong = global_state("g1").replace(
        b'"type": "GLOBAL"', b'"sourceStats": {"recordCount": 2}, "type": "GLOBAL"'
    )

    with pytest.raises(InternalError, match="counts 2 records"):
        run.feed(record(USERS, 1), wrong, record(USERS, 2))

    assert run.budget.held() == 0


@pytest.mark.parametrize("error", [None, TransientError("The table is gone.")])
def test_states_that_wait_for_a_slow_destination_stop_the_reading(error: TransientError | None) -> None:
    run = Run()
    run.sinks[USERS].error = error
    gate = run.sinks[USERS].held_up()
    lines = [record(USERS, n) + large(USERS, n) for n in range(200)]

    peak = poured(run, lines, gate)

    assert peak < 20 * SIZE
    assert numbers(run) == ([] if error else list(range(200)))
    assert run.budget.held() == 0


def test_states_of_a_failed_stream_are_counted_and_not_kept() -> None:
    run = Run()
    run.sinks[ORDERS].error = TransientError("The table is gone.")
    lines = [
        record(ORDERS, 0) + LOG,
        *(large(ORDERS, n) for n in range(300)),
        record(USERS, 1),
        complete(USERS),
    ]

    with run.open(**TIGHT, flush_rows=1, parcel_rows=1) as write:
        write(lines[0])
        wait_until(lambda: run.sinks[ORDERS].failure is not None)
        for each in lines[1:]:
            write(each)

    warnings = [line["log"]["message"] for line in run.lines if line["type"] == "LOG"]
    assert run.emitted == []
    assert run.budget.peak < 15 * SIZE
    assert warnings == ["300 STATEs were not emitted: they cover a stream that failed."]
    assert run.log == ["durable users 1", "complete"]


def test_rows_of_a_failed_stream_are_not_kept() -> None:
    run = Run()
    run.sinks[ORDERS].error = TransientError("The table is gone.")

    with run.open(flush_rows=2, parcel_rows=2) as write:
        write(record(ORDERS, 0) + record(ORDERS, 1) + LOG + record(ORDERS, 2) + LOG)
        wait_until(lambda: run.sinks[ORDERS].failure is not None)
        wait_until(lambda: run.budget.held(Holder.AGGREGATES, Holder.WRITERS) == 0)


def test_states_whose_rows_are_in_an_open_batch_have_it_flushed() -> None:
    """The reading waits until they are gone, and no other record would come to fill the batch."""
    run = Run()
    lines = [record(USERS, 0), *(large(USERS, n) for n in range(100))]

    with run.open(**TIGHT, state_latency=1e9, age=1e9) as write:
        for each in lines:
            write(each)

    assert numbers(run) == list(range(100))


def test_global_states_have_the_open_batches_of_all_streams_flushed() -> None:
    run = Run()
    pairs = [record(USERS, n) + record(ORDERS, n) + global_state(f"{n} " + "x" * SIZE) for n in range(100)]

    with run.open(**TIGHT, state_latency=1e9, age=1e9) as write:
        for each in pairs:
            write(each)

    assert numbers(run) == list(range(100))


def test_open_batches_that_fill_the_budget_are_flushed() -> None:
    run = Run()
    lines = [record(USERS, n) * 100 + record(ORDERS, n) * 100 for n in range(100)]

    with run.open(**TIGHT, state_latency=1e9, age=1e9, open_bytes=1 << 30) as write:
        for each in lines:
            write(each)

    assert len(run.sinks[USERS].rows) == len(run.sinks[ORDERS].rows) == 10_000


@pytest.mark.parametrize("writers", [1, 2])
def test_what_is_larger_than_the_budget_passes_alone_and_in_order(writers: int) -> None:
    run = Run(at_once=AtOnce(writers=writers))
    huge = [state(USERS, f"{n} " + "x" * 50 * SIZE) for n in range(5)]
    lines = [record(USERS, n) + record(ORDERS, n) + each + large(ORDERS, n) for n, each in enumerate(huge)]

    with run.open(**TIGHT) as write:
        for each in lines:
            write(each)

    users = [int(text.split()[0]) for text in run.emitted if len(text) > 40 * SIZE]
    assert users == list(range(5))
    assert len(run.emitted) == 10
    assert run.budget.peak < 200 * SIZE


@pytest.mark.parametrize(
    "publications",
    [[{USERS}], [{USERS}, *[set[StreamName]()] * 99], [{USERS}, {ORDERS}]],
    ids=["all for one", "the others behind the first", "in turn for two"],
)
def test_states_that_wait_for_a_publication_never_stop_the_reading(
    publications: list[set[StreamName]],
) -> None:
    """The publication waits for what is still to be read."""
    waited_for = cycle(publications)
    run = Run(waits_for=lambda _: next(waited_for))
    pairs = [record(USERS, n) + global_state(f"{n} " + "x" * SIZE) for n in range(100)]

    poured(run, [*pairs, complete(ORDERS), complete(USERS)])

    assert numbers(run)[-1] == 99
    assert run.log.index("complete") < run.log.index(f"told {run.emitted[-1]}")
    assert run.budget.peak < 20 * SIZE
    assert run.budget.held() == 0


def test_a_state_larger_than_the_budget_that_waits_for_a_publication_does_not_stop_the_reading() -> None:
    run = Run(waits_for=lambda _: {USERS})
    huge = global_state("0 " + "x" * 15 * SIZE)

    poured(run, [record(USERS, 0), huge, *(record(USERS, n) for n in range(1, 2000)), complete(USERS)])

    assert numbers(run) == [0]
    assert run.sinks[USERS].rows == list(range(2000))
    assert run.budget.held() == 0


def test_states_that_wait_for_different_reasons_do_not_stop_the_reading_together() -> None:
    run = Run(waits_for=lambda state: {ORDERS} if state.stream == ORDERS else ())
    for_records = [own_state(USERS, n, f"p{n}" + "x" * SIZE, 0) for n in range(4, 1, -1)]
    for_publication = large(ORDERS, 0).replace(b"x" * SIZE, b"x" * 8 * SIZE)

    rest = [*(record(ORDERS, n) for n in range(2000)), complete(ORDERS), own_state(USERS, 1, "p1", 0)]

    poured(run, [*for_records, for_publication, *rest])

    assert [text.split(" x")[0] for text in run.emitted] == ["0", "users 1", "users 2", "users 3", "users 4"]
    assert run.budget.held() == 0


def test_states_that_wait_for_records_that_do_not_come_are_refused_before_they_fill_the_memory() -> None:
    run = Run()
    waiting = [own_state(USERS, n, f"p{n}" + "x" * SIZE, 1) for n in range(2, 25)]

    with pytest.raises(InternalError, match="STATEs wait for records of the partitions"):
        run.feed(record(USERS, 1), state(ORDERS, "o1"), *waiting, **TIGHT)

    assert run.emitted == ["o1"]
    assert run.budget.peak < 20 * SIZE


def test_partitions_are_forgotten_with_their_states() -> None:
    run = Run()
    lines = [part(USERS, n, f"p{n}") + own_state(USERS, n + 1, f"p{n}", 1) for n in range(2000)]

    run.feed(*lines, **TIGHT)

    assert len(run.emitted) == 2000


def test_what_a_long_line_took_of_the_memory_is_given_back() -> None:
    budget = Budget(1 << 30, SYSTEM.threads)
    lines = [b"a\n" * 50, b"x" * 100_000 + b"\n", *([b"b\n" * 500] * 20)]

    held = [(len(chunk), budget.held(Holder.READER) - len(chunk)) for chunk in read(lines, 1000, budget)]

    assert 100_001 <= max(size for size, _ in held) < 115_000
    assert {space for _, space in held} == {1000}
    assert budget.peak < 2.4 * 100_000
    assert budget.held() == 0


def read(lines: list[bytes], chunk_bytes: int, budget: Budget) -> Iterator[bytes]:
    source, into = os.pipe()

    def pour() -> None:
        with os.fdopen(into, "wb") as file:
            file.writelines(lines)

    threading.Thread(target=pour).start()
    yield from chunks(source, chunk_bytes, budget, SYSTEM)
    os.close(source)
