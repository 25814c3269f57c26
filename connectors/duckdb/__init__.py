"""The DuckDB destination. Its parts meet in `connector`.

What only a sync needs, the driver above all, is imported when one is made: `spec` answers without.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from connectors.duckdb.connector import DuckDbConnector
    from dataflow.runtime import Runtime


class DuckDbDefinition:
    """The destination before it is configured."""

    name: ClassVar[str] = "duckdb"
    contract: ClassVar[int] = 3

    def spec(self) -> Mapping[str, Any]:
        """The protocol's ConnectorSpecification."""
        from connectors.duckdb.config import spec

        return spec()

    def connector(self, options: Mapping[str, Any], run: str, runtime: "Runtime") -> "DuckDbConnector":
        """A connector for these options. Opens nothing yet; ConfigError when they cannot be used."""
        from connectors.duckdb.config import configure
        from connectors.duckdb.connector import DuckDbConnector

        return DuckDbConnector(configure(options), runtime)


DEFINITION = DuckDbDefinition()
