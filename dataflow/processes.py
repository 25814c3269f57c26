"""Starts the processes that pack the input. Imports nothing heavy, so that they come up while everything else does."""

import os
import subprocess
import sys
from typing import NamedTuple

# With two, the database is what a sync waits for; on two cores they also keep both busy while it starts.
ENOUGH = 2


class Process(NamedTuple):
    """A process that packs, and our ends of its pipes: what goes in, and what comes out."""

    popen: "subprocess.Popen[bytes]"
    chunks: int
    parcels: int


def usual_count() -> int:
    """How many are worth having on this machine: none where they would only take turns with this one."""
    return ENOUGH if (os.cpu_count() or 1) > 1 else 0


def begin(count: int) -> tuple[Process, ...]:
    """Start so many; each waits for an order, and ends when the pipe it comes through is closed."""
    return tuple(_begin() for _ in range(count))


def _begin() -> Process:
    (theirs_in, chunks), (parcels, theirs_out) = os.pipe(), os.pipe()
    popen = subprocess.Popen(
        [sys.executable, "-P", "-m", "dataflow.packing"],
        stdin=theirs_in,
        stdout=theirs_out,
        # What interrupts us is ours to answer; they end with their pipes.
        start_new_session=True,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    return Process(popen, chunks, parcels)
