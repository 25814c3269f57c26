"""Work shared out to processes of its own. A sync never starts any."""

import os
import signal
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, TypeVar

Given = TypeVar("Given")
Found = TypeVar("Found")


def in_processes(jobs: int, of: Callable[[Given], Found], given: Sequence[Given]) -> Iterator[Found]:
    """What the function returns of each, in their order. As many processes as `jobs` work on it; for one, our own."""
    if jobs == 1:
        yield from map(of, given)
        return
    # A process that is forked would have our threads' locks and not our threads.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(of, given)


class ProcessPool:
    """Processes for work that may lose its process. If one of them is lost, all are made again with the next work.

    A process ends with the one that made it, however that one ends.
    """

    # What a future raises whose process was lost.
    lost: tuple[type[BaseException], ...] = (BrokenProcessPool, CancelledError)

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, of: Callable[[Given], Found], given: Given) -> "Future[Found]":
        """Begin the work in one of the processes, or as soon as one is free."""
        with suppress(BrokenProcessPool):
            return self._working().submit(of, given)
        self.end()
        return self._working().submit(of, given)

    def first(self, futures: "Collection[Future[Any]]", timeout: float) -> "Collection[Future[Any]]":
        """Those that are done, once there is one, or after `timeout` seconds."""
        return wait(futures, timeout=timeout, return_when=FIRST_COMPLETED).done

    def end(self) -> None:
        """End the processes, and what they are at."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        processes = list((pool._processes or {}).values())  # noqa: SLF001 - nothing else ends one that is at work
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
        for process in processes:
            process.join()

    def _working(self) -> ProcessPoolExecutor:
        if self._pool is None:
            held_back = signal.pthread_sigmask(signal.SIG_BLOCK, ())
            self._pool = ProcessPoolExecutor(
                self._count, mp_context=get_context("spawn"), initializer=_follow_the_parent
            )
            # The start of multiprocessing's own helper lets signals through that this thread had held back.
            signal.pthread_sigmask(signal.SIG_SETMASK, held_back)
        return self._pool


def _follow_the_parent() -> None:
    """What each process does first: from here on it ends when its parent does, and by no signal of a terminal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
    Thread(target=_end_with, args=(parent_process(),), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)
