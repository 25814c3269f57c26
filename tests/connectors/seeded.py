"""A runtime that runs one thread at a time, and chooses which by a seed. Time passes when every thread waits for it.

So a run under a seed can be repeated exactly, however busy the machine is. Each thread of it is one of the system's,
which waits for its turn, and gives its turn up wherever it takes a lock or waits.
"""

import select
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from random import Random
from types import TracebackType
from typing import Any, Self

from attrs import define, field

from dataflow.runtime import Runtime
from dataflow.runtime.threads import Empty

NEVER = float("inf")
# 2026-01-01, UTC.
BEGINNING = 1_767_225_600.0


@define(eq=False)
class Turn:
    """A thread, what it waits for, and until when it does so at most."""

    name: str
    given: threading.Semaphore = field(factory=lambda: threading.Semaphore(0))
    ready: Callable[[], bool] = lambda: True
    until: float = NEVER
    alive: bool = True
    scheduler: "Scheduler | None" = None

    def join(self, timeout: float | None = None) -> None:
        assert self.scheduler is not None
        self.scheduler.wait(lambda: not self.alive, timeout)

    def is_alive(self) -> bool:
        return self.alive


class Scheduler:
    """Clock, randomness and threads in one: all of it follows from the seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._time = 0.0
        self._now = Turn("main", scheduler=self)
        self._turns = [self._now]
        # The names of the threads in the order of their turns.
        self.course: list[str] = []
        # The names of those that were started, in their order.
        self.started: list[str] = []

    # -- the clock

    def now(self) -> float:
        return BEGINNING + self._time

    def monotonic(self) -> float:
        return self._time

    def processor(self) -> float:
        return 0.0

    # -- randomness

    def take(self, count: int) -> bytes:
        return self._random.randbytes(count)

    # -- threads

    def start(self, work: Callable[[], None], name: str) -> Turn:
        turn = Turn(name, scheduler=self)

        def run() -> None:
            turn.given.acquire()
            try:
                work()
            finally:
                turn.alive = False
                self._turns.remove(turn)
                self._choose().given.release()

        self.started.append(name)
        threading.Thread(target=run, name=name, daemon=True).start()
        self._turns.append(turn)
        return turn

    def current(self) -> str:
        return self._now.name

    def sleep(self, seconds: float) -> None:
        self.wait(lambda: False, seconds)

    def readable(self, descriptor: int, timeout: float | None = None) -> bool:
        return self.wait(lambda: bool(select.select([descriptor], [], [], 0)[0]), timeout)

    def lock(self) -> "Lock":
        return Lock(self)

    def condition(self) -> "Lock":
        return Lock(self)

    def event(self) -> "Event":
        return Event(self)

    def queue(self) -> "Queue":
        return Queue(self)

    def wait(self, ready: Callable[[], bool], timeout: float | None = None) -> bool:
        """Give the turn up until this is so, or the time is over; whether it is so."""
        turn = self._now
        turn.ready, turn.until = ready, NEVER if timeout is None else self._time + timeout
        chosen = self._choose()
        if chosen is not turn:
            chosen.given.release()
            turn.given.acquire()
        found = ready()
        turn.ready, turn.until = (lambda: True), NEVER
        return found

    def me(self) -> Turn:
        """Whose turn it is."""
        return self._now

    def _choose(self) -> Turn:
        """Whose turn is next. Without anybody who can go on, the time passes until somebody has waited long enough."""
        while not (able := [turn for turn in self._turns if turn.until <= self._time or turn.ready()]):
            self._time = min(turn.until for turn in self._turns)
            assert self._time < NEVER, f"all wait for each other: {[turn.name for turn in self._turns]}"
        self._now = self._random.choice(able)
        self.course.append(self._now.name)
        return self._now


class Lock(AbstractContextManager[Any]):
    """A lock, and what is notified on it."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._holder: Turn | None = None
        self._depth = 0
        self._notified = 0

    def __enter__(self) -> Self:
        me = self._scheduler.me()
        if self._holder is not me:
            self._scheduler.wait(lambda: self._holder is None)
            self._holder = me
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if not self._depth:
            self._holder = None

    def wait(self, timeout: float | None = None) -> bool:
        me, depth, seen = self._scheduler.me(), self._depth, self._notified
        assert self._holder is me
        self._holder, self._depth = None, 0
        notified = self._scheduler.wait(lambda: self._notified > seen, timeout)
        self._scheduler.wait(lambda: self._holder is None)
        self._holder, self._depth = me, depth
        return notified

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        until = NEVER if timeout is None else self._scheduler.monotonic() + timeout
        while not predicate() and (left := until - self._scheduler.monotonic()) > 0:
            self.wait(None if left == NEVER else left)
        return predicate()

    def notify_all(self) -> None:
        self._notified += 1


class Event:
    """Something that happens once."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._happened = False

    def is_set(self) -> bool:
        return self._happened

    def set(self) -> None:
        self._happened = True

    def wait(self, timeout: float | None = None) -> bool:
        return self._scheduler.wait(self.is_set, timeout)


class Queue:
    """What one thread hands to another."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._items = deque[Any]()

    def put(self, item: Any) -> None:
        self._items.append(item)

    def get(self, *, timeout: float | None = None) -> Any:
        if not self._scheduler.wait(lambda: bool(self._items), timeout):
            raise Empty
        return self._items.popleft()

    def qsize(self) -> int:
        return len(self._items)


@contextmanager
def seeded(seed: int) -> Iterator[tuple[Runtime, Scheduler]]:
    """A runtime under a seed. In the end no thread of it is left."""
    scheduler = Scheduler(seed)
    yield Runtime(clock=scheduler, randomness=scheduler, threads=scheduler), scheduler
    left = [turn.name for turn in scheduler._turns[1:]]
    assert not left, f"still alive: {left}"
