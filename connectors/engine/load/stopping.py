"""How a load is asked to stop: what reads a shard then ends, and no other shard is begun. Decides nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from dataflow.errors import DataflowError
from dataflow.pipeline.reader_thread import Intake
from dataflow.runtime.threads import Threads


class Stop:
    """A request to stop that may come at any time, on any thread; the first reason counts."""

    def __init__(self, threads: Threads) -> None:
        self._deciding = threads.lock()
        self._intakes: list[Intake] = []
        self.reason: DataflowError | None = None
        # Set when it was asked for.
        self.asked = threads.event()

    def ask(self, reason: DataflowError) -> None:
        """Stop, for this reason."""
        with self._deciding:
            if self.reason is None:
                self.reason = reason
                self.asked.set()
                for intake in self._intakes:
                    intake.stop(reason)

    def expect_none(self) -> None:
        """Raises the reason, if there was a request."""
        if self.reason is not None:
            raise self.reason

    @contextmanager
    def stopping(self, intake: Intake) -> Iterator[None]:
        """Within it, the request stops this intake too."""
        with self._deciding:
            self._intakes.append(intake)
            if self.reason is not None:
                intake.stop(self.reason)
        try:
            yield
        finally:
            with self._deciding:
                self._intakes.remove(intake)
