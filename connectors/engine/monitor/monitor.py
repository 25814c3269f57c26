"""Shows what goes on in a sync while it goes on: a picture on a terminal, else a heartbeat in the log. Changes nothing.

A thread of its own asks and shows, so that a merge of an hour, which holds the main thread, is seen to be at work.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from attrs import frozen

from connectors.engine.monitor.log import heartbeat
from connectors.engine.monitor.progress import Progress, Watch
from dataflow.runtime import Runtime

if TYPE_CHECKING:
    from connectors.engine.monitor.display import Display

# Seconds between pictures: as few as cost no more than this share of a processor.
REDRAW, SHARE, RAREST = 0.5, 0.01, 2.0
HEARTBEAT = 60.0


@frozen(kw_only=True)
class Watching:
    """How a sync is watched: LOG lines from `level` on, a heartbeat every `heartbeat` seconds (0: none).

    `terminal` takes the place of the heartbeat, if there is one.
    """

    level: str = "INFO"
    heartbeat: float = HEARTBEAT
    terminal: TextIO | None = None


@contextmanager
def watching(
    how: Watching, watch: Watch, log: Callable[[str, str], None], runtime: Runtime
) -> "Iterator[Display | None]":
    """Show it until the end, and give the picture if there is one; a heartbeat goes to `log`."""
    if how.terminal is not None:
        # A start without a terminal does not pay for its drawing.
        from connectors.engine.monitor.display import Display

        display = Display(how.terminal, runtime.threads)
        with _shown(lambda: display.draw(watch.now()), REDRAW, runtime):
            yield display
        display.draw(watch.now())
        return
    if how.heartbeat <= 0:
        yield None
        return
    with _shown(_Heartbeat(watch, log).beat, how.heartbeat, runtime):
        yield None


class _Heartbeat:
    """A few lines in the log, with the rate since the last."""

    def __init__(self, watch: Watch, log: Callable[[str, str], None]) -> None:
        self._watch = watch
        self._log = log
        self._before: Progress | None = None

    def beat(self) -> None:
        now = self._watch.now()
        for message in heartbeat(now, self._before):
            self._log("INFO", message)
        self._before = now


@contextmanager
def _shown(show: Callable[[], None], every: float, runtime: Runtime) -> Iterator[None]:
    clock, over = runtime.clock, runtime.threads.event()

    def work() -> None:
        pause = every
        while not over.wait(pause):
            began = clock.processor()
            show()
            pause = max(every, min((clock.processor() - began) / SHARE, RAREST))

    thread = runtime.threads.start(work, "watching")
    try:
        yield
    finally:
        over.set()
        thread.join()
