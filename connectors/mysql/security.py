"""The options for the encryption of the way to the server, and what the driver is given for them. Connects nowhere."""

import ssl
from collections.abc import Mapping
from contextlib import ExitStack
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from connectors.contract.specification import Variant, option
from connectors.sql import server_options as server
from connectors.sql.pem_files import pem_files
from dataflow.errors import ConfigError


class SslModeName(StrEnum):
    """MySQL's names of them."""

    PREFERRED = "preferred"
    REQUIRED = "required"
    VERIFY_CA = "verify_ca"
    VERIFY_IDENTITY = "verify_identity"


@frozen(kw_only=True)
class SslMode:
    """How the connection is encrypted. Certificates and keys are PEM text."""

    mode: SslModeName = field(metadata=option("Mode", "MySQL's ssl-mode."))
    ca_certificate: str | None = server.ca_certificate()
    client_certificate: str | None = server.client_certificate()
    client_key: str | None = server.client_key()
    client_key_password: str | None = server.client_key_password()


_CLIENT = ("client_certificate", "client_key", "client_key_password")
SSL_MODES: Mapping[StrEnum, Variant] = {
    SslModeName.PREFERRED: Variant("preferred"),
    SslModeName.REQUIRED: Variant("required"),
    SslModeName.VERIFY_CA: Variant("verify_ca", needs=("ca_certificate",), may_have=_CLIENT),
    SslModeName.VERIFY_IDENTITY: Variant("verify_identity", needs=("ca_certificate",), may_have=_CLIENT),
}


class NamedContext(ssl.SSLContext):
    """Checks the server's certificate against one name, whatever address a tunnel leads to."""

    name: str

    def wrap_socket(self, sock: Any, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        return super().wrap_socket(sock, *args, **{**kwargs, "server_hostname": self.name})


def driver_parameters(mode: SslMode | None, host: str, *, wanted: bool) -> dict[str, Any]:
    """PyMySQL's parameters for the server of this name. ConfigError when a certificate or a key cannot be read."""
    if not wanted:
        return {"ssl_disabled": True}
    if mode is None or mode.mode is SslModeName.PREFERRED:
        # The driver encrypts where the server can.
        return {}
    return {"ssl": _context(mode, host)}


def _context(mode: SslMode, host: str) -> ssl.SSLContext:
    # It trusts the given authority alone, not those of the system.
    context = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.name = host
    context.check_hostname = mode.mode is SslModeName.VERIFY_IDENTITY
    if mode.mode is SslModeName.REQUIRED:
        context.verify_mode = ssl.CERT_NONE
    try:
        if mode.ca_certificate:
            context.load_verify_locations(cadata=mode.ca_certificate)
        if mode.client_certificate:
            text = f"{mode.client_certificate}\n{mode.client_key or ''}"
            with ExitStack() as closing:
                file = pem_files({"client": text}, closing)["client"]
                context.load_cert_chain(file, password=mode.client_key_password or "")
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(
            "A certificate or a key of ssl_mode cannot be read.", remedy="Give them as PEM texts."
        ) from error
    return context
