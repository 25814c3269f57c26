"""Threads for work that comes to an end within a program: none of them is left behind."""

from dataflow.runtime.threads import JoinedThreads


def test_threads_that_sleep_are_woken_at_the_end_and_waited_for_with_those_that_they_start() -> None:
    threads = JoinedThreads()
    started = []

    def sleep() -> None:
        threads.sleep(600.0)

    def sleep_and_start() -> None:
        threads.sleep(600.0)
        started.append(threads.start(sleep, "second"))

    started.append(threads.start(sleep_and_start, "first"))
    threads.join()

    assert [thread.is_alive() for thread in started] == [False, False]
