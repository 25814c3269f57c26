"""The options of the MySQL destination: what is refused, and what the driver is given."""

import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import trustme

from connectors.mysql.config import NO_LIMIT, configure, url_parameters
from connectors.mysql.security import driver_parameters
from dataflow.errors import ConfigError

GIVEN: Mapping[str, Any] = {"host": "localhost", "database": "shop", "username": "loader"}
AUTHORITY = trustme.CA()
CA = AUTHORITY.cert_pem.bytes().decode()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"jdbc_url_params": "useSSL=false"}, "useSSL is not known here"),
        ({"jdbc_url_params": "connectTimeout=soon"}, "connectTimeout must be a whole number of milliseconds"),
        (
            {"jdbc_url_params": "socketTimeout=60000"},
            "socketTimeout must be 0, for no limit, or at least 120000",
        ),
        ({"jdbc_url_params": "nothing"}, "must be of the form key=value&key=value"),
        ({"disable_type_dedupe": True}, "must be false"),
        ({"lock_timeout": 0}, "lock_timeout"),
        (
            {
                "host": "/run/mysqld/mysqld.sock",
                "tunnel_method": {
                    "tunnel_method": "SSH_PASSWORD_AUTH",
                    "tunnel_host": "bastion",
                    "tunnel_user": "me",
                    "tunnel_user_password": "secret",
                },
            },
            "must be a name or an address when an SSH tunnel is used",
        ),
    ],
)
def test_an_option_that_cannot_be_honoured_is_refused(options: Mapping[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        configure({**GIVEN, **options})


def test_the_ledgers_database_has_a_name_of_its_own_unless_one_is_given() -> None:
    named = [configure({**GIVEN, "raw_data_schema": name}).internal_database for name in (None, " ", "audit")]

    assert named == ["airbyte_internal", "airbyte_internal", "audit"]


def test_parameters_of_the_connection_go_by_the_drivers_names_and_units() -> None:
    assert url_parameters("connectTimeout=1500&socketTimeout=120000") == {
        "connect_timeout": 1,
        "read_timeout": 120,
    }
    assert url_parameters("connectTimeout=500&socketTimeout=0") == {
        "connect_timeout": 1,
        "read_timeout": NO_LIMIT,
    }


@pytest.mark.parametrize(
    ("mode", "checked"),
    [
        ({"mode": "required"}, (False, ssl.CERT_NONE)),
        ({"mode": "verify_ca", "ca_certificate": CA}, (False, ssl.CERT_REQUIRED)),
        ({"mode": "verify_identity", "ca_certificate": CA}, (True, ssl.CERT_REQUIRED)),
    ],
    ids=lambda each: each["mode"] if isinstance(each, dict) else "",
)
def test_an_ssl_mode_says_what_of_the_server_is_checked(
    mode: Mapping[str, Any], checked: tuple[bool, ssl.VerifyMode]
) -> None:
    config = configure({**GIVEN, "ssl": True, "ssl_mode": mode})

    context = driver_parameters(config.ssl_mode, config.host, wanted=config.ssl)["ssl"]

    assert (context.check_hostname, context.verify_mode) == checked


def greeted(mode: str, authority: trustme.CA, name: str) -> bool:
    """Whether a client of this mode takes a server with a certificate of this authority for this name."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(server)
    config = configure({**GIVEN, "host": "db.example", "ssl_mode": {"mode": mode, "ca_certificate": CA}})
    context = driver_parameters(config.ssl_mode, config.host, wanted=True)["ssl"]
    here, there = socket.socketpair()
    with here, there, ThreadPoolExecutor(1) as aside:
        answer = aside.submit(server.wrap_socket, there, server_side=True, suppress_ragged_eofs=True)
        try:
            # As the driver does through a tunnel, whose entrance is here.
            context.wrap_socket(here, server_hostname="127.0.0.1").close()
        except ssl.SSLCertVerificationError:
            return False
        finally:
            here.close()
            with suppress(OSError):
                answer.result().close()
    return True


def test_an_authority_that_was_not_given_is_not_trusted() -> None:
    other = trustme.CA()

    assert greeted("verify_ca", AUTHORITY, "elsewhere.example")
    assert not greeted("verify_ca", other, "db.example")


def test_a_servers_own_name_is_verified_also_at_the_end_of_a_tunnel() -> None:
    assert greeted("verify_identity", AUTHORITY, "db.example")
    assert not greeted("verify_identity", AUTHORITY, "elsewhere.example")


def test_a_verification_trusts_the_given_authority_alone() -> None:
    config = configure({**GIVEN, "ssl_mode": {"mode": "verify_ca", "ca_certificate": CA}})

    context = driver_parameters(config.ssl_mode, config.host, wanted=True)["ssl"]

    assert len(context.get_ca_certs()) == 1


def test_a_client_shows_the_certificate_that_it_is_given() -> None:
    certificate = AUTHORITY.issue_cert("loader")
    mode = {
        "mode": "verify_ca",
        "ca_certificate": CA,
        "client_certificate": certificate.cert_chain_pems[0].bytes().decode(),
        "client_key": certificate.private_key_pem.bytes().decode(),
    }
    config = configure({**GIVEN, "ssl_mode": mode})

    assert isinstance(driver_parameters(config.ssl_mode, config.host, wanted=True)["ssl"], ssl.SSLContext)


def test_a_certificate_that_is_none_is_refused_without_being_shown() -> None:
    config = configure({**GIVEN, "ssl_mode": {"mode": "verify_ca", "ca_certificate": "a secret text"}})

    with pytest.raises(ConfigError, match="cannot be read") as refused:
        driver_parameters(config.ssl_mode, config.host, wanted=True)

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ({"ssl": False, "ssl_mode": "whatever"}, {"ssl_disabled": True}),
        ({}, {}),
        ({"ssl_mode": {"mode": "preferred"}}, {}),
    ],
)
def test_without_a_mode_the_driver_encrypts_where_the_server_can(
    options: Mapping[str, Any], given: Mapping[str, Any]
) -> None:
    config = configure({**GIVEN, **options})

    assert driver_parameters(config.ssl_mode, config.host, wanted=config.ssl) == given
