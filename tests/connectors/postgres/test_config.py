"""The options: upstream's keys and defaults, complaints that name the key, and the spec made of the class."""

import stat
from pathlib import Path
from typing import Any

import asyncssh
import attrs
import pytest
from psycopg.conninfo import make_conninfo

from connectors.contract.options import DeletionMode
from connectors.postgres import DEFINITION
from connectors.postgres.config import (
    PostgresConfig,
    configure,
    connection_parameters,
    spec,
)
from connectors.postgres.security import SslMode, SslModeName
from dataflow.errors import ConfigError
from dataflow.runtime import SYSTEM

LEAST: dict[str, Any] = {"host": "db.example", "database": "warehouse", "username": "loader"}
VERIFY = {
    "mode": "verify-full",
    "ca_certificate": "the authority",
    "client_certificate": "the client",
    "client_key": "the key",
    "client_key_password": "the key's password",
}
KEY = asyncssh.generate_private_key("ssh-ed25519")
ENCRYPTED = KEY.export_private_key("pkcs8-pem", passphrase="hidden").decode()
HOST_KEY = KEY.export_public_key().decode().strip()
BASTION = {"tunnel_host": "bastion.example", "tunnel_user": "guest"}
BY_KEY = {**BASTION, "tunnel_method": "SSH_KEY_AUTH", "ssh_key": KEY.export_private_key().decode()}
BY_PASSWORD = {**BASTION, "tunnel_method": "SSH_PASSWORD_AUTH", "tunnel_user_password": "open sesame"}


def parameters(**options: Any) -> dict[str, Any]:
    return connection_parameters(configure(LEAST | options), "run-1", {})


def test_the_defaults_are_upstreams() -> None:
    config = configure(LEAST)

    assert config == PostgresConfig(
        host="db.example",
        database="warehouse",
        username="loader",
        port=5432,
        schema="public",
        password=None,
        ssl=False,
        cdc_deletion_mode=DeletionMode.HARD,
        drop_cascade=False,
        unconstrained_number=False,
        disable_type_dedupe=False,
    )
    assert config.internal_schema == "airbyte_internal"


def test_null_is_as_good_as_absent_and_unknown_keys_are_ignored() -> None:
    given = LEAST | {"port": None, "ssl_mode": None, "tunnel_method": None, "something_new": {"a": 1}}

    assert configure(given) == configure(LEAST)


@pytest.mark.parametrize("name", ["", "   ", None])
def test_a_blank_internal_schema_is_the_default_one(name: str | None) -> None:
    assert configure(LEAST | {"raw_data_schema": name}).internal_schema == "airbyte_internal"


def test_no_tunnel_may_be_said_aloud() -> None:
    configure(LEAST | {"tunnel_method": {"tunnel_method": "NO_TUNNEL"}})


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"host": None}, "host: is required"),
        ({"host": ""}, "host: may not be blank"),
        ({"port": "5432"}, "port: must be a whole number"),
        ({"port": 0}, "port: must be 1 to 65535"),
        ({"port": 65536}, "port: must be 1 to 65535"),
        ({"port": True}, "port: must be a whole number"),
        ({"ssl": "false"}, "ssl: must be true or false"),
        ({"password": 12345}, "password: must be a text"),
        ({"cdc_deletion_mode": "hidden"}, "cdc_deletion_mode: must be one of Hard delete, Soft delete"),
        ({"cdc_deletion_mode": ["hidden"]}, "cdc_deletion_mode: must be one of"),
        ({"ssl": True, "ssl_mode": "hidden"}, "ssl_mode: must be an object"),
        ({"ssl": True, "ssl_mode": {"mode": "hidden"}}, "ssl_mode.mode: must be one of disable, allow"),
        ({"ssl": True, "ssl_mode": {}}, "ssl_mode.mode: is required"),
        ({"ssl": True, "ssl_mode": {"mode": "verify-ca"}}, "ssl_mode.ca_certificate: is required"),
        ({"ssl": True, "ssl_mode": {**VERIFY, "client_key": ""}}, "ssl_mode.client_key: may not be blank"),
        ({"tunnel_method": {"tunnel_method": "hidden"}}, "tunnel_method.tunnel_method: must be one of"),
        ({"tunnel_method": BY_PASSWORD | {"tunnel_host": None}}, "tunnel_method.tunnel_host: is required"),
        ({"tunnel_method": BY_PASSWORD | {"tunnel_port": 0}}, "tunnel_method.tunnel_port: must be 1 to"),
        (
            {"tunnel_method": BY_PASSWORD | {"tunnel_host_key": "hidden"}},
            "tunnel_host_key: must be a public key",
        ),
        ({"tunnel_method": BY_KEY | {"ssh_key": "hidden"}}, "tunnel_method.ssh_key: must be a private key"),
        ({"tunnel_method": BY_KEY | {"ssh_key": ENCRYPTED}}, "ssh_key: must be without a passphrase"),
        ({"tunnel_method": BY_KEY | {"ssh_key": None}}, "tunnel_method.ssh_key: is required"),
        ({"tunnel_method": BY_PASSWORD, "host": "/run/hidden"}, "host: must be a name or an address"),
        (
            {"tunnel_method": BY_PASSWORD, "host": "/run/hidden", "port": 0},
            "host: must be a name or an address",
        ),
        (
            {"tunnel_method": BY_PASSWORD, "host": 5, "port": 0},
            "host: must be a text; port: must be 1 to 65535.",
        ),
        ({"disable_type_dedupe": True}, "disable_type_dedupe: must be false"),
        ({"jdbc_url_params": "hidden"}, "jdbc_url_params: must be of the form"),
        ({"jdbc_url_params": "reWriteBatchedInserts=hidden"}, "jdbc_url_params: reWriteBatchedInserts is no"),
        ({"jdbc_url_params": "connect_timeout=hidden"}, "connect_timeout must be a whole number"),
        ({"jdbc_url_params": "tcpKeepAlive=hidden"}, "keepalives must be a whole number"),
        (
            {"jdbc_url_params": "password=hidden"},
            "jdbc_url_params: password cannot be set here: use password",
        ),
    ],
)
def test_a_complaint_names_the_key_and_shows_no_value(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configure(LEAST | {"password": "hidden too"} | options)

    assert complaint in caught.value.message
    assert caught.value.remedy
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_every_complaint_is_reported_at_once() -> None:
    wrong = {
        "port": 0,
        "ssl": True,
        "ssl_mode": {"mode": "verify-full", "client_key": ""},
        "tunnel_method": {"tunnel_method": "SSH_KEY_AUTH"},
        "jdbc_url_params": "user=a&colour=red",
    }
    with pytest.raises(ConfigError) as caught:
        configure(wrong)

    told = caught.value.message.removeprefix("The configuration cannot be used: ").removesuffix(".")
    assert told.split("; ") == [
        "host: is required",
        "port: must be 1 to 65535",
        "database: is required",
        "username: is required",
        "ssl_mode.ca_certificate: is required",
        "ssl_mode.client_certificate: is required",
        "ssl_mode.client_key: may not be blank",
        "jdbc_url_params: user cannot be set here: use username",
        "jdbc_url_params: colour is not a connection parameter of libpq",
        "tunnel_method.tunnel_host: is required",
        "tunnel_method.tunnel_user: is required",
        "tunnel_method.ssh_key: is required",
    ]


def test_what_a_choice_does_not_have_is_ignored() -> None:
    given = {"mode": "require", "ca_certificate": "the authority", "colour": "red"}

    ssl_mode = configure(LEAST | {"ssl": True, "ssl_mode": given}).ssl_mode

    assert ssl_mode == SslMode(mode=SslModeName.REQUIRE)


@pytest.mark.parametrize("ssl_mode", [VERIFY, {"mode": "no such mode"}, {"mode": "verify-ca"}, "nothing"])
def test_without_ssl_its_mode_is_ignored(ssl_mode: Any) -> None:
    assert configure(LEAST | {"ssl": False, "ssl_mode": ssl_mode}) == configure(LEAST)


@pytest.mark.parametrize("tunnel", ["BY_KEY", "BY_PASSWORD"])
def test_a_tunnel_is_read_with_its_port_and_host_key(tunnel: str) -> None:
    given = globals()[tunnel] | {
        "tunnel_port": 2222,
        "tunnel_host_key": f"bastion.example {HOST_KEY} since 2025",
    }

    read = configure(LEAST | {"tunnel_method": given}).tunnel

    assert read is not None
    assert (read.tunnel_host, read.tunnel_user, read.tunnel_port) == ("bastion.example", "guest", 2222)
    assert (read.ssh_key, read.tunnel_user_password) == (
        given.get("ssh_key"),
        given.get("tunnel_user_password"),
    )


def test_secrets_are_not_shown() -> None:
    config = configure(LEAST | {"password": "hidden", "ssl": True, "ssl_mode": VERIFY})

    tunnel = configure(LEAST | {"tunnel_method": BY_PASSWORD}).tunnel
    assert "hidden" not in repr(config)
    assert "the key" not in repr(config)
    assert "open sesame" not in repr(tunnel)


def test_libpq_is_given_our_name_and_is_kept_from_waiting_for_ever() -> None:
    told = parameters(password="p")

    assert told == {
        "host": "db.example",
        "port": 5432,
        "dbname": "warehouse",
        "user": "loader",
        "password": "p",
        "application_name": "dataflow run-1",
        "client_encoding": "utf8",
        "connect_timeout": "30",
        "keepalives_idle": "30",
        "keepalives_interval": "10",
        "keepalives_count": "3",
    }
    assert make_conninfo(**told)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("connect_timeout=5", {"connect_timeout": "5"}),
        ("connectTimeout=5&tcpKeepAlive=true", {"connect_timeout": "5", "keepalives": "1"}),
        ("?ApplicationName=nightly%20load", {"application_name": "nightly load run-1"}),
        ("options=-c%20role%3Dx", {"options": "-c role=x"}),
        ("targetServerType=primary", {"target_session_attrs": "read-write"}),
        ("sslmode=disable", {"sslmode": "disable"}),
        ("  ", {}),
    ],
)
def test_connection_parameters_are_passed_on_by_libpqs_names(text: str, expected: dict[str, str]) -> None:
    assert parameters(jdbc_url_params=text) == parameters() | expected


@pytest.mark.parametrize(
    ("options", "sslmode"),
    [
        ({}, None),
        ({"ssl_mode": {"mode": "require"}}, None),
        ({"ssl": True}, "require"),
        *(({"ssl": True, "ssl_mode": {"mode": str(mode)}}, str(mode)) for mode in list(SslModeName)[:4]),
        ({"ssl": True, "ssl_mode": VERIFY, "jdbc_url_params": "sslmode=disable"}, "verify-full"),
    ],
)
def test_ssl_is_what_the_mode_says_when_it_is_on(options: dict[str, Any], sslmode: str | None) -> None:
    assert parameters(**options).get("sslmode") == sslmode


def test_certificates_are_files_that_only_we_can_read_and_that_go_with_the_connector() -> None:
    connector = DEFINITION.connector(LEAST | {"ssl": True, "ssl_mode": VERIFY}, "run-1", SYSTEM)
    told = connector._access.parameters
    files = [Path(told[name]) for name in ("sslrootcert", "sslcert", "sslkey")]

    held = [(path.read_text(), stat.S_IMODE(path.stat().st_mode)) for path in files]
    connector.close()
    connector.close()

    assert held == [("the authority", 0o600), ("the client", 0o600), ("the key", 0o600)]
    assert told["sslpassword"] == "the key's password"
    assert not any(path.exists() for path in files)


def test_schemas_are_given_by_their_physical_names() -> None:
    connector = DEFINITION.connector(
        LEAST | {"schema": "größe 1", "raw_data_schema": "In-ternal"}, "run-1", SYSTEM
    )

    names = (connector.default_namespace, connector.internal_namespace)
    connector.close()

    assert names == ("gro_e_1", "In_ternal")


# -- the spec


def test_the_spec_has_every_option_in_order_with_its_words() -> None:
    schema = spec()["connectionSpecification"]
    properties = schema["properties"]

    assert list(properties) == [each.name for each in attrs.fields(PostgresConfig)]
    assert [each["order"] for each in properties.values()] == list(range(len(properties)))
    assert all(each["title"] and each["description"] and each["group"] for each in properties.values())
    assert {each["group"] for each in properties.values()} == {each["id"] for each in schema["groups"]}
    assert schema["required"] == ["host", "database", "username"]


def test_the_spec_says_what_upstream_says_of_sync_modes() -> None:
    told = DEFINITION.spec()

    assert told["supportsIncremental"] is True
    assert told["supported_destination_sync_modes"] == ["overwrite", "append", "append_dedup"]


def test_secrets_are_marked_in_the_spec() -> None:
    properties = spec()["connectionSpecification"]["properties"]
    verify = properties["ssl_mode"]["oneOf"][-1]

    assert properties["password"]["airbyte_secret"] is True
    assert [name for name, each in verify["properties"].items() if each.get("airbyte_secret")] == list(
        VERIFY
    )[1:]
    assert verify["required"] == ["mode", "ca_certificate", "client_certificate", "client_key"]


def test_the_spec_types_and_defaults_are_the_classes() -> None:
    properties = spec()["connectionSpecification"]["properties"]

    assert properties["port"] | {"description": "", "title": ""} == {
        "title": "",
        "description": "",
        "group": "connection",
        "type": "integer",
        "minimum": 1,
        "maximum": 65535,
        "examples": ["5432"],
        "default": 5432,
        "order": 1,
    }
    assert properties["cdc_deletion_mode"]["enum"] == ["Hard delete", "Soft delete"]
    assert properties["ssl"]["type"] == "boolean"
    assert "default" not in properties["password"]


def test_the_spec_offers_every_tunnel_with_its_fields() -> None:
    none, key, password = spec()["connectionSpecification"]["properties"]["tunnel_method"]["oneOf"]

    assert none["properties"] == {"tunnel_method": {"type": "string", "const": "NO_TUNNEL", "order": 0}}
    assert key["required"] == ["tunnel_method", "tunnel_host", "tunnel_user", "ssh_key"]
    assert password["required"] == ["tunnel_method", "tunnel_host", "tunnel_user", "tunnel_user_password"]
    assert key["properties"]["tunnel_port"]["default"] == 22
    assert key["properties"]["ssh_key"]["airbyte_secret"] is True
    assert password["properties"]["tunnel_user_password"]["airbyte_secret"] is True
    assert "tunnel_user_password" not in key["properties"]
    assert [name for name, each in key["properties"].items() if "default" in each] == ["tunnel_port"]
