"""A clock for tests, which is set by hand."""

from attrs import define, evolve

from dataflow.runtime import SYSTEM, Runtime


@define
class SetClock:
    """Shows one moment until it is set, in seconds."""

    at: float = 0.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    def processor(self) -> float:
        return self.at


def with_clock(clock: SetClock) -> Runtime:
    """The system's runtime with this clock."""
    return evolve(SYSTEM, clock=clock)
