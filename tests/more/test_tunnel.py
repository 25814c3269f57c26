"""The tunnel through a real sshd: logins, host keys, what is forbidden, what is lost, and what is left in the end."""

import socket
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncssh
import psycopg
import pytest

from connectors.postgres import DEFINITION
from connectors.sql.text import sql
from dataflow.errors import ConfigError, DataflowError, TransientError
from dataflow.runtime import SYSTEM
from tests.more.asking import ask, reached
from tests.more.conftest import LOADER, Encrypted
from tests.servers.address import Address
from tests.servers.sshd import LOOPBACK, Guest, Sshd, free_port
from tests.whole.command import Destination
from tests.whole.messages import catalog, complete, record, state, stream

QUESTION = sql("SELECT 1")


def through(sshd: Sshd, user: Guest, **more: Any) -> dict[str, Any]:
    """The option tunnel_method, by key unless it says otherwise."""
    key = user.key.export_private_key().decode()
    given = {"tunnel_method": "SSH_KEY_AUTH", "tunnel_host": LOOPBACK, "tunnel_port": sshd.port}
    return given | {"tunnel_user": user.name, "ssh_key": key} | more


def by_password(user: Guest) -> dict[str, Any]:
    return {"tunnel_method": "SSH_PASSWORD_AUTH", "tunnel_user_password": user.password}


def a_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture
def database(encrypted_database: Address) -> Address:
    return encrypted_database


@pytest.mark.parametrize("login", ["publickey", "password"])
def test_a_login_leads_to_the_database(database: Address, sshd: Sshd, user: Guest, login: str) -> None:
    tunnel = through(sshd, user, **(by_password(user) if login == "password" else {}))

    answer = ask(reached(database, ssl=True, tunnel_method=tunnel))

    assert answer == [(True, "TLSv1.3")]
    assert f"Accepted {login} for {user.name}" in sshd.log


def test_the_password_is_given_to_a_server_that_asks_as_for_a_conversation(
    database: Address, user: Guest
) -> None:
    """As a server with PAM does; ours must then really have PAM."""
    conversation = {
        "UsePAM": "yes",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "yes",
        "PubkeyAuthentication": "no",
    }
    with Sshd(user, **conversation) as sshd:
        ask(reached(database, ssl=True, tunnel_method=through(sshd, user, **by_password(user))))
        log = sshd.log

    assert f"Accepted keyboard-interactive/pam for {user.name}" in log


def test_a_certificate_is_held_to_the_databases_own_name(
    database: Address, encrypted: Encrypted, sshd: Sshd, user: Guest
) -> None:
    mode = {"mode": "verify-ca", "ca_certificate": encrypted.certificate}
    parameters = "sslmode=verify-full"
    config = reached(database, ssl=True, ssl_mode=mode, tunnel_method=through(sshd, user))

    answer = ask(config)
    with closing(DEFINITION.connector(config | {"jdbc_url_params": parameters}, "more", SYSTEM)) as connector:
        told = {**connector._access.parameters, **connector._access.detour(), "sslmode": "verify-full"}
        psycopg.connect(**told).close()
        with pytest.raises(psycopg.OperationalError, match="does not match host name"):
            psycopg.connect(**{**told, "host": "another.example"})

    assert answer == [(True, "TLSv1.3")]


def test_the_host_key_that_was_given_is_believed(database: Address, sshd: Sshd, user: Guest) -> None:
    tunnel = through(sshd, user, tunnel_host_key=f"# as ssh-keyscan has it\n{sshd.public_key}")

    assert ask(reached(database, ssl=True, tunnel_method=tunnel))


def test_another_host_key_is_not_believed(database: Address, sshd: Sshd, user: Guest) -> None:
    tunnel = through(sshd, user, tunnel_host_key=a_key().export_public_key().decode())

    with pytest.raises(ConfigError, match="is not the expected one") as refused:
        ask(reached(database, ssl=True, tunnel_method=tunnel))

    assert "tunnel_host_key" in refused.value.remedy


@pytest.mark.parametrize(
    "wrong",
    [
        {"tunnel_user": "nobody-of-ours"},
        {"ssh_key": a_key().export_private_key().decode()},
        {"tunnel_method": "SSH_PASSWORD_AUTH", "tunnel_user_password": "hidden"},
    ],
    ids=["user", "key", "password"],
)
def test_a_login_that_is_refused_is_for_a_person(
    database: Address, sshd: Sshd, user: Guest, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match="refused the user") as refused:
        ask(reached(database, ssl=True, tunnel_method=through(sshd, user, **wrong)))

    assert "tunnel_user" in refused.value.remedy
    assert "hidden" not in str(refused.value)


def test_an_unknown_ssh_server_is_for_a_person(database: Address, sshd: Sshd, user: Guest) -> None:
    tunnel = through(sshd, user, tunnel_host="no.such.host.invalid")

    with pytest.raises(ConfigError, match=r"no\.such\.host\.invalid could not be resolved") as refused:
        ask(reached(database, ssl=True, tunnel_method=tunnel))

    assert "tunnel_host" in refused.value.remedy


def test_an_ssh_server_that_does_not_answer_may_do_so_later(
    database: Address, sshd: Sshd, user: Guest
) -> None:
    tunnel = through(sshd, user, tunnel_port=free_port())

    with pytest.raises(TransientError, match="The connection to the SSH server"):
        ask(reached(database, ssl=True, tunnel_method=tunnel))


def test_what_is_no_ssh_server_is_reported(database: Address, sshd: Sshd, user: Guest) -> None:
    tunnel = through(sshd, user, tunnel_port=database.port)

    with pytest.raises(DataflowError, match=r"The connection to the SSH server|No common SSH algorithms"):
        ask(reached(database, ssl=True, tunnel_method=tunnel))


def test_forbidden_forwarding_is_for_the_servers_administrator(database: Address, user: Guest) -> None:
    with (
        Sshd(user, AllowTcpForwarding="no") as sshd,
        pytest.raises(ConfigError, match="could not forward to localhost") as refused,
    ):
        ask(reached(database, ssl=True, tunnel_method=through(sshd, user)))

    assert f"allow {user.name} to forward" in refused.value.remedy


def test_a_database_that_the_ssh_server_cannot_reach_may_be_there_later(
    database: Address, sshd: Sshd, user: Guest
) -> None:
    with pytest.raises(TransientError, match="could not forward to localhost"):
        ask(reached(database, port=free_port(), ssl=True, tunnel_method=through(sshd, user)))


def test_a_database_that_the_ssh_server_does_not_know_is_for_a_person(
    database: Address, sshd: Sshd, user: Guest
) -> None:
    with pytest.raises(ConfigError, match=r"could not forward to no\.such\.host\.invalid") as refused:
        ask(reached(database, host="no.such.host.invalid", ssl=True, tunnel_method=through(sshd, user)))

    assert "`host`" in refused.value.remedy


def test_all_sessions_share_one_login(database: Address, sshd: Sshd, user: Guest) -> None:
    config = reached(database, ssl=True, tunnel_method=through(sshd, user))
    with closing(DEFINITION.connector(config, "more", SYSTEM)) as connector:
        clients = [connector.client() for _ in range(3)]
        for client in clients:
            client.execute(QUESTION)
        for client in clients:
            client.close()

    assert sshd.log.count(f"Accepted publickey for {user.name}") == 1


def test_a_lost_tunnel_is_opened_again(database: Address, sshd: Sshd, user: Guest) -> None:
    config = reached(database, ssl=True, tunnel_method=through(sshd, user))
    with (
        closing(DEFINITION.connector(config, "more", SYSTEM)) as connector,
        closing(connector.client()) as client,
    ):
        client.execute(QUESTION)
        sshd.hang_up()
        with pytest.raises(psycopg.OperationalError) as lost:
            client.execute(QUESTION)
        meant = connector.explain(lost.value)
        client.recover()

        answer = client.execute(QUESTION)

    assert isinstance(meant, TransientError)
    assert answer == [(1,)]


def test_the_server_that_answers_after_a_loss_must_be_the_same(
    database: Address, sshd: Sshd, user: Guest
) -> None:
    config = reached(database, ssl=True, tunnel_method=through(sshd, user))
    with (
        closing(DEFINITION.connector(config, "more", SYSTEM)) as connector,
        closing(connector.client()) as client,
    ):
        client.execute(QUESTION)
        sshd.stop()
        sshd.host_key = a_key()
        sshd.start()
        client.recover()

        with pytest.raises(ConfigError, match="is not the expected one"):
            client.execute(QUESTION)


def test_a_closed_connector_leaves_no_thread_and_no_entrance(
    database: Address, sshd: Sshd, user: Guest
) -> None:
    connector = DEFINITION.connector(
        reached(database, ssl=True, tunnel_method=through(sshd, user)), "more", SYSTEM
    )
    with closing(connector.client()) as client:
        client.execute(QUESTION)
    entrance = int(connector._access.detour()["port"])

    connector.close()
    connector.close()

    assert "tunnel" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, entrance))


def test_a_whole_sync_goes_through_even_if_the_tunnel_is_lost(
    database: Address, sshd: Sshd, user: Guest, tmp_path: Path
) -> None:
    config = reached(database, ssl=True, tunnel_method=through(sshd, user, **by_password(user)))

    def query(statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(database.dsn) as connection:
            return connection.execute(statement.encode()).fetchall()

    destination = Destination(
        name="postgres", config=config, folder=tmp_path, query=query, execute=query, namespace="public"
    )
    running = destination.start_write(catalog(stream("users", {"id": "integer"})), "--state-latency", "0.1")
    running.send(record("users", {"id": 1}), state("users", "s1"))
    told = running.wait_for_state()
    sshd.hang_up()
    running.send(record("users", {"id": 2}), state("users", "s2"), complete("users"))

    outcome = running.finish()

    assert (told, outcome.code, outcome.states) == ("s1", 0, ["s1", "s2"])
    assert destination.rows("users", ["id"]) == [(1,), (2,)]


@pytest.mark.parametrize("verb", ["check", "write"])
def test_no_secret_of_a_tunnel_is_shown(
    database: Address, sshd: Sshd, user: Guest, tmp_path: Path, verb: str
) -> None:
    tunnel = through(sshd, user, **by_password(user)) | {"tunnel_user_password": f"not {user.password}"}
    config = reached(database, ssl=True, tunnel_method=tunnel)
    destination = Destination(
        name="postgres",
        config=config,
        folder=tmp_path,
        query=lambda _: [],
        execute=lambda _: None,
        namespace="public",
    )
    files = ["--config", destination.file("config.json", config)]
    if verb == "write":
        files += ["--catalog", destination.file("catalog.json", catalog(stream("users", {"id": "integer"})))]

    outcome = destination.start(verb, *files).finish()

    (error,) = [each for each in outcome.errors if "stream_descriptor" not in each]
    assert error["failure_type"] == "config_error"
    assert "refused the user" in error["message"]
    assert user.password not in str(outcome.messages)
    assert LOADER not in str(outcome.messages)
