"""The arrows of a machine as a table, read once from its class: which guards are asked in which order, and where each
arrow leads. Walks without the state machine's library, which takes some 80 µs an event.

A test walks the class itself beside the table, over everything that the search asks. Each guard must be an attribute
of the life; arrows do nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping

from attrs import frozen
from statemachine import State
from statemachine.exceptions import TransitionNotAllowed

from machines.lifecycle import Lifecycle


@frozen
class Arrow:
    """An arrow out of a state: it is taken when every guard holds. `target` is an innermost state."""

    guards: tuple[str, ...]
    target: str


class Arrows:
    """The arrows of one machine."""

    def __init__(self, machine: type[Lifecycle]) -> None:
        self._arrows: Mapping[tuple[str, str], tuple[Arrow, ...]] = _read(machine)

    def target(self, life: object, state: str, event: str) -> str:
        """The state that the event leads to. Raises TransitionNotAllowed when no arrow is open."""
        for arrow in self._arrows.get((state, event), ()):
            if all(getattr(life, guard) for guard in arrow.guards):
                return arrow.target
        raise TransitionNotAllowed(None, set())

    @property
    def all_of_them(self) -> Iterator[tuple[str, str, str]]:
        """Each arrow: where it begins, its event, and where it leads."""
        for (state, event), arrows in self._arrows.items():
            yield from ((state, event, each.target) for each in arrows)


def _read(machine: type[Lifecycle]) -> Mapping[tuple[str, str], tuple[Arrow, ...]]:
    table: dict[tuple[str, str], tuple[Arrow, ...]] = {}
    for path in _paths(machine.states):
        # A state's own arrows are asked before those of what it is in.
        for state in reversed(path):
            for transition in state.transitions:
                if event := str(transition.event):
                    at = (str(path[-1].id), event)
                    guards = tuple(str(guard) for guard in transition.cond)
                    arrows = (Arrow(guards, str(_innermost(target).id)) for target in transition.targets)
                    table[at] = (*table.get(at, ()), *arrows)
    return table


def _paths(of: Iterable[State], above: tuple[State, ...] = ()) -> Iterator[tuple[State, ...]]:
    """Each innermost state, after all that it is in."""
    for state in of:
        if state.states:
            yield from _paths(state.states, (*above, state))
        else:
            yield (*above, state)


def _innermost(state: State) -> State:
    """The end of an arrow into the state."""
    return _innermost(next(each for each in state.states if each.initial)) if state.states else state
