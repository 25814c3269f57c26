"""SIGTERM and SIGINT as requests to stop: a listener is notified, and finishes its work.

The signals are held back and taken in by a thread of their own, so that no line of ours is ever interrupted. A second
request means that the sender does not want to wait: it ends the process at once, which is as safe as any other kill.
"""

import os
import signal
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dataflow.errors import TransientError
    from dataflow.runtime.threads import Threads

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Asking(Protocol):
    """What may ask a load or a sync to stop."""

    def notify(self, listener: "Callable[[TransientError], None]", threads: "Threads") -> None:
        """Notify a listener of the first request, as the reason why it has to stop."""
        ...


class Requests:
    """The requests that come from now on. Made on the main thread, before there is any other."""

    def __init__(self) -> None:
        # A parent may have held them back until now. A parent that started us in the background may have had one of
        # them ignored.
        self._asking = [each for each in SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
        self._heard: signal.Signals | None = None
        for each in self._asking:
            signal.signal(each, signal.SIG_DFL)
        # Threads made later inherit it.
        signal.pthread_sigmask(signal.SIG_BLOCK, self._asking)

    def notify(self, listener: "Callable[[TransientError], None]", threads: "Threads") -> None:
        """Notify a listener of the first request, as the reason why it has to stop."""
        threads.start(partial(self._wait, listener), "requests")

    @property
    def failure_code(self) -> int:
        """What a command that failed exits with: 128 and the signal's number, if one was received."""
        return 1 if self._heard is None else 128 + self._heard

    @property
    def heard(self) -> str:
        """The name of the signal of the first request; empty before it."""
        return "" if self._heard is None else self._heard.name

    def _wait(self, listener: "Callable[[TransientError], None]") -> None:
        # Nothing that takes time stands before the requests are held back.
        from dataflow.errors import TransientError

        self._heard = signal.Signals(signal.sigwait(self._asking))  # noqa: TID251 - on a thread of its own
        listener(
            TransientError(
                f"The sync was asked to stop, by {self._heard.name}.",
                doing="reading the input",
                remedy="All records read until then were written, and all acknowledged records are safe. Run the sync "
                "again.",
            )
        )
        again = signal.sigwait(self._asking)  # noqa: TID251 - on a thread of its own
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._asking)
        os.kill(os.getpid(), again)
        # The first process of a container is not ended by a signal.
        os._exit(128 + again)
