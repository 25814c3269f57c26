"""The options of an SSH tunnel to the database. Opens none."""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from attrs import field, frozen

from connectors.contract.specification import Variant, option, secret


class TunnelMethod(StrEnum):
    """How to reach the server."""

    NONE = "NO_TUNNEL"
    SSH_KEY = "SSH_KEY_AUTH"
    SSH_PASSWORD = "SSH_PASSWORD_AUTH"  # noqa: S105 - the name of a method


def _private_key(text: str) -> Iterator[str]:
    # Only a destination behind a tunnel waits for the library.
    from connectors.sql.ssh_keys import key_complaints

    return key_complaints(text)


def _host_key(text: str) -> Iterator[str]:
    from connectors.sql.ssh_keys import host_key_complaints

    return host_key_complaints(text)


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


def tunnel_of(chosen: Tunnel | None) -> Tunnel | None:
    """The tunnel that an option chooses, if there is to be one."""
    return None if chosen is None or chosen.tunnel_method is TunnelMethod.NONE else chosen
