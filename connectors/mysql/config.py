"""The options of the MySQL destination: upstream's keys, with their words and bounds. Connects nowhere.

Unknown keys are ignored, as the protocol wants. A key that we know and cannot honour is refused.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from attrs import field, frozen

from connectors.contract.options import DeletionMode
from connectors.contract.specification import option, read, secret, specification
from connectors.mysql.security import SSL_MODES, SslMode
from connectors.sql.ssh_options import TUNNELS, Tunnel, TunnelMethod

DEFAULT_INTERNAL_DATABASE = "airbyte_internal"
GROUPS = {"connection": "Connection", "security": "Security", "advanced": "Advanced"}
# JDBC's names of what PyMySQL knows by others; the values are milliseconds.
TIMEOUTS: Mapping[str, str] = {"connectTimeout": "connect_timeout", "socketTimeout": "read_timeout"}


def url_parameters(text: str) -> dict[str, int]:
    """The parameters by PyMySQL's names, in seconds. Only for a text of which `_url_complaints` has none."""
    return {TIMEOUTS[key]: max(1, int(value) // 1000) for key, value in _pairs(text)}


def _pairs(text: str) -> list[tuple[str, str]]:
    stripped = text.strip().lstrip("?")
    return parse_qsl(stripped, keep_blank_values=True, strict_parsing=True) if stripped else []


def _url_complaints(text: str) -> Iterator[str]:
    try:
        given = _pairs(text)
    except ValueError:
        yield "must be of the form key=value&key=value"
        return
    for key, value in given:
        if key not in TIMEOUTS:
            yield f"{key} is not known here: {' and '.join(TIMEOUTS)} are"
        elif not value.isdigit():
            yield f"{key} must be a whole number of milliseconds"


def _untyped(wanted: bool) -> Iterator[str]:  # noqa: FBT001 - an option's value
    if wanted:
        yield "must be false: this destination makes typed tables only"


@frozen(kw_only=True)
class MysqlConfig:
    """The options, by upstream's names and with upstream's defaults."""

    host: str = field(
        metadata=option(
            "Host",
            "Hostname of the database, or the path of its Unix socket.",
            group="connection",
            minLength=1,
        ),
    )
    port: int = field(
        default=3306,
        metadata=option(
            "Port",
            "Port of the database.",
            group="connection",
            minimum=1,
            maximum=65535,
            examples=["3306"],
        ),
    )
    database: str = field(
        metadata=option(
            "DB Name",
            "Name of the database, which has the tables of streams that name no namespace.",
            group="connection",
            minLength=1,
        )
    )
    username: str = field(
        metadata=option("User", "Username to access the database.", group="connection", minLength=1)
    )
    password: str | None = secret("Password", "Password of the username.", group="connection")
    ssl: bool = field(
        default=True,
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
            "Further connection parameters, as key=value pairs separated by '&': connectTimeout and socketTimeout, in "
            "milliseconds.",
            group="advanced",
            check=_url_complaints,
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
            "Airbyte Internal Database",
            f"Database of the ledger and the journal; {DEFAULT_INTERNAL_DATABASE} when it is blank.",
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
    lock_timeout: int = field(
        default=60,
        metadata=option(
            "Lock timeout",
            "Seconds that a statement waits for another session's lock before the operation is retried.",
            group="advanced",
            minimum=1,
            maximum=86400,
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
    def internal_database(self) -> str:
        """The database of the ledger."""
        return (self.raw_data_schema or "").strip() or DEFAULT_INTERNAL_DATABASE

    @property
    def tunnel(self) -> Tunnel | None:
        """The tunnel, if there is to be one."""
        return _tunnel(self.tunnel_method)


def configure(options: Mapping[str, Any]) -> MysqlConfig:
    """The checked options. Raises ConfigError with every complaint about them, which never shows a value."""
    # Without SSL its mode may say anything, as upstream has it.
    ignored = ("ssl_mode",) if options.get("ssl") is False else ()
    given = {key: value for key, value in options.items() if key not in ignored}
    return read(MysqlConfig, given, together=_socket_behind_a_tunnel)


def _socket_behind_a_tunnel(given: Mapping[str, Any]) -> Iterator[str]:
    if _tunnel(given.get("tunnel_method")) and given.get("host", "").startswith("/"):
        yield "host: must be a name or an address when an SSH tunnel is used"


def _tunnel(chosen: Tunnel | None) -> Tunnel | None:
    return None if chosen is None or chosen.tunnel_method is TunnelMethod.NONE else chosen


def spec() -> dict[str, Any]:
    """The protocol's ConnectorSpecification, made from MysqlConfig."""
    return specification(
        MysqlConfig,
        "MySQL Destination Spec",
        documentation="https://docs.airbyte.com/integrations/destinations/mysql",
        groups=GROUPS,
    )
