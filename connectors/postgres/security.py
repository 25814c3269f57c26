"""The options for the encryption of the way to the server. Connects nowhere."""

from collections.abc import Mapping
from enum import StrEnum

from attrs import field, frozen

from connectors.contract.specification import Variant, option
from connectors.sql import server_options as server


class SslModeName(StrEnum):
    """libpq's sslmode, which has upstream's spelling."""

    DISABLE = "disable"
    ALLOW = "allow"
    PREFER = "prefer"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


@frozen(kw_only=True)
class SslMode:
    """How the connection is encrypted. Certificates and keys are PEM text."""

    mode: SslModeName = field(metadata=option("Mode", "libpq's sslmode."))
    ca_certificate: str | None = server.ca_certificate()
    client_certificate: str | None = server.client_certificate()
    client_key: str | None = server.client_key()
    client_key_password: str | None = server.client_key_password()


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
