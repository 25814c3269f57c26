"""What the search supposes is so: its decisions are the machine's, its transactions those of the real operations."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import product
from typing import Any, TypeVar

import pytest
from attrs import fields_dict
from statemachine.exceptions import TransitionNotAllowed

from connectors.contract.ledger import LedgerEntry
from dataflow.catalog import Strategy
from dataflow.errors import TransientError
from dataflow.runtime.clock import SetClock
from machines.lifecycle import Lifecycle, leaf
from machines.operations import Answer, Facts, StreamOperation
from machines.stream import StreamLife, StreamLifecycle, stream_lifecycle
from machines.verify.database import Database, Entry
from machines.verify.decisions import Decisions, Knowledge
from machines.verify.scenarios import FIRST, Sync, scenarios, sync
from machines.verify.search import Search
from machines.verify.transactions import Flush, Operations, Performed, Refused, Wishes
from tests.machines.verify.real_operations import RealOperations

T = TypeVar("T")


class Recorded(Operations):
    """Remembers what was performed on what."""

    def __init__(self) -> None:
        self.performed: set[tuple[StreamOperation, Database, int, Knowledge]] = set()
        self.inserted: set[tuple[Database, int, Knowledge, Flush]] = set()

    def perform(
        self, operation: StreamOperation, database: Database, epoch: int, wishes: Wishes
    ) -> Performed:
        assert isinstance(wishes, Knowledge)
        self.performed.add((operation, database, epoch, wishes))
        return super().perform(operation, database, epoch, wishes)

    def insert(self, database: Database, epoch: int, wishes: Wishes, flush: Flush) -> Database:
        assert isinstance(wishes, Knowledge)
        self.inserted.add((database, epoch, wishes, flush))
        return super().insert(database, epoch, wishes, flush)


class Asked(Decisions):
    """Remembers what was decided."""

    def __init__(self) -> None:
        super().__init__()
        self.decided: dict[tuple[Knowledge, str, str], str] = {}

    def target(self, knowledge: Knowledge, state: str, event: str) -> str:
        target = super().target(knowledge, state, event)
        self.decided[knowledge, state, event] = target
        return target


def searched(operations: Operations, decisions: Decisions) -> None:
    """Go through what one crash can lead to."""
    for scenario in scenarios():
        Search(crashes=1, rivals=0, operations=operations, decisions=decisions).explore(scenario)


def unless_refused(act: Callable[[], T]) -> T | None:
    """What an act of the abstract database brings, None when it is refused: as the real one answers."""
    with suppress(Refused):
        return act()
    return None


def test_the_abstract_ledger_has_the_members_of_the_real_one() -> None:
    # What is published is published in one transaction where everything is: its beginning is never seen.
    left_out = {"table", "stream", "columns", "owner", "temp", "publishing"}

    assert set(fields_dict(Entry)) == set(fields_dict(LedgerEntry)) - left_out


def test_every_operation_of_the_search_leaves_what_the_real_one_leaves() -> None:
    recorded = Recorded()
    searched(recorded, Decisions())

    for operation, database, epoch, knowledge in recorded.performed:
        supposed = unless_refused(partial(Operations().perform, operation, database, epoch, knowledge))
        done = RealOperations(database, epoch, knowledge).perform(operation)
        expected = None if supposed is None else (supposed.databases[-1], supposed.facts, supposed.left)
        assert done == expected, (operation, database, knowledge)
    for database, epoch, knowledge, flush in recorded.inserted:
        expected_rows = unless_refused(partial(Operations().insert, database, epoch, knowledge, flush))
        assert RealOperations(database, epoch, knowledge).insert(flush) == expected_rows
    assert len(recorded.performed) > 1000
    assert len(recorded.inserted) > 1000


STATES = [*StreamLifecycle.OPERATIONS, "idle", "writing", "done", "failed"]
EVENTS = ["start", "succeeded", "flushed", "completed", "ended", "errored"]

# The operations of a life at most, from its claim to its end.
LENGTH = 5


class Trail:
    """A listener that writes down every transition."""

    def __init__(self) -> None:
        self.walked: dict[tuple[str, str], str] = {}
        self._source = ""

    def before_transition(self, machine: Lifecycle) -> None:
        self._source = leaf(machine)

    def after_transition(self, event: Any, machine: Lifecycle) -> None:
        self.walked[self._source, str(event)] = leaf(machine)


class Finding:
    """A port that finds this, and meets an error at one of its operations, counted from 0."""

    def __init__(self, knowledge: Knowledge, failing: int) -> None:
        self._answers = {
            StreamOperation.INSPECT: Answer(facts=knowledge.facts),
            StreamOperation.ABANDON: Answer(left=knowledge.left),
        }
        self._until = failing

    def perform(self, operation: StreamOperation, life: StreamLife) -> Answer:
        self._until -= 1
        if self._until == -1:
            raise TransientError("The server went away.")
        return self._answers.get(operation, Answer())


def walked(known: Knowledge) -> dict[tuple[str, str], str]:
    """Every transition of the real machine, driven from its start, with an error at each of its operations."""
    trail = Trail()
    undisturbed = ((last, LENGTH) for last in ("flushed", "errored"))
    for last, failing in (*product(("completed", "ended"), range(LENGTH + 1)), *undisturbed):
        life = StreamLife(known.sync.stream, known.sync.tables)
        machine = stream_lifecycle(life, Finding(known, failing), SetClock(), trail)
        machine.send("start")
        if machine.at == "writing":
            machine.send(last)
    return trail.walked


def decisions_that_the_machine_does_not_make(every: int) -> list[tuple[Sync, Facts | None, str, str]]:
    """Those of the search, for one of the things that a life may know, that the real machine decides otherwise."""
    asked = Asked()
    searched(Operations(), asked)
    looked_at = set(sorted({known for known, _, _ in asked.decided}, key=repr)[::every])
    walks = {known: walked(known) for known in looked_at}
    return [
        (known.sync, known.facts, state, event)
        for (known, state, event), target in asked.decided.items()
        if known in looked_at and walks[known][state, event] != target
    ]


def test_each_arrow_that_the_table_takes_is_the_one_that_the_class_takes() -> None:
    asked = Asked()
    searched(Operations(), asked)

    for (known, state, event), target in asked.decided.items():
        machine = StreamLifecycle(asked.living(known), start_value=state)
        machine.send(event)
        assert machine.at == target, (known, state, event)
    assert len(asked.decided) > 1000


def test_the_table_has_every_arrow_of_the_class_and_no_other() -> None:
    decisions = Decisions()
    known = decisions.knowledge(sync(Strategy.DEDUP, 2, FIRST))

    for state, event in product(STATES, EVENTS):
        machine = StreamLifecycle(decisions.living(known), start_value=state)
        try:
            machine.send(event)
        except TransitionNotAllowed:
            with pytest.raises(TransitionNotAllowed):
                decisions.target(known, state, event)
        else:
            assert decisions.target(known, state, event) == machine.at


def test_decisions_of_the_search_are_those_that_the_machine_makes_from_its_start() -> None:
    assert decisions_that_the_machine_does_not_make(every=10) == []


@pytest.mark.campaign
def test_every_decision_of_the_search_is_one_that_the_machine_makes_from_its_start() -> None:
    assert decisions_that_the_machine_does_not_make(every=1) == []
