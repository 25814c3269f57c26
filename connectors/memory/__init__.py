"""The memory destination: the smallest correct connector, the one to copy. Its parts meet in `connector`.

What only a sync needs, the driver above all, is imported when one is made: `spec` answers without.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from connectors.memory.connector import MemoryConnector
    from dataflow.runtime import Runtime


class MemoryDefinition:
    """The destination before it is configured."""

    name: ClassVar[str] = "memory"
    contract: ClassVar[int] = 3

    def spec(self) -> Mapping[str, Any]:
        """The protocol's ConnectorSpecification."""
        from connectors.memory.config import spec

        return spec()

    def connector(self, options: Mapping[str, Any], run: str, runtime: "Runtime") -> "MemoryConnector":
        """A connector for these options. Opens nothing yet; ConfigError when they cannot be used."""
        from connectors.memory.config import configure
        from connectors.memory.connector import MemoryConnector

        return MemoryConnector(configure(options), runtime)


DEFINITION = MemoryDefinition()
