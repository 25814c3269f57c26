"""A request to stop that comes at a moment of a history, in place of a signal."""

from collections.abc import Callable
from typing import cast

from attrs import evolve

from connectors.engine.process.signals import Requests
from connectors.engine.process.write_options import WriteOptions
from dataflow.errors import TransientError
from dataflow.runtime.threads import Threads

# What a process exits with that a SIGTERM ended: 128 and the signal's number.
TERMINATED = 143


class _Request:
    """What `Requests` is to a real process."""

    failure_code = TERMINATED

    def __init__(self, seconds: float, happens: Callable[[], None]) -> None:
        self._seconds = seconds
        self._happens = happens

    def notify(self, listener: Callable[[TransientError], None], threads: Threads) -> None:
        """Notify a listener in time."""

        def wait() -> None:
            threads.sleep(self._seconds)
            self._happens()
            listener(TransientError("The sync was asked to stop."))

        threads.start(wait, "requests")


def stopped_after(seconds: float | None, options: WriteOptions, happens: Callable[[], None]) -> WriteOptions:
    """The options of a run that is asked to stop after this time, or never for None."""
    if seconds is None:
        return options
    return evolve(options, requests=cast("Requests", _Request(seconds, happens)))
