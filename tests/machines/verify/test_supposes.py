"""What the search supposes is so: its decisions are the machine's, its transactions those of the real operations."""

from itertools import product
from typing import Any, TypeVar

import pytest
from attrs import fields_dict
from statemachine.exceptions import TransitionNotAllowed

from connectors.contract.ledger import LedgerEntry
from dataflow.catalog import Strategy
from dataflow.errors import TransientError
from dataflow.runtime.clock import SetClock
from machines.lifecycle import ENDS, Lifecycle, leaf
from machines.operations import Answer, Facts, StreamOperation
from machines.parts import Atomic
from machines.stream import StreamLife, StreamLifecycle, stream_lifecycle
from machines.verify.database import Database, Entry
from machines.verify.decisions import Decisions, Knowledge
from machines.verify.requests import Refused, Request
from machines.verify.scenarios import FIRST, Sync, scenarios, sync
from machines.verify.search import Search
from machines.verify.transactions import Commit, Operations
from tests.machines.verify.real_operations import RealOperations

T = TypeVar("T")


class Recorded(Operations):
    """Remembers what was asked of it, and of which database."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[tuple[Request, Database]] = set()

    def next(self, request: Request, database: Database, done: int = 0) -> Commit:
        self.asked.add((request, database))
        return super().next(request, database, done)


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


def test_the_abstract_ledger_has_the_members_of_the_real_one() -> None:
    left_out = {"table", "stream", "columns", "owner", "temp"}

    assert set(fields_dict(Entry)) == set(fields_dict(LedgerEntry)) - left_out


def supposed(operations: Operations, request: Request, database: Database) -> Any:
    """What a request leaves and finds on the abstract database, None when it is refused."""
    try:
        left = operations.parts.folded(operations.perform(request, database))
    except Refused:
        return None
    if request.flush is not None:
        return left
    facts = operations.facts(left, request.wishes) if request.operation == StreamOperation.INSPECT else None
    found = operations.left(left) if request.operation == StreamOperation.ABANDON else None
    return left, facts, found


def done(request: Request, database: Database) -> Any:
    """The same for real."""
    real = RealOperations(database, request.epoch, request.wishes)
    if request.flush is not None:
        return real.insert(request.flush)
    return real.perform(StreamOperation(request.operation))


def test_every_operation_of_the_search_leaves_what_the_real_one_leaves() -> None:
    recorded, operations = Recorded(), Operations()
    searched(recorded, Decisions())

    asked = [each for each in recorded.asked if each[0].operation != StreamOperation.CLAIM]
    for request, database in asked:
        assert done(request, database) == supposed(operations, request, database), (request, database)
    assert sum(request.flush is not None for request, _ in asked) > 1000
    assert sum(request.flush is None for request, _ in asked) > 1000


STATES = [*StreamLifecycle.OPERATIONS, "idle", "writing", *ENDS]
EVENTS = ["start", "succeeded", "flushed", "completed", "handed_over", "ended", "errored"]

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
        life = StreamLife(known.sync.stream, known.sync.tables, atomic=Atomic.EVERYTHING)
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
