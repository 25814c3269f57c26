"""Whole lines from a file descriptor, as many at a time as come soon. Looks into none of them."""

import fcntl
import os
import select
import time
from collections.abc import Iterator
from contextlib import suppress

# How long to gather lines of a slow source before they are handed on, in seconds.
PATIENCE = 0.1
PIPE_BYTES = 1 << 20


def chunks(source: int, chunk_bytes: int) -> Iterator[bytes]:
    """The input to its end, in chunks of whole lines of about `chunk_bytes`; the last may lack its line end."""
    widen(source)
    # One space for all: what is read lies where the chunk's lines are cut from. `begun` bytes of it are a line's
    # beginning whose end is still to come, `sought` of them known to hold no line end.
    space = bytearray(chunk_bytes)
    begun = sought = 0
    while read := _gather(source, space, begun):
        begun += read
        end = space.rfind(b"\n", sought, begun) + 1
        if not end:
            sought = begun
            if begun == len(space):
                space += bytes(len(space))
            continue
        yield bytes(memoryview(space)[:end])
        space[: begun - end] = space[end:begun]
        begun, sought = begun - end, 0
    if begun:
        yield bytes(memoryview(space)[:begun])


def _gather(source: int, space: bytearray, begun: int) -> int:
    """Fill the space with what comes until it is full or the source has had its time; 0 at the end of the input."""
    view, size, until = memoryview(space), begun, float("inf")
    while size < len(space):
        if size > begun and not ((left := until - time.monotonic()) > 0 and _readable(source, left)):
            break
        read = os.readv(source, [view[size:]])
        if not read:
            break
        size += read
        until = min(until, time.monotonic() + PATIENCE)
    view.release()
    return size - begun


def _readable(source: int, patience: float) -> bool:
    """Whether there is something to read within that many seconds; a file's always does."""
    readable, _, _ = select.select([source], [], [], patience)
    return bool(readable)


def widen(pipe: int) -> None:
    """Let a pipe hold as much as it may: with 64 KiB those at its ends would wait for each other all the time."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        # Not a pipe, or more than this user may have.
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
