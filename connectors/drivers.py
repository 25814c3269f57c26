"""Makes a connector of its definition, and says what is missing when its driver is not installed. Installs nothing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dataflow.errors import ConfigError

if TYPE_CHECKING:
    from connectors.contract import Connector, Definition
    from dataflow.runtime import Runtime

OURS = ("dataflow", "machines", "connectors")


def connector_of(
    definition: "Definition", configuration: Mapping[str, Any], run: str, runtime: "Runtime"
) -> "Connector":
    """A connector for this configuration; ConfigError when that will not do, or when the driver is not installed."""
    try:
        return definition.connector(configuration, run, runtime)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in OURS:
            raise
        raise ConfigError(
            f"The destination {definition.name} needs the Python package {missing}, which is not installed.",
            doing="importing the database's driver",
            remedy=f"Run: pip install {_what_brings_it(definition)}",
        ) from error


def _what_brings_it(definition: "Definition") -> str:
    """Each connector of ours has an extra of its name; another's package is known by its author only."""
    package = type(definition).__module__
    if package.startswith("connectors."):
        return f"'dataflow-destinations[{definition.name}]'"
    return f"it, or what the package of {package} calls its extra for it."
