"""The home of the time. A clock gives the time and never waits; `threads` waits."""

import time
from typing import Protocol

from attrs import define, frozen


class Clock(Protocol):
    """Gives the time, in seconds. Safe to use from several threads."""

    def now(self) -> float:
        """The time since 1970, in UTC. Somebody may set it back."""
        ...

    def monotonic(self) -> float:
        """The time since an unknown moment. It never goes back, so differences of it are durations."""
        ...

    def processor(self) -> float:
        """The processor time that the calling thread has used."""
        ...


@frozen
class SystemClock:
    """The system's clock."""

    def now(self) -> float:
        """The time since 1970, in UTC."""
        return time.time()

    def monotonic(self) -> float:
        """The time since an unknown moment."""
        return time.monotonic()

    def processor(self) -> float:
        """The processor time that the calling thread has used."""
        return time.thread_time()


@define
class SetClock:
    """A clock that somebody sets, in seconds: for what takes no time, and for tests."""

    at: float = 0.0

    def now(self) -> float:
        """What it was set to."""
        return self.at

    def monotonic(self) -> float:
        """What it was set to."""
        return self.at

    def processor(self) -> float:
        """What it was set to."""
        return self.at


def milliseconds(clock: Clock) -> int:
    """The time since 1970 in whole milliseconds."""
    return int(clock.now() * 1000)
