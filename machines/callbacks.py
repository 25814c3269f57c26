"""What the machine library calls on a transition, found once for a kind of machine and not for each machine.

Calls what the library would: guards, which are properties of a life, and the methods of listeners. To find them takes
longer than most lives do: the library asks of each arrow and state which of its many conventional names each object
has. The answer depends on the types alone. So it is given once, to objects that stand for the life and the listeners of
whatever machine calls.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from inspect import signature
from typing import Any


class AnyLife:
    """Stands for the life of the machine that calls: each of its properties is asked of that machine's life."""

    def __init__(self, kind: type, state: Any) -> None:
        # A machine whose state is known does not begin.
        self.state = state
        self._names = [name for name in _public(kind) if not callable(getattr(kind, name))]

    def __dir__(self) -> Iterable[str]:
        return self._names

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in self._names:
            raise AttributeError(name)

        def ask(machine: Any) -> Any:
            return getattr(machine.model, name)

        ask.__name__ = name
        return ask


class AnyListeners:
    """Stands for the listeners of the machine that calls, in their order."""

    def __init__(self, kinds: Sequence[type]) -> None:
        self._kinds = kinds
        self._names = {name for kind in kinds for name in _public(kind) if callable(getattr(kind, name))}

    def __dir__(self) -> Iterable[str]:
        return self._names

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in self._names:
            raise AttributeError(name)
        wanted = [
            (place, tuple(signature(getattr(kind, name)).parameters)[1:])
            for place, kind in enumerate(self._kinds)
            if hasattr(kind, name)
        ]

        def call(machine: Any, **given: Any) -> None:
            given["machine"] = machine
            for place, names in wanted:
                method = getattr(machine.listening[place], name)
                method(**{each: given[each] for each in names if each in given})

        call.__name__ = name
        return call


@cache
def callbacks_of(machine: Any, life: Any, *listeners: Any) -> Any:
    """The library's table of callbacks for machines of this type, with a life and listeners of these types."""
    standing_in = AnyLife(life, machine.initial_state.value)
    return machine(standing_in, listeners=[AnyListeners(listeners)]).callbacks


def _public(kind: type) -> Iterable[str]:
    return (name for name in dir(kind) if not name.startswith("_"))
