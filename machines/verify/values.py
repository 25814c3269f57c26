"""Values that are made once: two that are equal are one object. A search compares and hashes them by the million.

An attrs class with `metaclass=Interned` and `eq=False` returns the object it made before for the same members, so
comparing two is comparing addresses. Its members must be hashable themselves.
"""

from operator import attrgetter
from typing import Any, TypeVar

from attrs import fields

T = TypeVar("T")


class Interned(type):
    """The class of classes whose equal values are one object."""

    _made: dict[tuple[Any, ...], Any]
    # How many members there are; not known before the class is complete.
    _size: int
    _defaults: dict[str, Any]
    _places: dict[str, int]
    _members: Any

    def __init__(cls, name: str, bases: tuple[type, ...], members: dict[str, Any]) -> None:
        super().__init__(name, bases, members)
        cls._made, cls._size = {}, -1

    def __call__(cls, *given: Any, **named: Any) -> Any:
        """The value with these members: a new one, or the one that was made before."""
        if named or len(given) != cls._size:
            given = cls._complete(given, named)
        made = cls._made.get(given)
        if made is None:
            made = cls._made[given] = super().__call__(*given)
        return made

    def evolved(cls, value: Any, changed: dict[str, Any]) -> Any:
        """The value with other members."""
        members = list(cls._members(value))
        for name, member in changed.items():
            members[cls._places[name]] = member
        return cls(*members)

    def _complete(cls, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """All members, in their order. The first call reads from the class what they are."""
        if cls._size < 0:
            cls._defaults = {each.name: each.default for each in fields(cls)}  # type: ignore[arg-type]
            cls._members, cls._size = attrgetter(*cls._defaults), len(cls._defaults)
            cls._places = {name: at for at, name in enumerate(cls._defaults)}
        places = dict(zip(cls._defaults, given, strict=False))
        return tuple((cls._defaults | places | named).values())


def evolve(value: T, **changed: Any) -> T:
    """The value with other members."""
    return type(value).evolved(value, changed)  # type: ignore[attr-defined,no-any-return]
