"""The options of a database that is a server, in upstream's words: each is the same for every such destination.

A destination declares its options as one class: these by a call each, and its own beside them.
Connects nowhere.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from attrs import AttrsInstance, field, fields_dict

from connectors.contract.options import DeletionMode
from connectors.contract.specification import Variant, option, read, secret
from connectors.sql.ssh_options import TUNNELS, tunnel_of

T = TypeVar("T", bound=AttrsInstance)

DEFAULT_INTERNAL = "airbyte_internal"
GROUPS = {"connection": "Connection", "security": "Security", "advanced": "Advanced"}


# -- where the server is, and who asks


def host(socket: str) -> Any:
    """The server. `socket` says what a path is that stands here."""
    said = f"Hostname of the database, or the {socket} of its Unix socket."
    return field(metadata=option("Host", said, group="connection", minLength=1))


def port(default: int) -> Any:
    """The server's port."""
    said = option(
        "Port",
        "Port of the database.",
        group="connection",
        minimum=1,
        maximum=65535,
        examples=[str(default)],
    )
    return field(default=default, metadata=said)


def database(said: str) -> Any:
    """The database."""
    return field(metadata=option("DB Name", said, group="connection", minLength=1))


def username() -> Any:
    """The user."""
    return field(metadata=option("User", "Username to access the database.", group="connection", minLength=1))


def password() -> Any:
    """The user's password."""
    return secret("Password", "Password of the username.", group="connection")


def url_parameters(said: str, check: Callable[[str], Iterable[str]]) -> Any:
    """Further parameters of the connection, which `url_pairs` reads."""
    words = f"Further connection parameters, as key=value pairs separated by '&'{said}"
    return field(default=None, metadata=option("Connection parameters", words, group="advanced", check=check))


def url_pairs(text: str) -> list[tuple[str, str]]:
    """The parameters in such a text. ValueError if it has another form."""
    stripped = text.strip().lstrip("?")
    return parse_qsl(stripped, keep_blank_values=True, strict_parsing=True) if stripped else []


# -- encryption and tunnel


def ssl(*, default: bool) -> Any:
    """Whether to encrypt."""
    return field(
        default=default, metadata=option("SSL Connection", "Encrypt data using SSL.", group="security")
    )


def ssl_mode(modes: Mapping[StrEnum, Variant]) -> Any:
    """How to encrypt."""
    said = "How to encrypt; has no effect unless SSL is on."
    return field(default=None, metadata=option("SSL modes", said, group="security", variants=modes))


def ca_certificate() -> Any:
    """The authority that an SSL mode trusts."""
    return secret("CA certificate", "CA certificate, PEM.", minLength=1, multiline=True)


def client_certificate() -> Any:
    """The certificate that an SSL mode shows to the server."""
    return secret("Client certificate", "Client certificate, PEM.", minLength=1, multiline=True)


def client_key() -> Any:
    """The key of that certificate."""
    return secret("Client key", "Client key, PEM.", minLength=1, multiline=True)


def client_key_password() -> Any:
    """The password of that key."""
    return secret("Client key password", "Password of an encrypted client key.")


def tunnel() -> Any:
    """The SSH server in between; `tunnel_of` says if there is one."""
    said = "Whether to connect to the database through an SSH server, and how to log in to it."
    return field(default=None, metadata=option("SSH Tunnel Method", said, group="security", variants=TUNNELS))


# -- what becomes of rows


def deletion_mode() -> Any:
    """What a deletion does."""
    said = (
        "Whether a CDC deletion removes the row (hard), or replaces it by the values of the deletion's record, "
        "with its deletion time (soft)."
    )
    return field(default=DeletionMode.HARD, metadata=option("CDC deletion mode", said, group="advanced"))


def internal(place: str) -> Any:
    """The schema, or what stands for one, of the ledger; `internal_of` reads it."""
    said = f"{place} of the ledger and the journal; {DEFAULT_INTERNAL} when it is blank."
    return field(default=None, metadata=option(f"Airbyte Internal {place}", said, group="advanced"))


def internal_of(given: str | None) -> str:
    """The name that the option means."""
    return (given or "").strip() or DEFAULT_INTERNAL


def typed_only() -> Any:
    """Upstream's option to make no typed tables, which is refused."""
    said = "Must be false: this destination makes typed tables only."
    return field(default=False, metadata=option("Raw tables only", said, group="advanced", check=_untyped))


def lock_timeout(said: str, least: int) -> Any:
    """How long to wait for another session. `least` is the lowest value; `said` explains it."""
    words = f"Seconds that a statement waits for another session's lock before the operation is retried{said}"
    return field(
        default=60,
        metadata=option("Lock timeout", words, group="advanced", minimum=least, maximum=86400),
    )


# -- a configuration


def configured(options: type[T], given: Mapping[str, Any]) -> T:
    """The options, which are a class with those of encryption and tunnel. ConfigError as `read` has it."""
    wanted = given.get("ssl")
    encrypted = fields_dict(options)["ssl"].default if wanted is None else wanted
    # Without SSL its mode may say anything, as upstream has it.
    ignored = () if encrypted is True else ("ssl_mode",)
    heeded = {key: value for key, value in given.items() if key not in ignored}
    return read(options, heeded, together=_socket_behind_a_tunnel)


def _untyped(wanted: bool) -> Iterator[str]:  # noqa: FBT001 - an option's value
    if wanted:
        yield "must be false: this destination makes typed tables only"


def _socket_behind_a_tunnel(given: Mapping[str, Any]) -> Iterator[str]:
    if tunnel_of(given.get("tunnel_method")) and given.get("host", "").startswith("/"):
        yield "host: must be a name or an address when an SSH tunnel is used"
