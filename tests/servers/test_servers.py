"""A server for tests is real, ends when its holder does, keeps what was committed; and the chain never lies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.servers import launch, wheel
from tests.servers.address import Address, address_of
from tests.servers.databases import fresh_database
from tests.servers.debian import installed_mariadb, installed_postgres, installed_sshd
from tests.servers.embedded import GUARD, EmbeddedPostgres
from tests.servers.errors import ServerFailed, Unavailable
from tests.servers.mysql import program
from tests.servers.providers import DSN, NAMED, PROVIDERS, Server, postgres
from tests.servers.sshd import kill

CHECKOUT = Path(__file__).parents[2]
GUARDS = sorted({GUARD, launch.WATCH})
HOLDER = """
import sys, time
from tests.servers.debian import installed_mariadb, installed_postgres, installed_sshd
from tests.servers.embedded import EmbeddedPostgres
with EmbeddedPostgres(guard=sys.argv[1]) as server:
    print(server.pid, server.address.host, flush=True)
    time.sleep(600)
"""


@contextmanager
def holder(guard: str) -> Iterator[tuple["subprocess.Popen[str]", int, Path]]:
    """Another process that holds a server; with the server's pid and directory."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, guard],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        cwd=CHECKOUT,
    )
    with process:
        try:
            assert process.stdout is not None
            pid, directory = process.stdout.readline().split()
            yield process, int(pid), Path(directory)
        finally:
            process.kill()


def ends_within(seconds: float, pid: int) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)


def answer(address: Address, question: str) -> object:
    with psycopg.connect(address.dsn) as connection:
        row = connection.execute(question.encode()).fetchone()
    return row and row[0]


def package_of_programs(folder: Path) -> Path:
    """As pip leaves one under a strict umask: a folder, and beside it the libraries that it loads."""
    package = folder / "wheels" / "postgres"
    (package / "bin").mkdir(parents=True)
    (package / "bin" / "postgres").write_text("a program")
    (package / "bin" / "postgres").chmod(0o700)
    package.with_suffix(".libs").mkdir()
    (package.with_suffix(".libs") / "libpq").write_text("a library")
    (package.with_suffix(".libs") / "libpq").chmod(0o600)
    return package


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres() as started:
        yield started


def test_a_server_starts_and_answers(server: EmbeddedPostgres) -> None:
    version = answer(server.address, "SHOW server_version_num")

    assert int(str(version)) >= 180000


def test_a_server_takes_settings(server: EmbeddedPostgres) -> None:
    with EmbeddedPostgres(fsync="on", max_connections="7") as other:
        given = [answer(other.address, f"SHOW {name}") for name in ("fsync", "max_connections")]

    assert answer(server.address, "SHOW fsync") == "off"
    assert given == ["on", "7"]


def test_a_server_leaves_no_process_and_no_file() -> None:
    with EmbeddedPostgres() as server:
        pid, directory = server.pid, Path(server.address.host)
        assert directory.exists()

    assert pid is not None
    assert ends_within(0.1, pid)
    assert not directory.exists()


@pytest.mark.parametrize("guard", GUARDS)
def test_a_server_dies_with_its_holder(guard: str) -> None:
    with holder(guard) as (process, pid, _):
        process.send_signal(signal.SIGKILL)
        process.wait()

        assert ends_within(60, pid)


@pytest.mark.parametrize("guard", GUARDS)
def test_a_server_outlives_nothing_after_an_ordinary_stop(guard: str) -> None:
    with EmbeddedPostgres(guard=guard) as server:
        first = server.pid
        server.stop()
        server.start()
        second = server.pid
        assert answer(server.address, "SELECT 1") == 1

    assert first is not None
    assert second is not None
    assert ends_within(0.1, first)
    assert ends_within(0.1, second)


def test_what_a_killed_holder_left_is_swept_by_the_next_one() -> None:
    with holder(GUARD) as (process, pid, directory):
        assert directory.exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert ends_within(60, pid)

        with EmbeddedPostgres() as next_one:
            assert Path(next_one.address.host).exists()

            assert not directory.exists()


def test_an_immediate_stop_and_a_restart_keep_what_was_committed(server: EmbeddedPostgres) -> None:
    with closing(psycopg.connect(server.address.dsn)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
        connection.commit()
        connection.execute("INSERT INTO kept VALUES (0)")
        server.stop(immediate=True)
        server.start()

    assert answer(server.address, "SELECT count(*) FROM kept") == 1000
    assert "automatic recovery in progress" in server.log


def test_a_server_that_cannot_start_shows_its_log() -> None:
    with (
        pytest.raises(ServerFailed, match='unrecognized configuration parameter "colour"'),
        EmbeddedPostgres(colour="red"),
    ):
        pass


def test_programs_are_copied_whole_and_once_even_by_two_at_a_time(tmp_path: Path) -> None:
    package = package_of_programs(tmp_path)
    room = tmp_path / "room"
    room.mkdir()
    with ThreadPoolExecutor(4) as threads:
        copies = set(threads.map(lambda _: wheel.copy_once(package, "18", room), range(8)))

    (copy,) = copies
    assert list(room.iterdir()) == [copy.parent]
    assert (copy / "bin" / "postgres").read_text() == "a program"
    assert (copy / "bin" / "postgres").stat().st_mode & 0o777 == 0o755
    assert (copy.parent / "postgres.libs" / "libpq").stat().st_mode & 0o777 == 0o644


def test_programs_are_not_run_from_where_others_can_write(tmp_path: Path) -> None:
    package = package_of_programs(tmp_path)
    room = tmp_path / "room"
    room.mkdir()
    wheel.copy_once(package, "18", room).parent.chmod(0o777)

    with pytest.raises(Unavailable, match="not ours alone"):
        wheel.copy_once(package, "18", room)


def test_databases_are_empty_and_do_not_share(postgres_server: Server) -> None:
    with fresh_database(postgres_server.address) as one, fresh_database(postgres_server.address) as other:
        with psycopg.connect(one.dsn) as connection:
            connection.execute("CREATE TABLE here ()")

        assert answer(one, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 1
        assert answer(other, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0


def test_a_database_is_dropped_from_under_a_connection(postgres_server: Server) -> None:
    with fresh_database(postgres_server.address) as database:
        lingering = psycopg.connect(database.dsn)
    lingering.close()

    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(database.dsn)


def test_a_dsn_is_used_as_it_is(postgres_database: Address) -> None:
    with postgres({DSN: postgres_database.dsn}) as server:
        assert server.provider == "url"
        assert server.address == postgres_database


def test_an_address_survives_its_dsn() -> None:
    address = Address("db.example", 6543, "ann", "sales", "it's a 'secret'", {"sslmode": "require"})

    assert address_of(address.dsn) == address
    assert "secret" not in repr(address)


def test_without_the_distributions_packages_it_is_said_which_are_missing(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="apt-get install postgresql"):
        installed_postgres(tmp_path)

    with pytest.raises(Unavailable, match="apt-get install openssh-server"):
        installed_sshd(tmp_path / "sshd")
    with pytest.raises(Unavailable, match="apt-get install mariadb-server"):
        installed_mariadb(tmp_path / "mariadbd")
    with pytest.raises(Unavailable, match="TEST_MYSQL is"):
        program({"TEST_MYSQL": str(tmp_path / "mysqld")})


def test_the_newest_of_several_installed_versions_is_taken(tmp_path: Path) -> None:
    for version in ("9", "15", "14"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "postgres").touch()

    assert installed_postgres(tmp_path) == tmp_path / "15"


def test_without_any_server_every_reason_is_reported() -> None:
    @contextmanager
    def missing(environment: object) -> Iterator[Address]:
        raise Unavailable("the moon is full")
        yield

    with (
        pytest.raises(
            Unavailable,
            match=r"(?s)no PostgreSQL.*url: the moon.*docker: the moon.*wheel: the moon.*debian: the moon",
        ),
        postgres({}, dict.fromkeys(PROVIDERS, missing)),
    ):
        pass


def test_a_named_provider_does_not_fall_through() -> None:
    with pytest.raises(Unavailable) as told, postgres({NAMED: "url"}):
        pass

    assert DSN in str(told.value)
    assert "wheel" not in str(told.value)


def test_a_dsn_that_leads_nowhere_does_not_fall_through(tmp_path: Path) -> None:
    with (
        pytest.raises(Unavailable, match="url: the server at"),
        postgres({DSN: f"host={tmp_path} user=postgres"}),
    ):
        pass


def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(Unavailable, match="it can be url, docker, wheel, debian"), postgres({NAMED: "guess"}):
        pass


def test_a_process_that_ended_by_itself_keeps_no_other_from_being_ended() -> None:
    with subprocess.Popen(["/bin/sleep", "600"]) as gone, subprocess.Popen(["/bin/sleep", "600"]) as alive:
        gone.kill()
        gone.wait()

        kill([gone.pid, alive.pid])

        assert alive.wait(timeout=60) == -signal.SIGKILL
