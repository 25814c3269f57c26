"""The destinations that are installed, ours and others', by the entry points of their packages. Installs nothing.

A package registers its destination in the group `dataflow.destinations`: the name, and where its Definition is.
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points, version
from typing import TYPE_CHECKING, Any, cast

from attrs import field, frozen

from connectors.engine.process.compatibility import ENGINE, does_not_fit, expect_our_contract, is_ours
from dataflow.errors import ConfigError

if TYPE_CHECKING:
    from connectors.contract import Connector, Definition
    from dataflow.runtime import Runtime

GROUP = "dataflow.destinations"
OURS = ("dataflow", "machines", "connectors")


@frozen
class Registered:
    """A destination that is installed, and the package that brought it."""

    name: str
    package: str
    version: str
    _point: EntryPoint = field(eq=False, repr=False)

    def definition(self) -> "Definition":
        """The destination itself; imports its package.

        Raises ConfigError if the package cannot be imported, or if it was written for another contract.
        """
        try:
            definition = cast("Definition", self._point.load())
        except Exception as error:
            raise ConfigError(
                f"The destination {self.name} cannot be imported: {type(error).__name__}: {error}",
                doing=f"importing {self.package} {self.version}",
                remedy=f"Install a release of {self.package} for {ENGINE} {version(ENGINE)}.",
            ) from error
        expect_our_contract(definition)
        return definition


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
            f"The destination {name} is not installed here, only {', '.join(known)}.",
            doing="looking for the destination",
            remedy="Check the name, or install the package that has it.",
        )
    return known[name]


def connector_of(
    definition: "Definition", configuration: Mapping[str, Any], run: str, runtime: "Runtime"
) -> "Connector":
    """A connector for this configuration.

    Raises ConfigError if the configuration cannot be used, if the driver is not installed, and if the destination was
    written for another contract.
    """
    expect_our_contract(definition)
    try:
        return definition.connector(configuration, run, runtime)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in OURS:
            if is_ours(definition):
                raise
            raise does_not_fit(definition, error) from error
        raise ConfigError(
            f"The destination {definition.name} needs the Python package {missing}, which is not installed.",
            doing="importing the database's driver",
            remedy=f"Run: pip install {_what_brings_it(definition)}",
        ) from error


def _what_brings_it(definition: "Definition") -> str:
    """Each connector of ours has an extra of its name; another's package is known by its author only."""
    if is_ours(definition):
        return f"'{ENGINE}[{definition.name}]'"
    return f"it, or what the package of {type(definition).__module__} calls its extra for it."
