"""The options of the way to the server: how it is encrypted, and the tunnel it may lead through. Connects nowhere."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from connectors.contract.specification import Variant, option


class SslModeName(StrEnum):
    """libpq's sslmode, which has upstream's spelling."""

    DISABLE = "disable"
    ALLOW = "allow"
    PREFER = "prefer"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


class TunnelMethod(StrEnum):
    """How to reach the server."""

    NONE = "NO_TUNNEL"
    SSH_KEY = "SSH_KEY_AUTH"
    SSH_PASSWORD = "SSH_PASSWORD_AUTH"  # noqa: S105 - the name of a method


def secret(title: str, description: str, **more: Any) -> Any:
    """An option that may be missing, and that nobody is shown."""
    said = option(title, description, airbyte_secret=True, **more)
    return field(default=None, repr=False, metadata=said)


def _private_key(text: str) -> Iterator[str]:
    # Only a destination behind a tunnel waits for the library.
    from connectors.postgres.tunnel import key_complaints

    return key_complaints(text)


def _host_key(text: str) -> Iterator[str]:
    from connectors.postgres.tunnel import host_key_complaints

    return host_key_complaints(text)


@frozen(kw_only=True)
class SslMode:
    """How the connection is encrypted. Certificates and keys are PEM text."""

    mode: SslModeName = field(metadata=option("Mode", "libpq's sslmode."))
    ca_certificate: str | None = secret("CA certificate", "CA certificate, PEM.", minLength=1, multiline=True)
    client_certificate: str | None = secret(
        "Client certificate", "Client certificate, PEM.", minLength=1, multiline=True
    )
    client_key: str | None = secret("Client key", "Client key, PEM.", minLength=1, multiline=True)
    client_key_password: str | None = secret("Client key password", "Password of an encrypted client key.")


SSL_MODES: Mapping[StrEnum, Variant] = {
    SslModeName.DISABLE: Variant("disable"),
    SslModeName.ALLOW: Variant("allow"),
    SslModeName.PREFER: Variant("prefer"),
    SslModeName.REQUIRE: Variant("require"),
    SslModeName.VERIFY_CA: Variant("verify-ca", needs=("ca_certificate",), may_have=("client_key_password",)),
    SslModeName.VERIFY_FULL: Variant(
        "verify-full",
        needs=("ca_certificate", "client_certificate", "client_key"),
        may_have=("client_key_password",),
    ),
}


@frozen(kw_only=True)
class Tunnel:
    """The SSH server that the database is reached through, and how to log in there."""

    tunnel_method: TunnelMethod = field(metadata=option("SSH Tunnel Method", "How to reach the server."))
    tunnel_host: str = field(
        default="", metadata=option("SSH Host", "Hostname of the SSH server.", minLength=1)
    )
    tunnel_port: int = field(
        default=22, metadata=option("SSH Port", "Port of the SSH server.", minimum=1, maximum=65535)
    )
    tunnel_user: str = field(
        default="", metadata=option("SSH User", "Username on the SSH server.", minLength=1)
    )
    ssh_key: str | None = secret(
        "SSH Private Key",
        "Private key, in the format of OpenSSH or as PEM, without a passphrase.",
        minLength=1,
        multiline=True,
        check=_private_key,
    )
    tunnel_user_password: str | None = secret("SSH Password", "Password of the SSH user.", minLength=1)
    tunnel_host_key: str | None = field(
        default=None,
        metadata=option(
            "SSH Host Key",
            "Public key of the SSH server, as `ssh-keyscan` prints it. Without it any server that answers is trusted, "
            "as upstream does: then let ssl_mode verify the database.",
            minLength=1,
            check=_host_key,
        ),
    )


_AT = ("tunnel_host", "tunnel_user")
_MAY_SAY = ("tunnel_port", "tunnel_host_key")
TUNNELS: Mapping[StrEnum, Variant] = {
    TunnelMethod.NONE: Variant("No Tunnel"),
    TunnelMethod.SSH_KEY: Variant("SSH Key Authentication", needs=(*_AT, "ssh_key"), may_have=_MAY_SAY),
    TunnelMethod.SSH_PASSWORD: Variant(
        "Password Authentication", needs=(*_AT, "tunnel_user_password"), may_have=_MAY_SAY
    ),
}
