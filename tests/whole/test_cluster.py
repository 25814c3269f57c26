"""Loads on a cluster of dask: bounded, with a warning while it is silent, and refused where it could not work."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import define, field
from distributed import LocalCluster

from connectors.engine.load import cluster as module
from connectors.engine.load.cluster import Cluster
from connectors.engine.load.executors import Running
from connectors.engine.load.writing import Target
from connectors.engine.process.shard_task import Task, Writer, write_task
from dataflow.errors import ConfigError, TransientError
from dataflow.runtime.clock import SetClock
from dataflow.types import StreamName, TableName
from tests.whole.command import Destination
from tests.whole.loading import load
from tests.whole.places import place_of

COUNT = 20_000
# dask leaves sockets and threads of its own to be collected.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a scheduler with two workers."""
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as made:
        yield str(made.scheduler_address)


@pytest.fixture
def empty() -> Iterator[str]:
    """The address of a scheduler without a worker."""
    with LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=50) as made:
        yield str(made.scheduler_address)


@pytest.fixture
def postgres(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Destination]:
    """A database to which several processes may write."""
    with place_of("postgres", request).empty(tmp_path) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Some shards of rows."""
    path = tmp_path / "users.ndjson"
    path.write_text("".join(json.dumps({"id": number}) + "\n" for number in range(COUNT)))
    return str(path)


def test_the_workers_of_a_cluster_write_each_row_once(
    scheduler: str, postgres: Destination, file: str
) -> None:
    asked = (file, "--mode", "append", "--shard-bytes", "32KiB", "--on", scheduler, "--connections", "2")

    loads = [load(postgres, *asked) for _ in range(2)]

    assert [done.code for done in loads] == [0, 0], loads[0].err
    assert f"Loaded {COUNT:,} rows of 1 file." in loads[0].out
    assert "Nothing to load." in loads[1].out
    (counted,) = postgres.query(f'SELECT count(*), count(DISTINCT id) FROM "{postgres.namespace}"."users"')
    assert tuple(counted) == (COUNT, COUNT)


def test_a_configuration_that_no_worker_has_is_named_and_what_is_written_stays(
    scheduler: str, postgres: Destination, file: str
) -> None:
    done = load(
        postgres, file, "--mode", "append", "--on", scheduler, "--config-on-workers", "/nowhere/config.json"
    )

    assert done.code == 1
    assert "The configuration '/nowhere/config.json' cannot be read" in done.err


def test_a_database_that_one_process_opens_takes_no_cluster(
    request: pytest.FixtureRequest, tmp_path: Path, file: str
) -> None:
    with place_of("sqlite", request).empty(tmp_path) as sqlite:
        done = load(sqlite, file, "--mode", "append", "--on", "tcp://127.0.0.1:1")

    assert done.code == 1
    assert "This destination is opened by one process, so no cluster can write to it." in done.err


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER", 0.5)

    with pytest.raises(ConfigError, match=r"No scheduler of dask answers at tcp://127\.0\.0\.1:1"):
        Cluster("tcp://127.0.0.1:1", None, lambda _: None, SetClock())


@define
class Heard:
    """What a cluster said."""

    messages: list[str] = field(factory=list)

    def say(self, message: str) -> None:
        self.messages.append(message)


def nothing(_: int) -> None:
    """A task."""


def test_the_silence_of_an_empty_cluster_is_reported_after_30_seconds_and_ends_after_ten_minutes(
    empty: str,
) -> None:
    clock, heard = SetClock(), Heard()
    cluster = Cluster(empty, None, heard.say, clock)
    running: list[Running] = [cluster.submit(nothing, 0)]

    def look(at: float) -> list[str]:
        clock.at = at
        assert not cluster.first(running, 0.01)
        return list(heard.messages)

    said = [len(look(at)) for at in (0, 29, 31, 59, 62)]
    with pytest.raises(TransientError, match="has had no worker for 10"):
        look(600)
    cluster.close()

    assert said == [0, 0, 1, 1, 2]
    assert f"dask worker {empty}" in heard.messages[0]


def test_no_more_tasks_are_submitted_than_connections_are_allowed(scheduler: str) -> None:
    clusters = [Cluster(scheduler, most, lambda _: None, SetClock()) for most in (None, 3, 1)]

    windows = [cluster.window for cluster in clusters]
    for cluster in clusters:
        cluster.close()

    assert windows == [4, 3, 1]


def test_a_scheduler_that_goes_away_ends_the_load_with_a_word_on_how_to_go_on() -> None:
    with LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=50) as made:
        cluster = Cluster(str(made.scheduler_address), None, lambda _: None, SetClock())
        cluster.submit(nothing, 0)
    cluster.close()

    with pytest.raises(TransientError, match="is gone"):
        cluster.submit(nothing, 0)


def test_a_worker_of_another_version_is_refused() -> None:
    writer = Writer(
        destination="sqlite",
        config="/nowhere",
        target=Target(stream=StreamName(None, "users"), table=TableName("main", "users"), load="1"),
        engine="0.0.1",
    )

    outcome = write_task(Task(writer=writer, number=3))

    assert outcome.failure is not None
    assert "and the load was opened by version 0.0.1" in outcome.failure.message
    assert outcome.number == 3
