"""The runtime of a simulated process: its clock, randomness and threads, all of them the scheduler's."""

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol, Self

from connectors.simulation.scheduler import BEGINNING, NEVER, Process, Scheduler, Turn
from dataflow.runtime import Runtime
from dataflow.runtime.requests import UNWATCHED, Requests
from dataflow.runtime.threads import Empty


class Input(Protocol):
    """What a process reads."""

    def available_at(self) -> float:
        """The moment from which there is something to read, or the end."""
        ...

    def arrive(self) -> None:
        """Let it come, at that moment."""
        ...


def runtime_of(
    process: Process, source: Input, ahead: float = 0.0, requests: Requests = UNWATCHED
) -> Runtime:
    """The runtime of a process that reads this input. Its clock is this many seconds ahead."""
    clock, threads = SimulatedClock(process.scheduler, ahead), SimulatedThreads(process, source)
    return Runtime(clock=clock, randomness=threads, threads=threads, requests=requests)


class SimulatedClock:
    """The time of the scheduler."""

    def __init__(self, scheduler: Scheduler, ahead: float) -> None:
        self._scheduler = scheduler
        self._ahead = ahead

    def now(self) -> float:
        """The time since 1970, as somebody has set it on this machine."""
        return BEGINNING + self._scheduler.time + self._ahead

    def monotonic(self) -> float:
        """The time since the history began."""
        return self._scheduler.time

    def processor(self) -> float:
        """Nothing takes processor time here."""
        return 0.0


class SimulatedThreads:
    """The threads of one process, and its randomness."""

    def __init__(self, process: Process, source: Input) -> None:
        self._process = process
        self._source = source
        self._scheduler = process.scheduler

    def take(self, count: int) -> bytes:
        """The next random bytes."""
        return self._scheduler.random.randbytes(count)

    def start(self, work: Callable[[], None], name: str) -> "StartedThread":
        """Do the work on a thread of its own."""
        self._scheduler.handover()
        return StartedThread(self._scheduler, self._scheduler.start(work, name, self._process))

    def current(self) -> str:
        """The name of the thread whose turn it is."""
        return self._scheduler.now.name

    def sleep(self, seconds: float) -> None:
        """Let this much time pass."""
        self._scheduler.wait(self._scheduler.time + seconds)

    def readable(self, descriptor: int, timeout: float | None = None) -> bool:
        """Wait for the source; it is the only file descriptor that is read."""
        scheduler, until = self._scheduler, _until(self._scheduler, timeout)
        at = self._source.available_at()
        if at > scheduler.time:
            scheduler.wait(min(at, until))
        else:
            scheduler.handover()
        if at > scheduler.time:
            return False
        self._source.arrive()
        return True

    def lock(self) -> "SimulatedLock":
        """A lock."""
        return SimulatedLock(self._scheduler, self._process)

    def condition(self) -> "SimulatedLock":
        """A condition, on a lock of its own."""
        return SimulatedLock(self._scheduler, self._process)

    def event(self) -> "SimulatedEvent":
        """An event."""
        return SimulatedEvent(self._scheduler)

    def queue(self) -> "SimulatedQueue":
        """A queue."""
        return SimulatedQueue(self._scheduler)


class StartedThread:
    """A thread that was started."""

    def __init__(self, scheduler: Scheduler, turn: Turn) -> None:
        self._scheduler = scheduler
        self._turn = turn

    def join(self, timeout: float | None = None) -> None:
        """Wait until its work has ended."""
        self._scheduler.join(self._turn, _until(self._scheduler, timeout))

    def is_alive(self) -> bool:
        """Whether its work has not ended."""
        return self._turn.alive


class SimulatedLock(AbstractContextManager[Any]):
    """A lock that its holder may take again, and a condition."""

    def __init__(self, scheduler: Scheduler, process: Process) -> None:
        self._scheduler = scheduler
        self._process = process
        self._holder: Turn | None = None
        self._depth = 0
        # Those that want the lock, and those that wait for a notification.
        self._wanting: list[Turn] = []
        self._listening: list[Turn] = []

    def __enter__(self) -> Self:
        scheduler = self._scheduler
        if self._holder is scheduler.now:
            self._depth += 1
            return self
        if self._process.dead and scheduler.now.process is not self._process:
            # What is left of a dead process is cleared away, at a moment that Python chooses.
            return self
        scheduler.handover()
        self._take(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A thread that was killed as it waited holds nothing.
        if self._holder is self._scheduler.now:
            self._depth -= 1
            if not self._depth:
                self._release()

    def wait(self, timeout: float | None = None) -> bool:
        """Give the lock up until somebody notifies; whether somebody did."""
        depth = self._depth
        self._depth = 0
        self._release()
        notified = _park(self._scheduler, self._listening, _until(self._scheduler, timeout))
        self._take(depth)
        return notified

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        """The same until the predicate holds; whether it does."""
        until = _until(self._scheduler, timeout)
        while not predicate() and self._scheduler.time < until:
            self.wait(None if until == NEVER else until - self._scheduler.time)
        return predicate()

    def notify_all(self) -> None:
        """Let all that wait look again."""
        for turn in self._listening:
            self._scheduler.wake(turn)
        self._listening.clear()

    def _take(self, depth: int) -> None:
        scheduler = self._scheduler
        me = scheduler.now
        while self._holder is not None:
            _park(scheduler, self._wanting, NEVER)
        self._holder, self._depth = me, depth

    def _release(self) -> None:
        self._holder = None
        for turn in self._wanting:
            self._scheduler.wake(turn)
        self._wanting.clear()


class SimulatedEvent:
    """Something that happens once."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._happened = False
        self._waiting: list[Turn] = []

    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._happened

    def set(self) -> None:
        """Let it happen."""
        self._scheduler.handover()
        self._happened = True
        for turn in self._waiting:
            self._scheduler.wake(turn)
        self._waiting.clear()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has happened; whether it has."""
        scheduler, until = self._scheduler, _until(self._scheduler, timeout)
        scheduler.handover()
        while not self._happened and scheduler.time < until:
            _park(scheduler, self._waiting, until)
        return self._happened


class SimulatedQueue:
    """What one thread hands to another."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._items = deque[Any]()
        self._waiting: list[Turn] = []

    def put(self, item: Any) -> None:
        """Hand an item over."""
        self._scheduler.handover()
        self._items.append(item)
        for turn in self._waiting:
            self._scheduler.wake(turn)
        self._waiting.clear()

    def get(self, *, timeout: float | None = None) -> Any:
        """Wait for the next item; Empty when none came in time."""
        scheduler, until = self._scheduler, _until(self._scheduler, timeout)
        scheduler.handover()
        while not self._items:
            if scheduler.time >= until:
                raise Empty
            _park(scheduler, self._waiting, until)
        return self._items.popleft()

    def qsize(self) -> int:
        """How many items wait."""
        return len(self._items)


def _park(scheduler: Scheduler, waiting: list[Turn], until: float) -> bool:
    """Wait among others for somebody who wakes them all; whether that was what came first."""
    me = scheduler.now
    waiting.append(me)
    try:
        return scheduler.wait(until)
    finally:
        if me in waiting:
            waiting.remove(me)


def _until(scheduler: Scheduler, timeout: float | None) -> float:
    return NEVER if timeout is None else scheduler.time + timeout
