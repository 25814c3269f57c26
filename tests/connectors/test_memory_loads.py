"""Coordinators of a load that end between two requests: whichever comes next finishes the load, and no row is lost or
there twice. In the classes of databases into which loads are.
"""

from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
from attrs import evolve

from connectors.engine.sync.transactions import Transactions
from connectors.testkit.harness.cuts import Cut, Fault, Interruption
from connectors.testkit.harness.loads import (
    FILES,
    FIRST,
    IN_ORDER,
    LEFT,
    PRIOR,
    LoadStage,
    load_stage,
)
from connectors.testkit.harness.runs import AT_ONCE
from connectors.testkit.harness.theatre import BEYOND
from dataflow.catalog import Strategy
from dataflow.runtime import SYSTEM
from machines.loads import Wish
from machines.operations import Answer, StreamOperation
from machines.parts import Atomic
from machines.stream import StreamLife, stream_lifecycle
from tests.connectors.memory import memory_destination

O = StreamOperation  # noqa: E741 - as in the suites of the kit
# Each operation of a load, with the kind of load in which it is cut.
OPERATIONS = [(O.CLAIM, Strategy.APPEND), (O.OPEN_TEMP, Strategy.APPEND), (O.RESUME_TEMP, Strategy.APPEND)]
OPERATIONS += [(O.MERGE, Strategy.APPEND), (O.MERGE, Strategy.DEDUP), (O.SWAP, Strategy.APPEND_TRUNCATE)]


class Coordinator:
    """A process that opens or adopts the load, has its missing shards written, and publishes it; or gives it up."""

    def __init__(self, stage: LoadStage, wish: Wish = Wish.LOAD, cut: Interruption | None = None) -> None:
        self._stage = stage
        self._wish = wish
        self._cut = cut

    def run(self) -> str:
        """The state in which its life ends."""
        with self._stage.coordinator() as self._run:
            life = self._run.life
            assert life.load is not None
            life.load = evolve(life.load, wish=self._wish)
            machine = stream_lifecycle(life, self, SYSTEM.clock)
            machine.send("start")
            if machine.at == "writing":
                missing = [n for n, rows in enumerate(self._stage.shard_rows()) if rows is None]
                if missing:
                    self._stage.write(*missing)
                machine.send("completed")
            if life.failure is not None:
                raise life.failure
            return machine.at

    def perform(self, operation: StreamOperation, life: StreamLife) -> Answer:
        """As the run does, under the eyes of the interruption."""
        if self._cut is None:
            return self._run.operations.perform(operation, life)
        self._stage.ear.to = self._cut
        try:
            with self._cut.watching(operation):
                return self._run.operations.perform(operation, life)
        finally:
            self._stage.ear.to = None


@pytest.fixture(params=[Atomic.EVERYTHING, Atomic.ROWS])
def stage(request: pytest.FixtureRequest) -> Iterator[LoadStage]:
    with load_stage(memory_destination(request.param)) as stage:
        yield stage


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize(("operation", "strategy"), OPERATIONS)
def test_a_coordinator_may_end_before_or_after_any_request_and_lose_any_answer(
    stage: LoadStage, operation: StreamOperation, strategy: Strategy, fault: Fault
) -> None:
    at, seen = 0, 1
    while at <= seen:
        at += 1
        each = evolve(stage, stream=f"cut_{at}_users", strategy=strategy)
        each.fill()
        if operation is O.RESUME_TEMP:
            each.open()
            each.write(1)
        interruption = Interruption(operation=operation, fault=fault, at=at)

        with suppress(Cut):
            Coordinator(each, cut=interruption).run()
        seen = len(interruption.seen)
        ended = Coordinator(each).run()

        assert (ended, each.rows(), each.files()) == ("done", LEFT[strategy], FILES), f"request {at}"
        assert (each.tables, each.shard_rows()) == ({each.table}, [])
    assert seen > 0


@pytest.mark.parametrize("fault", Fault)
def test_a_load_may_be_given_up_by_however_many_coordinators_it_takes(stage: LoadStage, fault: Fault) -> None:
    at, seen = 0, 1
    while at <= seen:
        at += 1
        each = evolve(stage, stream=f"cut_{at}_users")
        each.fill()
        each.open()
        each.write(0, 2)
        interruption = Interruption(operation=O.DISCARD, fault=fault, at=at)

        with suppress(Cut):
            Coordinator(each, Wish.GIVE_UP, interruption).run()
        seen = len(interruption.seen)
        ended = Coordinator(each, Wish.GIVE_UP).run()

        assert (ended, each.rows(), each.files()) == ("given_up", PRIOR, ())
        assert (each.tables, each.shard_rows()) == ({each.table}, [])
    assert seen > 0


def test_a_shard_that_was_written_before_the_opening_was_answered_stays(stage: LoadStage) -> None:
    """The opening is repeated, and opens no shard once more."""
    unheard = evolve(stage, stream="unheard_users")
    heard = Interruption(operation=O.OPEN_TEMP, fault=Fault.LOST_ANSWER, at=BEYOND)
    Coordinator(unheard, cut=heard).run()
    lost = Interruption(operation=O.OPEN_TEMP, fault=Fault.LOST_ANSWER, at=len(heard.seen))

    def in_between(*_: object) -> None:
        stage.ear.to = None
        stage.write(0)

    transactions = Transactions(stage.connector, AT_ONCE, in_between)
    with closing(transactions.client), stage.coordinator() as run:
        run.do(O.CLAIM, O.INSPECT)
        run.operations.work_by(transactions)
        stage.ear.to = lost
        with lost.watching(O.OPEN_TEMP):
            run.do(O.OPEN_TEMP)

    assert (stage.shard_rows(), stage.waiting()) == ([3, None, None], FIRST)
    assert Coordinator(stage).run() == "done"
    assert stage.rows() == IN_ORDER


def test_a_load_that_was_published_is_done_for_every_later_process(stage: LoadStage) -> None:
    stage.fill()
    Coordinator(stage).run()

    ended = [Coordinator(stage).run(), Coordinator(stage, Wish.GIVE_UP).run()]

    assert (ended, stage.rows()) == (["done", "done"], LEFT[Strategy.APPEND])


def test_each_operation_of_a_coordinator_is_watched(stage: LoadStage) -> None:
    """Without it nothing would be cut above."""
    heard = Interruption(operation=O.OPEN_TEMP, fault=Fault.CUT, at=BEYOND)

    with suppress(Cut):
        Coordinator(stage, cut=heard).run()

    assert heard.struck is not None
