"""The home of threads, and of every wait: for time to pass, for input, for a lock, and for another thread.

The locks, conditions, events and queues of the engine are made here, since a scheduler that runs one thread at a time
must know which thread waits for which.
"""

import select
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from attrs import field, frozen

__all__ = ["Condition", "Empty", "Event", "JoinedThreads", "Queue", "SystemThreads", "Thread", "Threads"]

T = TypeVar("T")


class Thread(Protocol):
    """A thread that was started."""

    def join(self, timeout: float | None = None) -> None:
        """Wait until its work has ended, for `timeout` seconds at most."""
        ...

    def is_alive(self) -> bool:
        """Whether its work has not ended."""
        ...


class Event(Protocol):
    """Something that happens once."""

    def is_set(self) -> bool:
        """Whether it has happened."""
        ...

    def set(self) -> None:
        """Let it happen."""
        ...

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has happened, for `timeout` seconds at most; whether it has."""
        ...


class Condition(AbstractContextManager[Any], Protocol):
    """A lock whose holder can wait for a change by another holder. A thread may take it again while it has it."""

    def wait(self, timeout: float | None = None) -> bool:
        """Give the lock up until somebody notifies, for `timeout` seconds at most; whether somebody did."""
        ...

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        """The same until the predicate holds; whether it does."""
        ...

    def notify_all(self) -> None:
        """Let all that wait look again."""
        ...


class Queue(Protocol[T]):
    """Items that one thread hands to another, in their order. It has no limit."""

    def put(self, item: T) -> None:
        """Hand an item over."""
        ...

    def get(self, *, timeout: float | None = None) -> T:
        """Wait for the next item. Raises Empty when none came within `timeout` seconds."""
        ...

    def qsize(self) -> int:
        """How many items wait."""
        ...


class Threads(Protocol):
    """Starts threads, makes what they wait for, and waits. Safe to use from several threads."""

    def start(self, work: Callable[[], None], name: str) -> Thread:
        """Do the work on a thread of its own, which does not keep the process from ending."""
        ...

    def current(self) -> str:
        """The name of the calling thread."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let this much time pass."""
        ...

    def readable(self, descriptor: int, timeout: float | None = None) -> bool:
        """Wait until a file descriptor has input or its end, for `timeout` seconds at most; whether it has.

        Without a timeout the read that follows may be what waits.
        """
        ...

    def lock(self) -> AbstractContextManager[Any]:
        """A lock. The thread that has it may take it again."""
        ...

    def condition(self) -> Condition:
        """A condition, on a lock of its own."""
        ...

    def event(self) -> Event:
        """An event that has not happened."""
        ...

    def queue(self) -> "Queue[Any]":
        """An empty queue."""
        ...


@frozen
class SystemThreads:
    """The threads of the system, which run side by side."""

    def start(self, work: Callable[[], None], name: str) -> Thread:
        """Do the work on a thread of its own."""
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        return thread

    def current(self) -> str:
        """The name of the calling thread."""
        return threading.current_thread().name

    def sleep(self, seconds: float) -> None:
        """Let this much time pass."""
        time.sleep(seconds)

    def readable(self, descriptor: int, timeout: float | None = None) -> bool:
        """Wait until a file descriptor has input or its end."""
        if timeout is None:
            # To ask first would cost each chunk of the input one more wait for the interpreter.
            return True
        found, _, _ = select.select([descriptor], [], [], timeout)
        return bool(found)

    def lock(self) -> AbstractContextManager[Any]:
        """A lock."""
        return threading.RLock()

    def condition(self) -> Condition:
        """A condition, on a lock of its own."""
        return threading.Condition()

    def event(self) -> Event:
        """An event that has not happened."""
        return threading.Event()

    def queue(self) -> "Queue[Any]":
        """An empty queue."""
        return SimpleQueue[Any]()


# In seconds: how long a thread is waited for that does not end, and how long one sleeps that is to end.
PATIENCE, BRIEFLY = 5.0, 0.01


@frozen
class JoinedThreads(SystemThreads):
    """The same for work that comes to an end, and leaves no thread behind."""

    _started: "SimpleQueue[Thread]" = field(factory=SimpleQueue, init=False, repr=False)
    _over: Event = field(factory=threading.Event, init=False, repr=False)

    def start(self, work: Callable[[], None], name: str) -> Thread:
        """Do the work on a thread of its own."""
        thread = SystemThreads.start(self, work, name)
        self._started.put(thread)
        return thread

    def sleep(self, seconds: float) -> None:
        """Let this much time pass, or less once the work is over."""
        if self._over.wait(seconds):
            SystemThreads.sleep(self, min(seconds, BRIEFLY))

    def join(self) -> None:
        """The work is over: wake what sleeps, and wait until each thread has ended.

        One that waits for a network, and does not end within 5 seconds, is left to end by itself.
        """
        self._over.set()
        while True:
            try:
                thread = self._started.get_nowait()
            except Empty:
                return
            thread.join(PATIENCE)
