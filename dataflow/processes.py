"""Starts the processes that pack the input. Imports nothing heavy, so that they come up while everything else does."""

import os
import signal
import subprocess
import sys
from typing import NamedTuple

# With two, the database is what a sync waits for; on two cores they also keep both busy while it starts.
ENOUGH = 2


class Pipes(NamedTuple):
    """Our ends of a packing process's pipes: what goes in, and what comes out."""

    chunks: int
    parcels: int


class Processes(NamedTuple):
    """Processes that pack, and their parent, which ends with the last of them, or as the first that was killed.

    The parent imports what all of them need, and then forks them: they are up as soon as one would be, and share
    its memory. Each ends when our ends of its pipes do, however that comes about.
    """

    parent: "subprocess.Popen[bytes]"
    pipes: tuple[Pipes, ...]

    def end(self) -> None:
        """Stop them; who waits for one, or to hand it something, hears that it has gone."""
        if self.parent.poll() is None:
            os.killpg(self.parent.pid, signal.SIGKILL)
        self.parent.wait()


def usual_count() -> int:
    """How many are worth having on this machine: none where they would only take turns with this one."""
    return ENOUGH if (os.cpu_count() or 1) > 1 else 0


def begin(count: int) -> Processes | None:
    """Start so many; each waits for an order. None for none."""
    if not count:
        return None
    theirs, ours = [], []
    for _ in range(count):
        (theirs_in, chunks), (parcels, theirs_out) = os.pipe(), os.pipe()
        theirs.append(Pipes(theirs_in, theirs_out))
        ours.append(Pipes(chunks, parcels))
    given = [end for pair in theirs for end in pair]
    parent = subprocess.Popen(
        [sys.executable, "-P", "-m", "dataflow.packing", *map(str, given)],
        stdin=subprocess.DEVNULL,
        pass_fds=given,
        # What interrupts us is ours to answer; they end with their pipes.
        start_new_session=True,
    )
    for end in given:
        os.close(end)
    return Processes(parent, tuple(ours))
