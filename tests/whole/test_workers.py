"""Loads whose shards several processes of one machine write: each row is there once, whichever of them is killed."""

import json
import os
import pickle
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from connectors.engine.load.writing import Target
from connectors.engine.process.shard_task import Task, Writer, our_version
from dataflow.types import StreamName, TableName
from tests.starting import installed
from tests.whole.command import TIMEOUT, Destination
from tests.whole.loading import ENVIRONMENT, MAIN, load, to
from tests.whole.places import place_of

COUNT = 60_000
IN_SHARDS = ("--mode", "append", "--shard-bytes", "128KiB")


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    """About twenty shards."""
    for part in range(2):
        rows = range(part, COUNT, 2)
        (tmp_path / f"{part}.ndjson").write_text(
            "".join(json.dumps({"id": number, "name": f"user {number}"}) + "\n" for number in rows)
        )
    return tuple(str(tmp_path / f"{part}.ndjson") for part in range(2))


@pytest.fixture
def postgres(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Destination]:
    """A database to which several processes may write."""
    with place_of("postgres", request).empty(tmp_path) as made:
        yield made


def expect_each_once(destination: Destination) -> None:
    counted = destination.query(
        "SELECT count(*), count(DISTINCT id), sum(id), count(DISTINCT _airbyte_raw_id) "
        f'FROM "{destination.namespace}"."users"'
    )
    assert [tuple(map(int, row)) for row in counted] == [(COUNT, COUNT, COUNT * (COUNT - 1) // 2, COUNT)]
    assert destination.tables() == ["users"]


@contextmanager
def loading(destination: Destination, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [*MAIN, "load", *arguments, *to(destination)],
        env=installed() | ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def workers_of(process: "subprocess.Popen[str]") -> list[int]:
    """The processes that write for it; multiprocessing's own helper is none of them."""
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        commands = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    except FileNotFoundError:
        return []
    return [child for child, command in commands.items() if b"spawn_main" in command]


def wait_for_workers(process: "subprocess.Popen[str]") -> list[int]:
    end = time.monotonic() + TIMEOUT
    while not (found := workers_of(process)):
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.01)
    return found


def test_several_processes_write_each_row_once_and_where_only_one_may_a_warning_says_so(
    destination: Destination, files: tuple[str, ...]
) -> None:
    done = load(destination, *files, "--stream", "users", *IN_SHARDS, "--workers", "2")

    one = "This destination takes one writer at a time: the load is written by one process."
    assert done.code == 0
    assert (one in done.err) == (destination.name != "postgres")
    assert f"Loaded {COUNT:,} rows of 2 files." in done.out
    expect_each_once(destination)


def test_workers_that_are_killed_lose_nothing(postgres: Destination, files: tuple[str, ...]) -> None:
    chance, killed = random.Random(1), 0

    with loading(postgres, *files, "--stream", "users", *IN_SHARDS, "--workers", "2") as process:
        while killed < 3 and process.poll() is None:
            # None are there while they are replaced, and once the load has ended.
            if workers := workers_of(process):
                os.kill(chance.choice(workers), signal.SIGKILL)
                killed += 1
            time.sleep(chance.uniform(0.5, 2.0) if workers else 0.01)
        out, _ = process.communicate(timeout=TIMEOUT)

    assert killed > 0
    assert process.returncode == 0, out
    expect_each_once(postgres)


def test_a_coordinator_that_is_killed_takes_its_workers_along_and_the_next_goes_on(
    postgres: Destination, files: tuple[str, ...]
) -> None:
    asked = (*files, "--stream", "users", *IN_SHARDS)
    with loading(postgres, *asked, "--workers", "2") as process:
        workers = wait_for_workers(process)
        time.sleep(1.5)
    end = time.monotonic() + TIMEOUT
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < end
        time.sleep(0.05)

    done = load(postgres, *asked)

    assert done.code == 0
    expect_each_once(postgres)


def test_a_load_that_is_asked_to_stop_ends_and_goes_on_with_the_next(
    postgres: Destination, files: tuple[str, ...]
) -> None:
    asked = (*files, "--stream", "users", *IN_SHARDS)
    with loading(postgres, *asked, "--workers", "2") as process:
        wait_for_workers(process)
        process.terminate()
        out, _ = process.communicate(timeout=TIMEOUT)

    done = load(postgres, *asked)

    assert process.returncode == 128 + signal.SIGTERM, out
    assert "The load was asked to stop, by SIGTERM." in out
    assert done.code == 0
    expect_each_once(postgres)


def test_a_task_for_another_machine_holds_no_secret(postgres: Destination) -> None:
    writer = Writer(
        destination="postgres",
        config="/etc/dataflow/config.json",
        target=Target(stream=StreamName(None, "users"), table=TableName("public", "users"), load="1"),
        engine=our_version(),
    )

    sent = pickle.dumps(Task(writer=writer, number=0))

    secrets = [str(value) for value in postgres.config.values() if len(str(value)) > len("postgres")]
    assert secrets
    assert not [secret for secret in secrets if secret.encode() in sent]
    assert pickle.loads(sent) == Task(writer=writer, number=0)  # noqa: S301 - made above


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(34))
@pytest.mark.parametrize("mode", [("--mode", "append"), ("--key", "id"), ("--mode", "overwrite")])
def test_workers_and_coordinators_that_die_at_random_moments_lose_nothing_and_write_nothing_twice(
    postgres: Destination, files: tuple[str, ...], mode: tuple[str, str], seed: int
) -> None:
    chance, deaths = random.Random(seed), 0
    asked = (*files, "--stream", "users", *mode, "--shard-bytes", "128KiB", "--workers", "2")
    out = ""

    while deaths < 4:
        with loading(postgres, *asked) as process:
            while deaths < 4 and process.poll() is None:
                time.sleep(chance.expovariate(1.0))
                victims = [*workers_of(process), process.pid]
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(victims), signal.SIGKILL)
                deaths += 1
            if process.poll() is None:
                out, _ = process.communicate(timeout=TIMEOUT)
    last = load(postgres, *asked)

    assert last.code == 0, out + last.err
    expect_each_once(postgres)
