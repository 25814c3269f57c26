"""Every SSL mode against a real server with TLS: whether the session is encrypted, and which servers are trusted."""

import os
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pymysql
import pytest
import trustme
from attrs import frozen

from connectors.engine.sync.check import check_connector
from connectors.mysql import DEFINITION
from connectors.mysql.client import MysqlClient
from connectors.sql.text import sql
from dataflow.errors import ConfigError
from dataflow.runtime import SYSTEM
from tests.servers.mysql import DOCKER, MARIADB, NAMED, OPTIONS, mysql, way
from tests.servers.sshd import LOOPBACK, free_port
from tests.servers.wheel import server_user

pytestmark = pytest.mark.mysql

USERS = (
    "CREATE USER loader@'%' IDENTIFIED BY 'a secret'",
    "GRANT ALL ON *.* TO loader@'%'",
    "CREATE USER certified@'%' IDENTIFIED BY 'a secret' REQUIRE X509",
    "GRANT ALL ON *.* TO certified@'%'",
)
ENCRYPTED = sql("SHOW SESSION STATUS LIKE 'Ssl_version'")


@frozen
class Encrypted:
    """A server that speaks TLS on a port by the name localhost, and the authority that certifies it."""

    port: int
    authority: trustme.CA

    def options(self, mode: Mapping[str, Any] | None, **more: Any) -> dict[str, Any]:
        """A configuration that leads to it."""
        there = {"host": "localhost", "port": self.port, "database": "kit"}
        return {**there, "username": "loader", "password": "a secret", "ssl": True, "ssl_mode": mode, **more}


@pytest.fixture(scope="module")
def encrypted() -> Iterator[Encrypted]:
    authority, port, user = trustme.CA(), free_port(), server_user()
    certificate = authority.issue_cert("localhost")
    files = {
        "ssl-ca": authority.cert_pem.bytes(),
        "ssl-cert": certificate.cert_chain_pems[0].bytes(),
        "ssl-key": certificate.private_key_pem.bytes(),
    }
    with tempfile.TemporaryDirectory(prefix="dataflow-tls-") as room:
        folder = Path(room)
        folder.chmod(0o755)
        for name, content in files.items():
            (folder / name).write_bytes(content)
            if user is not None:
                os.chown(folder / name, user.uid, user.gid)
        given = ["--skip-networking=OFF", f"--bind-address={LOOPBACK}", f"--port={port}"]
        with mysql(_with([*given, *(f"--{name}={folder / name}" for name in files)])) as socket:
            _make_users(socket)
            yield Encrypted(port, authority)


@pytest.fixture(scope="module")
def plain() -> Iterator[Encrypted]:
    """The same server without TLS."""
    port = free_port()
    given = ["--skip-networking=OFF", f"--bind-address={LOOPBACK}", f"--port={port}"]
    with mysql(_with([*given, "--skip-ssl" if way(os.environ) == MARIADB else "--tls-version="])) as socket:
        _make_users(socket)
        yield Encrypted(port, trustme.CA())


def _with(options: list[str]) -> Mapping[str, str]:
    """Its server in a process of our own: a container has none of our files."""
    named = MARIADB if way(os.environ) == DOCKER else way(os.environ)
    return {NAMED: named, OPTIONS: f"{os.environ.get(OPTIONS, '')} {shlex.join(options)}"}


def _make_users(socket: Path) -> None:
    with closing(pymysql.connect(unix_socket=str(socket), user="root", ssl_disabled=True)) as session:
        for statement in USERS:
            session.query(statement)


def version_of_tls(options: Mapping[str, Any]) -> str:
    """The version that the destination's session has; empty if it is not encrypted."""
    with (
        closing(DEFINITION.connector(options, "run", SYSTEM)) as connector,
        closing(connector.client()) as client,
    ):
        assert isinstance(client, MysqlClient)
        ((_, version),) = client.execute(ENCRYPTED)
    return str(version)


def refusal(options: Mapping[str, Any]) -> str:
    """What a check of these options says."""
    with (
        closing(DEFINITION.connector(options, "check", SYSTEM)) as connector,
        pytest.raises(ConfigError) as refused,
    ):
        check_connector(connector, "check")
    return str(refused.value)


def trusting(authority: trustme.CA, mode: str) -> dict[str, Any]:
    return {"mode": mode, "ca_certificate": authority.cert_pem.bytes().decode()}


@pytest.mark.parametrize("mode", [None, {"mode": "preferred"}, {"mode": "required"}])
def test_a_mode_without_certificates_encrypts(encrypted: Encrypted, mode: Mapping[str, Any] | None) -> None:
    assert version_of_tls(encrypted.options(mode)) == "TLSv1.3"


@pytest.mark.parametrize("mode", ["verify_ca", "verify_identity"])
def test_a_server_that_the_authority_certifies_is_trusted(encrypted: Encrypted, mode: str) -> None:
    assert version_of_tls(encrypted.options(trusting(encrypted.authority, mode))) == "TLSv1.3"


def test_by_another_name_a_server_is_trusted_by_its_authority_alone(encrypted: Encrypted) -> None:
    by_authority = encrypted.options(trusting(encrypted.authority, "verify_ca"), host=LOOPBACK)
    by_name = encrypted.options(trusting(encrypted.authority, "verify_identity"), host=LOOPBACK)

    assert version_of_tls(by_authority) == "TLSv1.3"
    assert "The connection could not be encrypted" in refusal(by_name)


@pytest.mark.parametrize("mode", ["verify_ca", "verify_identity"])
def test_a_server_that_another_authority_certifies_is_refused(encrypted: Encrypted, mode: str) -> None:
    assert "The connection could not be encrypted" in refusal(encrypted.options(trusting(trustme.CA(), mode)))


def test_a_client_certificate_lets_in_a_user_who_needs_one(encrypted: Encrypted) -> None:
    certificate = encrypted.authority.issue_cert(common_name="certified")
    mode = {
        **trusting(encrypted.authority, "verify_identity"),
        "client_certificate": certificate.cert_chain_pems[0].bytes().decode(),
        "client_key": certificate.private_key_pem.bytes().decode(),
    }
    without = encrypted.options(trusting(encrypted.authority, "verify_identity"), username="certified")

    assert version_of_tls(encrypted.options(mode, username="certified")) == "TLSv1.3"
    assert "rejects the username or the password" in refusal(without)


def test_a_server_without_tls_is_refused_unless_encryption_is_only_preferred(plain: Encrypted) -> None:
    modes = [{"mode": "required"}, trusting(plain.authority, "verify_ca")]

    assert version_of_tls(plain.options({"mode": "preferred"})) == ""
    for mode in modes:
        assert "The connection could not be encrypted" in refusal(plain.options(mode))
