"""The SQLite destination: a file, by the standard library's own database. Its parts meet in `connector`.

What only a sync needs, the driver above all, is imported when one is made: `spec` answers without.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from connectors.sqlite.connector import SqliteConnector
    from dataflow.runtime import Runtime


class SqliteDefinition:
    """The SQLite destination before it is configured."""

    name: ClassVar[str] = "sqlite"
    contract: ClassVar[int] = 3

    def spec(self) -> Mapping[str, Any]:
        """The protocol's ConnectorSpecification."""
        from connectors.sqlite.config import spec

        return spec()

    def connector(self, options: Mapping[str, Any], run: str, runtime: "Runtime") -> "SqliteConnector":
        """A connector for these options. Opens nothing yet; ConfigError when they cannot be used."""
        from connectors.sqlite.config import configure
        from connectors.sqlite.connector import SqliteConnector

        return SqliteConnector(configure(options), runtime)


DEFINITION = SqliteDefinition()
