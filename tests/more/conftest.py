"""What an ordinary user's machine does not have: the distribution's PostgreSQL with TLS, and its sshd. Run by root.

`make test-more` runs these tests, and the connector's own on the same server. Nothing is skipped: what is missing
fails, and says what to install.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import trustme
from attrs import frozen
from psycopg.sql import SQL

from tests.servers.address import Address
from tests.servers.databases import fresh_database
from tests.servers.debian import installed_postgres
from tests.servers.embedded import EmbeddedPostgres
from tests.servers.sshd import LOOPBACK, Guest, Sshd, free_port, guest
from tests.servers.wheel import server_user

# Over TCP nobody enters without encryption; `certified` needs a certificate, `loader` a password.
RULES = """
local all all trust
hostssl all certified 127.0.0.1/32 cert
hostssl all loader 127.0.0.1/32 scram-sha-256
"""
LOADER = "the loader's secret"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.more)


@frozen
class Encrypted:
    """A server that speaks TLS by the name localhost, and who vouches for it."""

    server: EmbeddedPostgres
    authority: trustme.CA

    @property
    def certificate(self) -> str:
        """The authority's own."""
        return self.authority.cert_pem.bytes().decode()


@pytest.fixture(scope="session")
def encrypted() -> Iterator[Encrypted]:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    user = server_user()
    with tempfile.TemporaryDirectory(prefix="dataflow-tls-") as room:
        folder = Path(room)
        folder.chmod(0o755)
        files = {
            "server.crt": certificate.cert_chain_pems[0].bytes(),
            "server.key": certificate.private_key_pem.bytes(),
            "authority.crt": authority.cert_pem.bytes(),
            "rules": RULES.encode(),
        }
        for name, content in files.items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o600)
            if user is not None:
                os.chown(folder / name, user.uid, user.gid)
        with EmbeddedPostgres(
            programs=installed_postgres(),
            listen_addresses=LOOPBACK,
            port=str(free_port()),
            hba_file=str(folder / "rules"),
            ssl="on",
            ssl_cert_file=str(folder / "server.crt"),
            ssl_key_file=str(folder / "server.key"),
            ssl_ca_file=str(folder / "authority.crt"),
        ) as server:
            _make_users(server.address)
            yield Encrypted(server, authority)


@pytest.fixture
def encrypted_database(encrypted: Encrypted) -> Iterator[Address]:
    """An empty database on that server, as its owner reaches it."""
    with fresh_database(encrypted.server.address) as database:
        yield database


@pytest.fixture(scope="session")
def user() -> Iterator[Guest]:
    """The accounts that may log in to the SSH servers."""
    with guest() as made:
        yield made


@pytest.fixture
def sshd(user: Guest) -> Iterator[Sshd]:
    with Sshd(user) as server:
        yield server


def _make_users(server: Address) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE ROLE certified SUPERUSER LOGIN")
        connection.execute(SQL("CREATE ROLE loader SUPERUSER LOGIN PASSWORD {}").format(LOADER))
