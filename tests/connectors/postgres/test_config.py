"""The options: upstream's keys and defaults, complaints that name the key, and the spec made of the class."""

import stat
from pathlib import Path
from typing import Any

import attrs
import pytest
from psycopg.conninfo import make_conninfo

from connectors.postgres.config import (
    DeletionMode,
    PostgresConfig,
    SslModeName,
    configure,
    connection_parameters,
    spec,
)
from connectors.postgres.connector import DEFINITION
from dataflow.errors import ConfigError

LEAST: dict[str, Any] = {"host": "db.example", "database": "warehouse", "username": "loader"}
VERIFY = {
    "mode": "verify-full",
    "ca_certificate": "the authority",
    "client_certificate": "the client",
    "client_key": "the key",
    "client_key_password": "the key's password",
}


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
        ({"host": None}, "required field missing @ host"),
        ({"host": ""}, "host: may not be blank"),
        ({"port": "5432"}, "invalid value, expected integer @ port"),
        ({"port": 0}, "port: must be 1 to 65535"),
        ({"port": 65536}, "port: must be 1 to 65535"),
        ({"port": True}, "invalid value, expected integer @ port"),
        ({"ssl": "false"}, "invalid value, expected boolean @ ssl"),
        ({"password": 12345}, "@ password"),
        ({"cdc_deletion_mode": "hidden"}, "expected one of Hard delete, Soft delete @ cdc_deletion_mode"),
        ({"ssl_mode": {"mode": "hidden"}}, "@ ssl_mode.mode"),
        ({"ssl_mode": {}}, "required field missing @ ssl_mode.mode"),
        ({"ssl": True, "ssl_mode": {"mode": "verify-ca"}}, "ssl_mode.ca_certificate: required"),
        ({"ssl": True, "ssl_mode": {**VERIFY, "client_key": ""}}, "ssl_mode.client_key: required"),
        ({"tunnel_method": {"tunnel_method": "SSH_KEY_AUTH", "tunnel_host": "hidden"}}, "tunnel_method: SSH"),
        ({"tunnel_method": {"tunnel_method": "hidden"}}, "@ tunnel_method.tunnel_method"),
        ({"disable_type_dedupe": True}, "disable_type_dedupe: raw tables are not supported yet"),
        ({"jdbc_url_params": "hidden"}, "jdbc_url_params: not of the form"),
        ({"jdbc_url_params": "reWriteBatchedInserts=hidden"}, "jdbc_url_params: reWriteBatchedInserts"),
        ({"jdbc_url_params": "password=hidden"}, "jdbc_url_params: password cannot be set here"),
    ],
)
def test_a_complaint_names_the_key_and_shows_no_value(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configure(LEAST | {"password": "hidden too"} | options)

    assert complaint in caught.value.message
    assert caught.value.remedy
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_every_complaint_is_told_at_once() -> None:
    with pytest.raises(ConfigError, match=r"host.*database.*username"):
        configure({})


def test_secrets_are_not_shown() -> None:
    config = configure(LEAST | {"password": "hidden", "ssl_mode": VERIFY})

    assert "hidden" not in repr(config)
    assert "the key" not in repr(config)


def test_libpq_is_told_who_we_are_and_is_kept_from_waiting_for_ever() -> None:
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
        ({"ssl_mode": {"mode": "verify-ca"}}, None),
        ({"ssl": True}, "require"),
        *(({"ssl": True, "ssl_mode": {"mode": str(mode)}}, str(mode)) for mode in list(SslModeName)[:4]),
        ({"ssl": True, "ssl_mode": VERIFY, "jdbc_url_params": "sslmode=disable"}, "verify-full"),
    ],
)
def test_ssl_is_what_the_mode_says_when_it_is_on(options: dict[str, Any], sslmode: str | None) -> None:
    assert parameters(**options).get("sslmode") == sslmode


def test_certificates_are_files_that_only_we_can_read_and_that_go_with_the_connector() -> None:
    connector = DEFINITION.connector(LEAST | {"ssl": True, "ssl_mode": VERIFY}, "run-1")
    told = connector._access.parameters
    files = [Path(told[name]) for name in ("sslrootcert", "sslcert", "sslkey")]

    held = [(path.read_text(), stat.S_IMODE(path.stat().st_mode)) for path in files]
    connector.close()
    connector.close()

    assert held == [("the authority", 0o600), ("the client", 0o600), ("the key", 0o600)]
    assert told["sslpassword"] == "the key's password"
    assert not any(path.parent.exists() for path in files)


def test_schemas_are_given_by_their_physical_names() -> None:
    connector = DEFINITION.connector(LEAST | {"schema": "größe 1", "raw_data_schema": "In-ternal"}, "run-1")

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
