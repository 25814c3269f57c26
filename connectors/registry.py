"""The destinations that are installed, found by their entry points. Imports only the one that is asked for."""

from importlib.metadata import entry_points

from connectors.contract import Definition
from dataflow.errors import ConfigError

# A package of another author declares its `DEFINITION` in the same group.
GROUP = "dataflow.destinations"


def definition(name: str) -> Definition:
    """The destination of this name. Raises ConfigError, with the names there are, when there is none."""
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        raise ConfigError(
            f"There is no destination {name!r}.",
            doing="looking for installed destinations",
            remedy=f"Choose from {', '.join(sorted(found))}, or install its package.",
        )
    loaded: Definition = found[name].load()
    return loaded
