"""The strict base of every lifecycle, and the listener that performs what its states ask. Knows no particular life.

A lifecycle only says which state follows which. What a state asks for stands in one table beside the states,
`OPERATIONS`; the `Executor` performs it on entry and raises `succeeded` or `errored`. Nothing happens on an arrow.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from attrs import frozen
from statemachine import State, StateChart

from dataflow.errors import DataflowError
from dataflow.runtime.clock import Clock
from machines.callbacks import AnyLife, callbacks_of
from machines.operations import Answer, Operation

# The final states of every lifecycle, and those of a load that its life has not published.
DONE, FAILED = "done", "failed"
LEFT_OPEN, GIVEN_UP = "left_open", "given_up"
ENDS = (DONE, FAILED, LEFT_OPEN, GIVEN_UP)


class Life(Protocol):
    """The model of a lifecycle: the facts its guards read, and why it failed, if it did."""

    failure: DataflowError | None

    def learn(self, answer: Answer) -> None:
        """Take in what an operation found."""
        ...

    def fail(self, error: DataflowError) -> None:
        """Remember why the life failed; the first reason counts."""
        ...


class Port(Protocol):
    """The performer of a lifecycle's operations."""

    def perform(self, operation: Any, life: Any) -> Answer:
        """Perform one operation, or raise a DataflowError."""
        ...


@frozen(kw_only=True)
class Performed:
    """An operation that a state asked for, and what came of it."""

    operation: Operation
    milliseconds: float
    answer: Answer | None = None
    error: DataflowError | None = None


class Lifecycle(StateChart[Any]):
    """A state machine in which nothing is swallowed, ignored or half done.

    The library's defaults would continue after an exception in an action and ignore unknown events;
    `tests/machines/test_lifecycle.py` holds what we rely on instead.
    """

    catch_errors_as_events = False
    allow_event_without_transition = False
    atomic_configuration_update = True

    OPERATIONS: ClassVar[Mapping[str, Operation]] = {}

    def _register_callbacks(self, listeners: list[object]) -> None:
        """In place of the library's search for them on each machine."""
        self.listening = tuple(listeners)
        if isinstance(self.model, AnyLife):
            super()._register_callbacks(listeners)
        else:
            kinds: tuple[Any, ...] = tuple(map(type, (self, self.model, *listeners)))
            self._callbacks = callbacks_of(*kinds)

    @property
    def callbacks(self) -> Any:
        """The library's table of what it calls on a transition."""
        return self._callbacks

    @property
    def at(self) -> str:
        """The id of the innermost state the machine is in."""
        return leaf(self)


def leaf(machine: StateChart[Any]) -> str:
    """The innermost active state's id; a lifecycle has no parallel states, so there is one."""
    (state,) = (s for s in machine.configuration if not s.is_compound)
    return str(state.id)


class Executor:
    """Performs each entered state's operation through a port, and raises what came of it."""

    def __init__(self, port: Port, clock: Clock) -> None:
        self._port = port
        self.clock = clock
        self.performed: Performed | None = None

    def before_transition(self) -> None:
        """Forget the last operation, so that an arrow into a state without one reports none."""
        self.performed = None

    def on_enter_state(self, target: State, machine: Lifecycle) -> None:
        """Ask the port, and send the answer to the machine once this transition has ended."""
        operation = machine.OPERATIONS.get(target.id)
        if operation is None:
            return
        life: Life = machine.model
        failure = life.failure
        started = self.clock.monotonic()
        try:
            answer = self._port.perform(operation, life)
        except DataflowError as error:
            life.fail(error)
            self.performed = Performed(operation=operation, milliseconds=self._since(started), error=error)
            machine.raise_("errored")
        else:
            life.learn(answer)
            self.performed = Performed(operation=operation, milliseconds=self._since(started), answer=answer)
            # What was found may be a reason to fail: then it is that of the arrow that is taken next.
            machine.raise_("succeeded", reason=None if life.failure is failure else life.failure)

    def _since(self, started: float) -> float:
        return (self.clock.monotonic() - started) * 1000
