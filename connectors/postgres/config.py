"""The options of the Postgres destination: upstream's keys, with their words and bounds. Connects nowhere.

Unknown keys are ignored, as the protocol wants. A key that we know and cannot honour is refused.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from connectors.contract.options import DeletionMode
from connectors.contract.specification import option, specification
from connectors.postgres.jdbc import url_complaints, url_parameters
from connectors.postgres.security import SSL_MODES, SslMode, SslModeName
from connectors.sql import server_options as server
from connectors.sql.ssh_options import Tunnel, tunnel_of


@frozen(kw_only=True)
class PostgresConfig:
    """The options, by upstream's names and with upstream's defaults."""

    host: str = server.host("directory")
    port: int = server.port(5432)
    database: str = server.database("Name of the database.")
    schema: str = field(
        default="public",
        metadata=option(
            "Default Schema",
            "Schema of the tables of streams that name no namespace.",
            group="connection",
            minLength=1,
            examples=["public"],
        ),
    )
    username: str = server.username()
    password: str | None = server.password()
    ssl: bool = server.ssl(default=False)
    ssl_mode: SslMode | None = server.ssl_mode(SSL_MODES)
    jdbc_url_params: str | None = server.url_parameters(
        ". The names are libpq's; the common ones of JDBC are understood.", url_complaints
    )
    cdc_deletion_mode: DeletionMode = server.deletion_mode()
    raw_data_schema: str | None = server.internal("Schema")
    disable_type_dedupe: bool = server.typed_only()
    drop_cascade: bool = field(
        default=False,
        metadata=option(
            "Drop tables with CASCADE",
            "Drop what depends on a table or column that is dropped, such as views. Use with care.",
            group="advanced",
        ),
    )
    unconstrained_number: bool = field(
        default=False,
        metadata=option(
            "Unconstrained numeric columns",
            "Make numeric columns of any precision instead of (38,9).",
            group="advanced",
        ),
    )
    lock_timeout: int = server.lock_timeout("; 0 means no limit.", least=0)
    statement_timeout: int = field(
        default=0,
        metadata=option(
            "Statement timeout",
            "Seconds that a statement may take; 0 means no limit, since the merge of a large table may take long.",
            group="advanced",
            minimum=0,
            maximum=604800,
        ),
    )
    tunnel_method: Tunnel | None = server.tunnel()

    @property
    def internal_schema(self) -> str:
        """The schema of the ledger."""
        return server.internal_of(self.raw_data_schema)

    @property
    def tunnel(self) -> Tunnel | None:
        """The tunnel, if there is to be one."""
        return tunnel_of(self.tunnel_method)


def configure(options: Mapping[str, Any]) -> PostgresConfig:
    """The checked options. Raises ConfigError with every complaint about them, which never shows a value."""
    return server.configured(PostgresConfig, options)


def spec() -> dict[str, Any]:
    """The protocol's ConnectorSpecification, made from PostgresConfig."""
    return specification(
        PostgresConfig,
        "Postgres Destination Spec",
        documentation="https://docs.airbyte.com/integrations/destinations/postgres",
        groups=server.GROUPS,
    )


# -- what libpq is given

_SSL_FILES = {"ca_certificate": "sslrootcert", "client_certificate": "sslcert", "client_key": "sslkey"}
CERTIFICATES = tuple(_SSL_FILES)


def connection_parameters(
    config: PostgresConfig, run: str, certificates: Mapping[str, Path]
) -> dict[str, Any]:
    """The parameters of libpq. `certificates` holds the files written for the SSL mode, by its field names."""
    extra = url_parameters(config.jdbc_url_params or "")
    name = extra.pop("application_name", "dataflow")
    ours = {
        "host": config.host,
        "port": config.port,
        "dbname": config.database,
        "user": config.username,
        "password": config.password,
        "application_name": f"{name} {run}",
        "client_encoding": "utf8",
    }
    keepalives = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}
    files = {_SSL_FILES[name]: str(path) for name, path in certificates.items()}
    given = {"connect_timeout": "30", **keepalives, **extra, **ours, **_ssl(config), **files}
    return {key: value for key, value in given.items() if value is not None}


def _ssl(config: PostgresConfig) -> dict[str, str | None]:
    if not config.ssl:
        return {}
    if config.ssl_mode is None:
        return {"sslmode": str(SslModeName.REQUIRE)}
    return {"sslmode": str(config.ssl_mode.mode), "sslpassword": config.ssl_mode.client_key_password}
