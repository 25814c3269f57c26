"""A network that goes dark while rows are sent is noticed; a server that lives and takes nothing is left alone."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psycopg
import pytest
from attrs import evolve, frozen

from connectors.postgres import DEFINITION
from connectors.postgres.connector import PostgresConnector
from connectors.postgres.network import Network
from dataflow.errors import TransientError
from dataflow.runtime import SYSTEM
from tests.servers.address import Address
from tests.servers.debian import installed_postgres
from tests.servers.embedded import EmbeddedPostgres
from tests.servers.network import Cable, cable
from tests.servers.sshd import free_port
from tests.servers.wheel import server_user
from tests.whole.messages import catalog, record, stream

# A tenth of what a sync waits for.
SILENT = 6.0
# The bytes of rows that are sent at once: a dozen times what both kernels hold for a reader who takes nothing.
PART = b"a row that says little\n" * 40_000
# Longer than anything here may take, and far less than the kernel tries by itself.
LATE = 60.0


@frozen
class Distant:
    """A server at the near end of a cable, and a connector that is used at its far end."""

    cable: Cable
    address: Address
    server: EmbeddedPostgres
    there: ThreadPoolExecutor

    @property
    def connector(self) -> PostgresConnector:
        """One that waits less."""
        connector = DEFINITION.connector(self.address.destination_config(), "more", SYSTEM)
        connector._access = evolve(
            connector._access, network=Network(SYSTEM, silent=SILENT, look=0.5, patience=1.0)
        )
        return connector


@pytest.fixture
def distant() -> Iterator[Distant]:
    with tempfile.TemporaryDirectory(prefix="dataflow-rules-") as room, cable() as made:
        rules, user = Path(room) / "rules", server_user()
        rules.write_text("local all all trust\nhost all all samenet trust\n")
        if user is not None:
            os.chown(rules.parent, user.uid, user.gid)
            os.chown(rules, user.uid, user.gid)
        settings = {
            "listen_addresses": made.here[1],
            "port": str(free_port()),
            "hba_file": str(rules),
        }
        with (
            EmbeddedPostgres(programs=installed_postgres(), **settings) as server,
            ThreadPoolExecutor(initializer=made.enter) as there,
        ):
            yield Distant(made, evolve(server.address, host=made.here[1]), server, there)


class Copying:
    """A COPY that never ends by itself, in the distance."""

    def __init__(self, distant: Distant) -> None:
        self.connector = distant.connector
        self.sent = 0
        self.over = threading.Event()
        self.pid = 0
        self.outcome: Future[Exception | None] = distant.there.submit(self._copy)

    def _copy(self) -> Exception | None:
        client = self.connector.client()
        try:
            self.pid = client.connection.open.info.backend_pid
            client.connection.open.execute("CREATE TABLE public.rows (words text)")
            with (
                client.connection.open.cursor() as cursor,
                cursor.copy("COPY public.rows FROM STDIN") as copy,
            ):
                while not self.over.is_set():
                    copy.write(PART)
                    self.sent += 1
        except psycopg.Error as error:
            return error
        finally:
            client.close()
        return None

    def wait_until_it_flows(self) -> None:
        while self.sent < 3:
            if self.outcome.done():
                raise AssertionError("nothing flows") from self.outcome.result()
            time.sleep(0.01)

    def wait_until_it_stands(self) -> None:
        """As long as nothing more can be sent: the zero windows of both kernels."""
        sent = -1
        while sent != self.sent:
            sent = self.sent
            time.sleep(1.0)


@contextmanager
def stopped(*processes: int) -> Iterator[None]:
    for each in processes:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in processes:
            os.kill(each, signal.SIGCONT)


def test_rows_that_are_sent_into_the_dark_are_not_waited_for(distant: Distant) -> None:
    copying = Copying(distant)
    copying.wait_until_it_flows()

    distant.cable.pull()
    error = copying.outcome.result(LATE)

    assert error is not None
    meant = copying.connector.explain(error)
    assert isinstance(meant, TransientError)
    assert "check the network to it" in meant.remedy


@pytest.mark.parametrize("everything", [False, True])
def test_a_server_that_lives_and_takes_nothing_is_left_alone(distant: Distant, *, everything: bool) -> None:
    """For three times as long as the dark may last, with its kernel asked ever more seldom."""
    copying = Copying(distant)
    copying.wait_until_it_flows()

    server = distant.server.pid
    with stopped(copying.pid, *([server] if everything and server else [])):
        copying.wait_until_it_stands()
        time.sleep(3 * SILENT)
    sent = copying.sent
    while copying.sent == sent and not copying.outcome.done():
        time.sleep(0.01)
    copying.over.set()

    assert copying.outcome.result(LATE) is None
    assert not copying.connector._access.network.dark


def test_the_dark_is_noticed_behind_a_server_that_took_nothing(distant: Distant) -> None:
    """Its kernel was asked seldom by then, so that nothing was asked in vain yet."""
    copying = Copying(distant)
    copying.wait_until_it_flows()
    with stopped(copying.pid):
        copying.wait_until_it_stands()
        time.sleep(2 * SILENT)

        distant.cable.pull()
        error = copying.outcome.result(LATE)

    assert isinstance(error, psycopg.OperationalError)


def test_a_sync_says_within_90_seconds_that_the_network_is_dark(distant: Distant, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(distant.address.destination_config()))
    (tmp_path / "catalog.json").write_text(json.dumps(catalog(stream("users", {"name": "string"}))))
    arguments = ["write", "--config", "config.json", "--catalog", "catalog.json", "--quiet"]
    command = [*distant.cable.prefix, sys.executable, "-m", "connectors.postgres", *arguments]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
    ) as process:
        assert process.stdin
        assert process.stdout
        feeding = threading.Thread(target=_feed, args=[process.stdin], daemon=True)
        feeding.start()
        while not _rows(distant.server.address):
            time.sleep(0.1)
        distant.cable.pull()
        began = time.monotonic()
        said = process.stdout.readline()
        took = time.monotonic() - began
        process.kill()
        feeding.join()

    assert b"Attempt 1 failed" in said
    assert b"check the network to it" in said
    assert 30 < took < 90


def _feed(pipe: IO[bytes]) -> None:
    line = record("users", {"name": "x" * 1000})
    try:
        while True:
            pipe.write(line * 100)
    except OSError:
        return


def _rows(server: Address) -> bool:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        table = connection.execute("SELECT to_regclass('public.users')").fetchone()
        return table != (None,) and connection.execute("SELECT FROM users LIMIT 1").fetchone() is not None
