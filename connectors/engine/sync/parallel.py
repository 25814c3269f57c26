"""Works that are done at the same time, each on a thread of its own. Neither ends one nor leaves one behind."""

from collections.abc import Callable, Sequence
from functools import partial

from dataflow.runtime.threads import Threads


def side_by_side(works: Sequence[Callable[[], None]], threads: Threads) -> None:
    """Do all of them; one alone on this thread. When all have ended, the first error that any met is raised."""
    if len(works) == 1:
        works[0]()
        return
    errors: list[BaseException] = []

    def do(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is raised again below
            errors.append(error)

    # They keep no process from ending: a second request to end does not wait for a database that hangs.
    started = [threads.start(partial(do, work), f"starter {n}") for n, work in enumerate(works)]
    for thread in started:
        thread.join()
    if errors:
        raise errors[0]
