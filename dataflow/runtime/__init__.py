"""What the engine asks of the system it runs on: the time, randomness, and threads. Each has one home here.

A `Runtime` is handed in, from the entry of the process down to each place that uses a part of it. No other module asks
the system for the time, for a random number or for a thread, and none waits by itself. So an implementation of the
three protocols decides when each thread runs, and what it sees.
"""

from attrs import frozen

from dataflow.runtime.clock import Clock, SystemClock
from dataflow.runtime.randomness import Randomness, SystemRandomness
from dataflow.runtime.threads import SystemThreads, Threads


@frozen(kw_only=True)
class Runtime:
    """The system's three parts, as one value."""

    clock: Clock
    randomness: Randomness
    threads: Threads


# The real one. Only the entries of a process and the tests take it from here.
SYSTEM = Runtime(clock=SystemClock(), randomness=SystemRandomness(), threads=SystemThreads())
