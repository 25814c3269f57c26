"""The reading thread's end, which a test waits for before it closes what that thread reads."""

import threading

# For a machine that is busy with other things.
PATIENCE = 120


def wait_for_readers() -> None:
    """Until no thread reads any more.

    A descriptor that is closed under a reader is given to the next pipe of the process. The reader would take that
    pipe's bytes, and another test would miss them.
    """
    for thread in threading.enumerate():
        if thread.name == "reader":
            thread.join(PATIENCE)
            assert not thread.is_alive()
