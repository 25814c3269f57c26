"""The Postgres destination. Its parts meet in `connector`.

What only a sync needs, the driver above all, is imported when one is made: `spec` answers without.

`connectors.postgres.network` waits with `create_connection` for a peer's answer, for a bounded time.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from connectors.postgres.connector import PostgresConnector
    from dataflow.runtime import Runtime


class PostgresDefinition:
    """The destination before it is configured."""

    name: ClassVar[str] = "postgres"
    contract: ClassVar[int] = 3

    def spec(self) -> Mapping[str, Any]:
        """The protocol's ConnectorSpecification."""
        from connectors.postgres.config import spec

        return spec()

    def connector(self, options: Mapping[str, Any], run: str, runtime: "Runtime") -> "PostgresConnector":
        """A connector for these options. Opens nothing yet; ConfigError when they cannot be used."""
        from connectors.postgres.config import configure
        from connectors.postgres.connector import PostgresConnector

        return PostgresConnector(configure(options), run, runtime)


DEFINITION = PostgresDefinition()
