"""The destinations that are installed, ours and others', by the entry points of their packages. Imports none itself.

A package registers its destination in the group `dataflow.destinations`: the name, and where its Definition is.
"""

from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from attrs import field, frozen

from connectors.contract import Definition
from dataflow.errors import ConfigError

GROUP = "dataflow.destinations"


@frozen
class Registered:
    """A destination that is installed, and the package that brought it."""

    name: str
    package: str
    version: str
    _point: EntryPoint = field(eq=False, repr=False)

    def definition(self) -> Definition:
        """The destination itself; imports its package."""
        return cast("Definition", self._point.load())


def registered() -> Sequence[Registered]:
    """All of them, by name."""
    points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return [
        Registered(point.name, point.dist.name, point.dist.version, point)
        for point in points
        if point.dist is not None
    ]


def find(name: str) -> Registered:
    """The destination of that name; ConfigError names those there are."""
    known = {each.name: each for each in registered()}
    if name not in known:
        raise ConfigError(
            f"There is no destination {name} here, only {', '.join(known)}.",
            doing="looking for the destination",
            remedy="Check the name, or install the package that has it.",
        )
    return known[name]
