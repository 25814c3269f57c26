"""The MySQL destination: MySQL and MariaDB, by the driver PyMySQL. Its parts meet in `connector`.

What only a sync needs, the driver above all, is imported when one is made: `spec` answers without.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from connectors.mysql.connector import MysqlConnector
    from dataflow.runtime import Runtime


class MysqlDefinition:
    """The MySQL destination before it is configured."""

    name: ClassVar[str] = "mysql"
    contract: ClassVar[int] = 3

    def spec(self) -> Mapping[str, Any]:
        """The protocol's ConnectorSpecification."""
        from connectors.mysql.config import spec

        return spec()

    def connector(self, options: Mapping[str, Any], run: str, runtime: "Runtime") -> "MysqlConnector":
        """A connector for these options. Opens nothing yet; ConfigError when they cannot be used."""
        from connectors.mysql.config import configure
        from connectors.mysql.connector import MysqlConnector

        return MysqlConnector(configure(options), run, runtime)


DEFINITION = MysqlDefinition()
