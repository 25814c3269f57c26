"""Works at the same time: they do not wait for each other, and the error of one does not end another."""

import threading

import pytest

from connectors.engine.sync.parallel import side_by_side
from dataflow.runtime import SYSTEM


def test_works_are_done_at_the_same_time() -> None:
    met: list[int] = []
    all_of_them = threading.Barrier(3)

    side_by_side([lambda n=n: met.append(n + all_of_them.wait(60) * 0) for n in range(3)], SYSTEM.threads)  # type: ignore[misc]

    assert sorted(met) == [0, 1, 2]


def test_one_work_alone_is_done_by_the_thread_that_asked() -> None:
    threads: list[threading.Thread] = []

    side_by_side([lambda: threads.append(threading.current_thread())], SYSTEM.threads)

    assert threads == [threading.current_thread()]


def test_an_error_is_raised_once_all_have_ended() -> None:
    ended = threading.Event()
    failed = threading.Event()

    def fail() -> None:
        failed.set()
        raise LookupError

    def go_on() -> None:
        failed.wait(60)
        ended.set()

    with pytest.raises(LookupError):
        side_by_side([fail, go_on], SYSTEM.threads)

    assert ended.is_set()
