"""A cluster of dask.distributed that writes a load's shards. Holds no task that carries a secret; starts no worker.

Waits within dask, on its client's own thread, as a driver waits for its database.
"""

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from connectors.engine.load.executors import Running
from dataflow.errors import ConfigError, DataflowError, TransientError
from dataflow.runtime.clock import Clock
from machines.formatting import duration

Given = TypeVar("Given")
Found = TypeVar("Found")
DOING = "writing the shards on the cluster"
# Seconds: for the scheduler's answer, until an empty cluster is reported, and until it is given up.
ANSWER, SILENCE, PATIENCE = 30.0, 30.0, 600.0
# For each thread of the cluster: as much as keeps it busy.
AHEAD = 2


class Cluster:
    """The workers of a scheduler. At most `most` tasks are submitted at a time."""

    def __init__(
        self, scheduler: str, most: int | None, say: Callable[[str], None], clock: Clock, client: Any = None
    ) -> None:
        """Connects to the scheduler. `say` is given a warning while the cluster has no worker.

        Raises ConfigError when dask is not installed, or the scheduler does not answer.
        """
        self._scheduler = scheduler
        self._most = most
        self._say = say
        self._clock = clock
        self._client = client or _connected(scheduler)
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError
        from distributed.comm import CommClosedError

        self.lost: tuple[type[BaseException], ...] = (
            KilledWorker,
            CommClosedError,
            FutureCancelledError,
        )
        # Since when no worker was seen, and when that was reported last.
        self._empty_since: float | None = None
        self._said = 0.0

    @property
    def window(self) -> int:
        """How many tasks may be submitted and not done."""
        threads: int = sum(each["nthreads"] for each in self._workers().values())
        wanted = max(1, AHEAD * threads)
        return min(self._most, wanted) if self._most is not None else wanted

    def submit(self, work: Callable[[Given], Found], task: Given) -> Running:
        """Have a worker do the work. Raises TransientError when the scheduler is gone."""
        if self._client.status != "running":
            raise self._gone()
        # Each submission is a try of its own, also of the same shard.
        return _Submitted(self._client.submit(work, task, pure=False, retries=0))

    def first(self, running: Collection[Any], timeout: float) -> Collection[Running]:
        """Those that are done, once there is one, or after `timeout` seconds.

        Raises TransientError when there was no worker for a long time.
        """
        from distributed import wait

        if self._client.status != "running":
            raise self._gone()
        try:
            with self._client.as_current():
                wait([each.future for each in running], timeout=timeout, return_when="FIRST_COMPLETED")
        except TimeoutError:
            self._expect_workers()
        return [each for each in running if each.future.done()]

    def close(self) -> None:
        """Give up what is submitted, and leave the scheduler."""
        self._client.close(timeout=ANSWER)

    def _workers(self) -> Any:
        return self._client.scheduler_info(n_workers=-1)["workers"]

    def _expect_workers(self) -> None:
        now = self._clock.monotonic()
        if self._workers():
            self._empty_since = None
            return
        since = self._empty_since = self._empty_since if self._empty_since is not None else now
        if now - since >= PATIENCE:
            raise TransientError(
                f"The cluster of {self._scheduler} has had no worker for {duration(now - since)}.",
                doing=DOING,
                remedy="The shards that are written are kept. Start workers, then run the same load again: it goes on.",
            )
        if now - max(since, self._said) >= SILENCE:
            self._said = now
            self._say(
                f"The cluster of {self._scheduler} has had no worker for {duration(now - since)}. Start one: dask "
                f"worker {self._scheduler}"
            )

    def _gone(self) -> DataflowError:
        return TransientError(
            f"The scheduler {self._scheduler} is gone.",
            doing=DOING,
            remedy="The shards that are written are kept. Start the scheduler and its workers, then run the same load "
            "again: it goes on.",
        )


class _Submitted:
    """A task on the cluster."""

    def __init__(self, future: Any) -> None:
        self.future = future

    def result(self) -> Any:
        """What it returned. Raises ConfigError when the worker does not have this version of us."""
        try:
            return self.future.result()
        except (ImportError, AttributeError) as error:
            raise ConfigError(
                "A worker of the cluster cannot run the load: it has not the same packages.",
                doing=DOING,
                remedy="Install one version of dataflow-destinations, with the destination's extra, on all machines.",
            ) from error


def _connected(scheduler: str) -> Any:
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise ConfigError(
            "A load on a cluster needs the Python package distributed, which is not installed.",
            doing="looking for the cluster",
            remedy="Run: pip install 'dataflow-destinations[dask]'",
        ) from error
    try:
        return Client(scheduler, timeout=ANSWER, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ConfigError(
            f"No scheduler of dask answers at {scheduler}.",
            doing="looking for the cluster",
            remedy="Check the address, such as tcp://scheduler:8786, and that the scheduler runs. Nothing was written.",
        ) from error
