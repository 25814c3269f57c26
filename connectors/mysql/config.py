"""The options of the MySQL destination: upstream's keys, with their words and bounds. Connects nowhere.

Unknown keys are ignored, as the protocol wants. A key that we know and cannot honour is refused.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from connectors.contract.options import DeletionMode
from connectors.contract.specification import specification
from connectors.mysql.security import SSL_MODES, SslMode
from connectors.sql import server_options as server
from connectors.sql.ssh_options import Tunnel, tunnel_of

# JDBC's names of what PyMySQL knows by others; the values are milliseconds.
TIMEOUTS: Mapping[str, str] = {"connectTimeout": "connect_timeout", "socketTimeout": "read_timeout"}
# Milliseconds. A server answers nothing while it waits for a lock or ends a dead run's session.
LEAST_SOCKET_TIMEOUT = 120_000
# Seconds: the longest time that the driver waits, for 0, by which JDBC means no limit.
NO_LIMIT = 31_536_000


def url_parameters(text: str) -> dict[str, int]:
    """The parameters by PyMySQL's names, in seconds. Only for a text of which `_url_complaints` has none."""
    return {
        TIMEOUTS[key]: max(1, int(value) // 1000) if int(value) else NO_LIMIT
        for key, value in server.url_pairs(text)
    }


def _url_complaints(text: str) -> Iterator[str]:
    try:
        given = server.url_pairs(text)
    except ValueError:
        yield "must be of the form key=value&key=value"
        return
    for key, value in given:
        if key not in TIMEOUTS:
            yield f"{key} is not known here: {' and '.join(TIMEOUTS)} are"
        elif not value.isdigit():
            yield f"{key} must be a whole number of milliseconds"
        elif key == "socketTimeout" and 0 < int(value) < LEAST_SOCKET_TIMEOUT:
            yield f"{key} must be 0, for no limit, or at least {LEAST_SOCKET_TIMEOUT} milliseconds"


@frozen(kw_only=True)
class MysqlConfig:
    """The options, by upstream's names and with upstream's defaults."""

    host: str = server.host("path")
    port: int = server.port(3306)
    database: str = server.database(
        "Name of the database, which has the tables of streams that name no namespace."
    )
    username: str = server.username()
    password: str | None = server.password()
    ssl: bool = server.ssl(default=True)
    ssl_mode: SslMode | None = server.ssl_mode(SSL_MODES)
    jdbc_url_params: str | None = server.url_parameters(
        ": connectTimeout and socketTimeout, in milliseconds.", _url_complaints
    )
    cdc_deletion_mode: DeletionMode = server.deletion_mode()
    raw_data_schema: str | None = server.internal("Database")
    disable_type_dedupe: bool = server.typed_only()
    lock_timeout: int = server.lock_timeout(".", least=1)
    tunnel_method: Tunnel | None = server.tunnel()

    @property
    def internal_database(self) -> str:
        """The database of the ledger."""
        return server.internal_of(self.raw_data_schema)

    @property
    def tunnel(self) -> Tunnel | None:
        """The tunnel, if there is to be one."""
        return tunnel_of(self.tunnel_method)


def configure(options: Mapping[str, Any]) -> MysqlConfig:
    """The checked options. Raises ConfigError with every complaint about them, which never shows a value."""
    return server.configured(MysqlConfig, options)


def spec() -> dict[str, Any]:
    """The protocol's ConnectorSpecification, made from MysqlConfig."""
    return specification(
        MysqlConfig,
        "MySQL Destination Spec",
        documentation="https://docs.airbyte.com/integrations/destinations/mysql",
        groups=server.GROUPS,
    )
