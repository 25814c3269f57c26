"""A disk that is full in the midst of a sync, and has room again before the next. The campaign mounts small ones."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Literal

from tests.connectors.duckdb.place import duckdb_destination
from tests.connectors.postgres.place import postgres_destination
from tests.servers.embedded import EmbeddedPostgres
from tests.servers.wheel import ROOM, server_user
from tests.starting import installed
from tests.whole.command import ROOT, TIMEOUT, Destination, Outcome
from tests.whole.messages import catalog, complete, record, state, stream

MEBIBYTE = 1 << 20
# A record is a kibibyte, so that a few thousand fill what there is.
RECORDS = 12_000
ARGUMENTS = ("--state-latency", "0", "--flush-rows", "500")


def users(generation: int) -> dict[str, object]:
    """A truncate: a temp table is filled, and swapped in."""
    columns = {"id": "integer", "words": "string"}
    return catalog(stream("users", columns, generation=generation, minimum=generation))


def messages(start: int, stop: int) -> list[bytes]:
    lines = []
    for number in range(start, stop):
        # No two alike, or they would be packed into nothing.
        lines.append(record("users", {"id": number, "words": f"{number}{os.urandom(500).hex()}"}))
        if number % 500 == 0:
            lines.append(state("users", number))
    return [*lines, complete("users")]


def acknowledged(outcome: Outcome) -> int:
    return int(outcome.states[-1]) if outcome.states else 0


def expect_kept_and_resumed(destination: Destination, failed: Outcome, resumed: Outcome) -> None:
    """The stream failed alone and named the disk; acknowledged rows were kept, and the next run did the rest."""
    assert failed.code == 1
    assert 0 < acknowledged(failed) < RECORDS
    assert any("disk is full" in error["message"] for error in failed.errors)
    assert [error["stream_descriptor"]["name"] for error in failed.errors] == ["users"]
    assert (resumed.code, resumed.errors) == (0, [])
    assert [number for (number,) in destination.query('SELECT id FROM users ORDER BY "id"')] == list(
        range(1, RECORDS + 1)
    )
    assert destination.tables() == ["users"]


# A limit on the size of files does what a full disk does, and needs no rights.
LIMITED = """
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
os.execv(sys.executable, [sys.executable, "-m", *sys.argv[2:]])
"""


def test_a_file_that_may_not_grow_fails_the_stream_and_the_next_run_resumes_it(tmp_path: Path) -> None:
    destination = duckdb_destination(tmp_path)
    sent = messages(1, RECORDS + 1)
    files = ["--config", destination.file("config.json", destination.config)]
    files += ["--catalog", destination.file("catalog.json", users(2))]
    limited = [sys.executable, "-c", LIMITED, str(6 * MEBIBYTE), "connectors.duckdb", "write", *files]
    ran = subprocess.run(
        [*limited, *ARGUMENTS],
        input=b"".join(sent),
        capture_output=True,
        cwd=ROOT,
        env=installed(),
        timeout=TIMEOUT,
        check=False,
    )
    failed = Outcome.of(ran.returncode, ran.stdout)

    resumed = destination.write(users(2), messages(acknowledged(failed) + 1, RECORDS + 1), *ARGUMENTS)

    expect_kept_and_resumed(destination, failed, resumed)


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[None]:
    """A file system of this size. Only root can make one."""
    folder.mkdir(exist_ok=True)
    mount("-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder))
    try:
        yield
    finally:
        subprocess.run(["/bin/umount", "--lazy", str(folder)], check=True)


def make_room(folder: Path) -> None:
    mount("-o", "remount,size=256m", str(folder))


def mount(*arguments: str) -> None:
    subprocess.run(["/bin/mount", *arguments], check=True)


@pytest.mark.campaign
def test_a_full_disk_under_duckdb_fails_the_stream_and_the_next_run_resumes_it(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 6):
        destination = duckdb_destination(tmp_path / "disk")
        failed = destination.write(users(2), messages(1, RECORDS + 1), *ARGUMENTS)
        make_room(tmp_path / "disk")

        resumed = destination.write(users(2), messages(acknowledged(failed) + 1, RECORDS + 1), *ARGUMENTS)

        expect_kept_and_resumed(destination, failed, resumed)


@pytest.mark.campaign
def test_a_full_disk_under_postgres_fails_the_stream_and_the_next_run_resumes_it(tmp_path: Path) -> None:
    disk = ROOM / f"dataflow-full-{os.getpid()}"
    with EmbeddedPostgres() as server, small_disk(disk, 14):
        user = server_user()
        if user is not None:
            os.chown(disk, user.uid, user.gid)
        with psycopg.connect(server.address.dsn, autocommit=True) as person:
            person.execute(SQL("CREATE TABLESPACE small LOCATION {}").format(Literal(str(disk))))
            person.execute("CREATE DATABASE it TABLESPACE small")
        destination = postgres_destination(tmp_path, server.address.database("it"))
        failed = destination.write(users(2), messages(1, RECORDS + 1), *ARGUMENTS)
        make_room(disk)

        resumed = destination.write(users(2), messages(acknowledged(failed) + 1, RECORDS + 1), *ARGUMENTS)

        expect_kept_and_resumed(destination, failed, resumed)
        server.stop()
    disk.rmdir()
