"""What writes a load's shards: this process, or processes beside it. Which shards are there, the ledger alone says.

Whatever has these methods and attributes can write shards. What a task returns only reports: it may be lost with its
worker, after its shard was committed.
"""

from collections.abc import Callable, Collection
from typing import Any, Protocol, TypeVar

from attrs import frozen

from dataflow.runtime.processes import ProcessPool

Given = TypeVar("Given")
Found = TypeVar("Found")


class Running(Protocol):
    """A task that was submitted. It is hashable."""

    def result(self) -> Any:
        """What it returned; waits for it. Raises one of `Executor.lost` where its worker is gone."""
        ...


class Executor(Protocol):
    """Runs tasks. `window` is how many may be submitted at a time; `lost` are errors that mean a worker is gone."""

    @property
    def window(self) -> int:
        """How many tasks may be submitted and not done."""
        ...

    @property
    def lost(self) -> tuple[type[BaseException], ...]:
        """What `result` raises where a worker is gone: the task may be submitted again."""
        ...

    def submit(self, work: Callable[[Given], Found], task: Given) -> Running:
        """Have a worker do the work. Both are plain data, or found by their names."""
        ...

    def first(self, running: Collection[Running], timeout: float) -> Collection[Running]:
        """Those that are done, once there is one, or after `timeout` seconds."""
        ...

    def close(self) -> None:
        """Let the workers go; what is still at work is given up. May be called twice."""
        ...


@frozen(eq=False)
class Done:
    """A task that is done."""

    _returned: Any

    def result(self) -> Any:
        """What it returned."""
        return self._returned


class InProcess:
    """This process does the work itself, when it is submitted."""

    window = 1
    lost: tuple[type[BaseException], ...] = ()

    def __init__(self, closing: Callable[[], None]) -> None:
        """`closing` is called in the end."""
        self._closing = closing

    def submit(self, work: Callable[[Given], Found], task: Given) -> Running:
        return Done(work(task))

    def first(self, running: Collection[Running], timeout: float) -> Collection[Running]:
        return list(running)

    def close(self) -> None:
        self._closing()


class LocalProcesses:
    """Processes on this machine."""

    def __init__(self, count: int) -> None:
        self.window = count
        self._pool = ProcessPool(count)
        self.lost = self._pool.lost

    def submit(self, work: Callable[[Given], Found], task: Given) -> Running:
        return self._pool.submit(work, task)

    def first(self, running: Collection[Any], timeout: float) -> Collection[Running]:
        return self._pool.first(running, timeout)

    def close(self) -> None:
        self._pool.end()
