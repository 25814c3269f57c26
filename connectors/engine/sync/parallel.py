"""Works that are done at the same time, each on a thread of its own. Neither ends one nor leaves one behind."""

import threading
from collections.abc import Callable, Sequence


def side_by_side(works: Sequence[Callable[[], None]]) -> None:
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

    # Daemons: who asks for an end a second time does not wait for a database that hangs.
    threads = [threading.Thread(target=do, args=[work], daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
