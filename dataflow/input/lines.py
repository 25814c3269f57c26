"""Whole lines from a file descriptor, as many at a time as come soon. Looks into none of them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress

from attrs import define, field

from dataflow.budget import Budget, Holder
from dataflow.runtime import Runtime

# How long to gather lines of a slow source before they are handed on, in seconds.
PATIENCE = 0.1
PIPE_BYTES = 1 << 20


def chunks(source: int, chunk_bytes: int, budget: Budget, runtime: Runtime) -> Iterator[bytes]:
    """The input to its end, in chunks of whole lines of about `chunk_bytes`; the last may lack its line end.

    A longer line is a chunk too. The memory that it needed is given back before the chunk is handed over.
    """
    widen(source)
    space = _Space(chunk_bytes, budget, runtime)
    try:
        while space.gather(source):
            if end := space.lines_end():
                # Nobody here keeps the chunk: it is its receiver's until the next one is asked for.
                yield space.cut(end)
                budget.free(Holder.READER, end)
        if space.begun:
            yield space.cut(end := space.begun)
            budget.free(Holder.READER, end)
    finally:
        space.close()


@define
class _Space:
    """The memory into which the input is read, and from which its lines are cut. It grows for a line that is longer,
    and shrinks again.

    `begun` bytes of it are a line's beginning whose end is still to come, `sought` of them known to hold no line end.
    """

    chunk_bytes: int
    budget: Budget
    runtime: Runtime
    begun: int = 0
    sought: int = 0
    room: bytearray = field(factory=bytearray, repr=False)

    def __attrs_post_init__(self) -> None:
        self._make(b"")

    def gather(self, source: int) -> int:
        """Read on; 0 at the end of the input."""
        if self.begun == len(self.room):
            # Little by little: a line of a hundred megabytes must not take two hundred.
            more = max(self.chunk_bytes, len(self.room) // 8)
            self.budget.hold(Holder.READER, more)
            self.room += bytes(more)
        read = _gather(source, self.room, self.begun, self.runtime)
        self.begun += read
        return read

    def lines_end(self) -> int:
        """The end of the last whole line; 0 when there is none."""
        end = self.room.rfind(b"\n", self.sought, self.begun) + 1
        self.sought = 0 if end else self.begun
        return end

    def cut(self, end: int) -> bytes:
        """The bytes up to there. The others are what has begun, at the beginning."""
        chunk = bytes(memoryview(self.room)[:end])
        self.budget.hold(Holder.READER, end)
        if len(self.room) > self.chunk_bytes:
            rest = bytes(memoryview(self.room)[end : self.begun])
            self.close()
            self._make(rest)
        else:
            self.room[: self.begun - end] = self.room[end : self.begun]
        self.begun -= end
        return chunk

    def close(self) -> None:
        """Give the memory back."""
        self.budget.free(Holder.READER, len(self.room))
        self.room = bytearray()

    def _make(self, begun: bytes) -> None:
        self.room = bytearray(max(self.chunk_bytes, len(begun)))
        self.budget.hold(Holder.READER, len(self.room))
        self.room[: len(begun)] = begun


def _gather(source: int, space: bytearray, begun: int, runtime: Runtime) -> int:
    """Fill the space with what comes until it is full or the source has had its time; 0 at the end of the input."""
    view, size, until = memoryview(space), begun, None
    while size < len(space) and _comes(source, until, runtime):
        read = os.readv(source, [view[size:]])
        if not read:
            break
        size += read
        until = until or runtime.clock.monotonic() + PATIENCE
    view.release()
    return size - begun


def _comes(source: int, until: float | None, runtime: Runtime) -> bool:
    """Wait until there is something to read, or the end, up to that moment; whether there is."""
    if until is None:
        return runtime.threads.readable(source)
    left = until - runtime.clock.monotonic()
    return left > 0 and runtime.threads.readable(source, left)


def widen(pipe: int) -> None:
    """Let a pipe hold as much as it may: with 64 KiB those at its ends would wait for each other all the time."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        # Not a pipe, or more than this user may have.
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
