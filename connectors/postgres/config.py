"""The options of the Postgres destination: upstream's keys, checked, and the spec made of them. Connects nowhere.

Unknown keys are ignored, as the protocol wants. A key that we know and cannot honour yet is refused. Longer than
most modules: every word of the spec is here, beside the option it is about.
"""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import NoneType
from typing import Any, get_args
from urllib.parse import parse_qsl

import attrs
import cattrs
from attrs import field, frozen
from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo

from dataflow.errors import ConfigError

DEFAULT_INTERNAL_SCHEMA = "airbyte_internal"
REMEDY = "Correct the configuration; `spec` lists the options."


class DeletionMode(StrEnum):
    """What a CDC deletion does to the row."""

    HARD = "Hard delete"
    SOFT = "Soft delete"


class SslModeName(StrEnum):
    """libpq's sslmode, which has upstream's spelling."""

    DISABLE = "disable"
    ALLOW = "allow"
    PREFER = "prefer"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


class TunnelMethod(StrEnum):
    """How the server is reached."""

    NONE = "NO_TUNNEL"
    SSH_KEY = "SSH_KEY_AUTH"
    SSH_PASSWORD = "SSH_PASSWORD_AUTH"  # noqa: S105 - the name of a method


def _option(title: str, description: str, group: str = "advanced", **schema: Any) -> dict[str, Any]:
    """What the spec says of a field, as attrs metadata; the order is the order of the fields."""
    return {"spec": {"title": title, "description": description, "group": group, **schema}}


def _secret(title: str, description: str, *, multiline: bool = False) -> dict[str, Any]:
    extra = {"multiline": True} if multiline else {}
    return _option(title, description, "security", airbyte_secret=True, **extra)


@frozen(kw_only=True)
class SslMode:
    """How the connection is encrypted. Certificates and keys are PEM text."""

    mode: SslModeName
    ca_certificate: str | None = field(
        default=None, repr=False, metadata=_secret("CA certificate", "CA certificate, PEM.", multiline=True)
    )
    client_certificate: str | None = field(
        default=None,
        repr=False,
        metadata=_secret("Client certificate", "Client certificate, PEM.", multiline=True),
    )
    client_key: str | None = field(
        default=None, repr=False, metadata=_secret("Client key", "Client key, PEM.", multiline=True)
    )
    client_key_password: str | None = field(
        default=None,
        repr=False,
        metadata=_secret("Client key password", "Password of an encrypted client key."),
    )


@frozen(kw_only=True)
class Tunnel:
    """How the server is reached; only directly, for now."""

    tunnel_method: TunnelMethod


# A mode's fields, and whether it demands them.
SSL_FIELDS: Mapping[SslModeName, Mapping[str, bool]] = {
    SslModeName.DISABLE: {},
    SslModeName.ALLOW: {},
    SslModeName.PREFER: {},
    SslModeName.REQUIRE: {},
    SslModeName.VERIFY_CA: {"ca_certificate": True, "client_key_password": False},
    SslModeName.VERIFY_FULL: {
        "ca_certificate": True,
        "client_certificate": True,
        "client_key": True,
        "client_key_password": False,
    },
}


@frozen(kw_only=True)
class PostgresConfig:
    """The options, by upstream's names and with upstream's defaults."""

    host: str = field(
        metadata=_option(
            "Host",
            "Hostname of the database, or the directory of its Unix socket.",
            "connection",
            minLength=1,
        ),
    )
    port: int = field(
        default=5432,
        metadata=_option(
            "Port", "Port of the database.", "connection", minimum=1, maximum=65535, examples=["5432"]
        ),
    )
    database: str = field(
        metadata=_option("DB Name", "Name of the database.", "connection", minLength=1),
    )
    schema: str = field(
        default="public",
        metadata=_option(
            "Default Schema",
            "Schema of the tables of streams that name no namespace.",
            "connection",
            minLength=1,
            examples=["public"],
        ),
    )
    username: str = field(
        metadata=_option("User", "Username to access the database.", "connection", minLength=1),
    )
    password: str | None = field(
        default=None,
        repr=False,
        metadata=_option("Password", "Password of the username.", "connection", airbyte_secret=True),
    )
    ssl: bool = field(
        default=False, metadata=_option("SSL Connection", "Encrypt data using SSL.", "security")
    )
    ssl_mode: SslMode | None = field(
        default=None,
        metadata=_option("SSL modes", "How to encrypt; without effect unless SSL is on.", "security"),
    )
    jdbc_url_params: str | None = field(
        default=None,
        metadata=_option(
            "Connection parameters",
            "Further connection parameters, as key=value pairs separated by '&'. The names are libpq's; "
            "the common ones of JDBC are understood.",
        ),
    )
    cdc_deletion_mode: DeletionMode = field(
        default=DeletionMode.HARD,
        metadata=_option(
            "CDC deletion mode",
            "Whether a CDC deletion removes the row (hard) or leaves it with its deletion time (soft).",
        ),
    )
    raw_data_schema: str | None = field(
        default=None,
        metadata=_option(
            "Airbyte Internal Schema", f"Schema of the ledger; {DEFAULT_INTERNAL_SCHEMA} when it is blank."
        ),
    )
    disable_type_dedupe: bool = field(
        default=False,
        metadata=_option("Raw tables only", "Not supported yet: must be false."),
    )
    drop_cascade: bool = field(
        default=False,
        metadata=_option(
            "Drop tables with CASCADE",
            "Drop what depends on a table or column that is dropped, such as views. Use with care.",
        ),
    )
    unconstrained_number: bool = field(
        default=False,
        metadata=_option(
            "Unconstrained numeric columns", "Make numeric columns of any precision instead of (38,9)."
        ),
    )
    lock_timeout: int = field(
        default=60,
        metadata=_option(
            "Lock timeout",
            "How many seconds a statement waits for somebody else's lock before the sync is tried again; 0 is "
            "without end.",
            minimum=0,
            maximum=86400,
        ),
    )
    statement_timeout: int = field(
        default=0,
        metadata=_option(
            "Statement timeout",
            "How many seconds a statement may take; 0 is without end, for a large table's merge may take long.",
            minimum=0,
            maximum=604800,
        ),
    )
    tunnel_method: Tunnel | None = field(
        default=None, metadata=_option("SSH Tunnel Method", "Only NO_TUNNEL is supported yet.", "security")
    )

    @property
    def internal_schema(self) -> str:
        """Where the ledger lives."""
        return (self.raw_data_schema or "").strip() or DEFAULT_INTERNAL_SCHEMA


def configure(options: Mapping[str, Any]) -> PostgresConfig:
    """The checked options. ConfigError names the keys that will not do, and never a value."""
    given = {key: value for key, value in options.items() if value is not None}
    try:
        config = _CONVERTER.structure(given, PostgresConfig)
    except Exception as error:  # noqa: BLE001 - cattrs raises groups of whatever was raised
        # The cause would show the values, a password among them.
        raise _refused("; ".join(cattrs.transform_error(error, format_exception=_complaint))) from None
    _check_bounds(config)
    _refuse_unsupported(config)
    if config.ssl:
        _check_certificates(config.ssl_mode)
    connection_parameters(config, run="check", certificates={})
    return config


def connection_parameters(
    config: PostgresConfig, run: str, certificates: Mapping[str, Path]
) -> dict[str, Any]:
    """What libpq is told. `certificates` holds the files written for the SSL mode, by its field names.

    Raises ConfigError for a parameter that libpq does not know.
    """
    extra = _url_parameters(config.jdbc_url_params or "")
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


def spec() -> dict[str, Any]:
    """The protocol's ConnectorSpecification, made from PostgresConfig."""
    return {
        "documentationUrl": "https://docs.airbyte.com/integrations/destinations/postgres",
        "connectionSpecification": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "Postgres Destination Spec",
            "additionalProperties": True,
            "groups": [{"id": group, "title": title} for group, title in _GROUPS.items()],
            **_object_schema(PostgresConfig),
        },
        "supportsIncremental": True,
        "supported_destination_sync_modes": ["overwrite", "append", "append_dedup"],
    }


# -- reading

_JSON_TYPES: Mapping[type, str] = {str: "string", int: "integer", bool: "boolean"}

_SSL_FILES = {"ca_certificate": "sslrootcert", "client_certificate": "sslcert", "client_key": "sslkey"}
CERTIFICATES = tuple(_SSL_FILES)
# pgjdbc's names of what libpq knows by another name; a connection's identity is not theirs to change.
_JDBC_NAMES = {
    "ApplicationName": "application_name",
    "connectTimeout": "connect_timeout",
    "loginTimeout": "connect_timeout",
    "gssEncMode": "gssencmode",
    "targetServerType": "target_session_attrs",
    "tcpKeepAlive": "keepalives",
}
_JDBC_VALUES = {
    "keepalives": {"true": "1", "false": "0"},
    "target_session_attrs": {"primary": "read-write", "master": "read-write"},
}
_OWN_PARAMETERS = {
    "host": "host",
    "hostaddr": "host",
    "port": "port",
    "dbname": "database",
    "user": "username",
    "password": "password",
    "sslpassword": "ssl_mode.client_key_password",
    "client_encoding": None,
}


def _url_parameters(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text.strip().lstrip("?"), keep_blank_values=True, strict_parsing=bool(text.strip()))
    except ValueError:
        raise _refused("jdbc_url_params: not of the form key=value&key=value") from None
    parameters = {_JDBC_NAMES.get(key, key): value for key, value in pairs}
    for key in parameters.keys() & _OWN_PARAMETERS.keys():
        raise _refused(f"jdbc_url_params: {key} cannot be set here; use {_OWN_PARAMETERS[key] or 'utf8'}")
    for key, value in parameters.items():
        try:
            make_conninfo(**{key: value})
        except ProgrammingError:
            raise _refused(f"jdbc_url_params: {key} is no connection parameter of libpq") from None
    return {key: _JDBC_VALUES.get(key, {}).get(value, value) for key, value in parameters.items()}


def _ssl(config: PostgresConfig) -> dict[str, str | None]:
    if not config.ssl:
        return {}
    if config.ssl_mode is None:
        return {"sslmode": str(SslModeName.REQUIRE)}
    return {"sslmode": str(config.ssl_mode.mode), "sslpassword": config.ssl_mode.client_key_password}


def _check_bounds(config: PostgresConfig) -> None:
    """Hold the values to what the spec says of them."""
    for option in attrs.fields(PostgresConfig):
        said, value = option.metadata["spec"], getattr(config, option.name)
        if "minLength" in said and not value.strip():
            raise _refused(f"{option.name}: may not be blank")
        if "minimum" in said and not said["minimum"] <= value <= said["maximum"]:
            raise _refused(f"{option.name}: must be {said['minimum']} to {said['maximum']}")


def _refuse_unsupported(config: PostgresConfig) -> None:
    if config.tunnel_method and config.tunnel_method.tunnel_method is not TunnelMethod.NONE:
        raise ConfigError(
            "tunnel_method: SSH tunnels are not supported yet.",
            remedy="Choose NO_TUNNEL and give a host that can be reached directly.",
        )
    if config.disable_type_dedupe:
        raise ConfigError(
            "disable_type_dedupe: raw tables are not supported yet.",
            remedy="Set it to false: tables are typed.",
        )


def _check_certificates(ssl_mode: SslMode | None) -> None:
    if ssl_mode is None:
        return
    demanded = [name for name, needed in SSL_FIELDS[ssl_mode.mode].items() if needed]
    missing = [f"ssl_mode.{name}" for name in demanded if not getattr(ssl_mode, name)]
    if missing:
        raise _refused(f"{', '.join(missing)}: required field missing for mode {ssl_mode.mode}")


def _refused(complaint: str) -> ConfigError:
    return ConfigError(
        f"The configuration cannot be used: {complaint.replace(' @ $.', ' @ ')}.", remedy=REMEDY
    )


def _complaint(error: BaseException, wanted: type | None) -> str:
    """The explanation of cattrs, without what a message might quote."""
    if isinstance(error, KeyError):
        return "required field missing"
    if isinstance(wanted, type) and issubclass(wanted, StrEnum):
        return "expected one of " + ", ".join(wanted)
    return f"invalid value, expected {_JSON_TYPES.get(wanted or NoneType, 'something else')}"


def _exactly(value: Any, wanted: type) -> Any:
    # cattrs would make text of a number and a truth of the text "false".
    if issubclass(wanted, StrEnum):
        return wanted(value)
    if type(value) is not wanted:
        raise ValueError
    return value


_CONVERTER = cattrs.Converter()
for _type in _JSON_TYPES:
    _CONVERTER.register_structure_hook(_type, _exactly)


# -- the spec

_GROUPS = {"connection": "Connection", "security": "Security", "advanced": "Advanced"}


def _object_schema(cls: type[attrs.AttrsInstance]) -> dict[str, Any]:
    fields = attrs.fields(attrs.resolve_types(cls))
    return {
        "type": "object",
        "required": [each.name for each in fields if each.default is attrs.NOTHING],
        "properties": {each.name: _property(each) | {"order": order} for order, each in enumerate(fields)},
    }


def _property(option: "attrs.Attribute[Any]") -> dict[str, Any]:
    schema = dict(option.metadata["spec"])
    if option.default is not attrs.NOTHING and option.default is not None:
        schema["default"] = option.default
    declared: Any = option.type
    kind: type = next((each for each in get_args(declared) if each is not NoneType), declared)
    if kind is SslMode:
        return schema | {"type": "object", "oneOf": [_ssl_variant(mode) for mode in SslModeName]}
    if kind is Tunnel:
        none = {"tunnel_method": {"type": "string", "const": str(TunnelMethod.NONE), "order": 0}}
        return schema | {"type": "object", "oneOf": [_variant("No Tunnel", none, ["tunnel_method"])]}
    if issubclass(kind, StrEnum):
        return schema | {"type": "string", "enum": [str(each) for each in kind]}
    return schema | {"type": _JSON_TYPES[kind]}


def _ssl_variant(mode: SslModeName) -> dict[str, Any]:
    declared = attrs.fields_dict(SslMode)
    fields = SSL_FIELDS[mode]
    properties = {"mode": {"type": "string", "const": str(mode), "order": 0}} | {
        name: {"type": "string", "order": order, **declared[name].metadata["spec"]}
        for order, name in enumerate(fields, start=1)
    }
    return _variant(str(mode), properties, ["mode", *(name for name, needed in fields.items() if needed)])


def _variant(title: str, properties: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
    return {"title": title, "type": "object", "required": required, "properties": dict(properties)}
