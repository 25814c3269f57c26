"""The options of the Postgres destination: upstream's keys, with their words and bounds. Connects nowhere.

Unknown keys are ignored, as the protocol wants. A key that we know and cannot honour is refused.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from connectors.contract.options import DeletionMode
from connectors.contract.specification import option, read, secret, specification
from connectors.postgres.jdbc import url_complaints, url_parameters
from connectors.postgres.security import SSL_MODES, SslMode, SslModeName
from connectors.sql.ssh_options import TUNNELS, Tunnel, TunnelMethod

DEFAULT_INTERNAL_SCHEMA = "airbyte_internal"
GROUPS = {"connection": "Connection", "security": "Security", "advanced": "Advanced"}


def _untyped(wanted: bool) -> Iterator[str]:  # noqa: FBT001 - an option's value
    if wanted:
        yield "must be false: this destination makes typed tables only"


@frozen(kw_only=True)
class PostgresConfig:
    """The options, by upstream's names and with upstream's defaults."""

    host: str = field(
        metadata=option(
            "Host",
            "Hostname of the database, or the directory of its Unix socket.",
            group="connection",
            minLength=1,
        ),
    )
    port: int = field(
        default=5432,
        metadata=option(
            "Port",
            "Port of the database.",
            group="connection",
            minimum=1,
            maximum=65535,
            examples=["5432"],
        ),
    )
    database: str = field(
        metadata=option("DB Name", "Name of the database.", group="connection", minLength=1)
    )
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
    username: str = field(
        metadata=option("User", "Username to access the database.", group="connection", minLength=1)
    )
    password: str | None = secret("Password", "Password of the username.", group="connection")
    ssl: bool = field(
        default=False,
        metadata=option("SSL Connection", "Encrypt data using SSL.", group="security"),
    )
    ssl_mode: SslMode | None = field(
        default=None,
        metadata=option(
            "SSL modes",
            "How to encrypt; has no effect unless SSL is on.",
            group="security",
            variants=SSL_MODES,
        ),
    )
    jdbc_url_params: str | None = field(
        default=None,
        metadata=option(
            "Connection parameters",
            "Further connection parameters, as key=value pairs separated by '&'. The names are libpq's; the common "
            "ones of JDBC are understood.",
            group="advanced",
            check=url_complaints,
        ),
    )
    cdc_deletion_mode: DeletionMode = field(
        default=DeletionMode.HARD,
        metadata=option(
            "CDC deletion mode",
            "Whether a CDC deletion removes the row (hard), or replaces it by the values of the deletion's record, "
            "with its deletion time (soft).",
            group="advanced",
        ),
    )
    raw_data_schema: str | None = field(
        default=None,
        metadata=option(
            "Airbyte Internal Schema",
            f"Schema of the ledger and the journal; {DEFAULT_INTERNAL_SCHEMA} when it is blank.",
            group="advanced",
        ),
    )
    disable_type_dedupe: bool = field(
        default=False,
        metadata=option(
            "Raw tables only",
            "Must be false: this destination makes typed tables only.",
            group="advanced",
            check=_untyped,
        ),
    )
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
    lock_timeout: int = field(
        default=60,
        metadata=option(
            "Lock timeout",
            "Seconds that a statement waits for another session's lock before the operation is retried; 0 means no "
            "limit.",
            group="advanced",
            minimum=0,
            maximum=86400,
        ),
    )
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
    tunnel_method: Tunnel | None = field(
        default=None,
        metadata=option(
            "SSH Tunnel Method",
            "Whether to connect to the database through an SSH server, and how to log in to it.",
            group="security",
            variants=TUNNELS,
        ),
    )

    @property
    def internal_schema(self) -> str:
        """The schema of the ledger."""
        return (self.raw_data_schema or "").strip() or DEFAULT_INTERNAL_SCHEMA

    @property
    def tunnel(self) -> Tunnel | None:
        """The tunnel, if there is to be one."""
        return _tunnel(self.tunnel_method)


def configure(options: Mapping[str, Any]) -> PostgresConfig:
    """The checked options. Raises ConfigError with every complaint about them, which never shows a value."""
    # Without SSL its mode may say anything, as upstream has it.
    ignored = () if options.get("ssl") is True else ("ssl_mode",)
    given = {key: value for key, value in options.items() if key not in ignored}
    return read(PostgresConfig, given, together=_socket_behind_a_tunnel)


def _socket_behind_a_tunnel(given: Mapping[str, Any]) -> Iterator[str]:
    if _tunnel(given.get("tunnel_method")) and given.get("host", "").startswith("/"):
        yield "host: must be a name or an address when an SSH tunnel is used"


def _tunnel(chosen: Tunnel | None) -> Tunnel | None:
    return None if chosen is None or chosen.tunnel_method is TunnelMethod.NONE else chosen


def spec() -> dict[str, Any]:
    """The protocol's ConnectorSpecification, made from PostgresConfig."""
    return specification(
        PostgresConfig,
        "Postgres Destination Spec",
        documentation="https://docs.airbyte.com/integrations/destinations/postgres",
        groups=GROUPS,
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
