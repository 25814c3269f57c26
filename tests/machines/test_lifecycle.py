"""What we rely on in the machine library, against its defaults: nothing is swallowed, ignored or half done."""

from typing import Any

import pytest
from statemachine import State
from statemachine.exceptions import TransitionNotAllowed

from dataflow.errors import DataflowError, TransientError
from dataflow.runtime.clock import SetClock
from machines.lifecycle import Executor, Lifecycle
from machines.operations import Answer, Operation, StreamOperation


class Crash(BaseException):
    """A process that dies: nothing may catch it."""


class Model:
    """A life without facts."""

    def __init__(self) -> None:
        self.failure: DataflowError | None = None
        self.state: Any = None

    def learn(self, answer: Answer) -> None:
        pass

    def fail(self, error: DataflowError) -> None:
        self.failure = error


class Door(Lifecycle):
    """A small life: it opens, or it stays shut."""

    shut = State(initial=True)

    class moving(State.Compound):  # noqa: N801 - a state's id, like its siblings
        opening = State(initial=True)
        wide = State()

    gone = State(final=True)

    OPERATIONS = {"opening": StreamOperation.CLAIM}  # noqa: RUF012 - declared a ClassVar by the base class

    push = shut.to(moving)
    succeeded = moving.opening.to(moving.wide)
    errored = moving.to(gone)
    leave = moving.wide.to(gone)


class Scripted:
    """A port that answers as it was set up, once per operation."""

    def __init__(self, outcome: Answer | BaseException) -> None:
        self._outcome = outcome
        self.asked: list[Operation] = []

    def perform(self, operation: Operation, life: Any) -> Answer:
        self.asked.append(operation)
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome


def door(outcome: Answer | BaseException) -> tuple[Door, Scripted]:
    port = Scripted(outcome)
    return Door(Model(), listeners=[Executor(port, SetClock())]), port


def test_a_state_asks_for_its_operation_on_entry_and_success_leads_on() -> None:
    machine, port = door(Answer())

    machine.send("push")

    assert port.asked == [StreamOperation.CLAIM]
    assert machine.at == "wide"


def test_a_failed_operation_leaves_the_compound_by_its_one_failure_arrow() -> None:
    error = TransientError("The server went away.")
    machine, _ = door(error)

    machine.send("push")

    assert machine.at == "gone"
    assert machine.model.failure is error


def test_two_machines_of_one_kind_keep_to_their_own_lives_and_listeners() -> None:
    well, _ = door(Answer())
    error = TransientError("The server went away.")
    badly, _ = door(error)

    well.send("push")
    badly.send("push")

    assert (well.at, badly.at) == ("wide", "gone")
    assert (well.model.failure, badly.model.failure) == (None, error)


def test_listeners_are_called_in_their_order_with_what_they_ask_for() -> None:
    heard: list[Any] = []

    class First:
        def before_transition(self) -> None:
            heard.append("first")

    class Second:
        def before_transition(self, event: Any, machine: Lifecycle, reason: str = "no reason") -> None:
            heard.append((str(event), machine.at, reason))

    machine = Door(Model(), listeners=[First(), Second()])

    machine.send("push", reason="a knock")

    assert heard == ["first", ("push", "shut", "a knock")]


def test_an_unknown_event_is_refused() -> None:
    machine, _ = door(Answer())

    with pytest.raises(TransitionNotAllowed):
        machine.send("leave")

    assert machine.at == "shut"


def test_an_error_that_is_none_of_ours_reaches_the_caller_and_undoes_the_transition() -> None:
    machine, _ = door(ZeroDivisionError("a defect"))

    with pytest.raises(ZeroDivisionError):
        machine.send("push")

    assert machine.at == "shut"


def test_a_crash_is_caught_by_nothing() -> None:
    machine, _ = door(Crash())

    with pytest.raises(Crash):
        machine.send("push")

    assert machine.model.failure is None
