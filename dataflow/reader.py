"""Whole lines from a file descriptor into a mailbox, as many at a time as are there. Looks into none of them."""

import fcntl
import os
import select
from collections.abc import Sequence
from contextlib import suppress

from dataflow.mailbox import Chunk, EndOfInput, Mailbox

CHUNK_BYTES = 1 << 20
# How long to wait for more while the owner is busy, in seconds.
PATIENCE = 0.005


def read_lines(source: int, mailbox: Mailbox) -> None:
    """Read to the end of the input, or until nobody wants more; runs on a thread of its own."""
    _widen(source)
    # The beginning of a line whose end is still to come.
    begun: list[bytes] = []
    try:
        while blocks := _read_some(source, mailbox):
            last = next((i for i in reversed(range(len(blocks))) if b"\n" in blocks[i]), None)
            if last is None:
                begun += blocks
                continue
            block, end = memoryview(blocks[last]), blocks[last].rfind(b"\n") + 1
            if not mailbox.put_input(Chunk(b"".join([*begun, *blocks[:last], block[:end]]))):
                return
            begun = [bytes(block[end:]), *blocks[last + 1 :]]
        if rest := b"".join(begun):
            mailbox.put_input(Chunk(rest))
        mailbox.put_input(EndOfInput())
    except BaseException as error:  # noqa: BLE001 - it is raised again on the owner's thread
        mailbox.put_input(EndOfInput(error))


def _read_some(source: int, mailbox: Mailbox) -> Sequence[bytes]:
    """What is there, up to a chunk; at least one block, waiting for it, but for the end of the input."""
    blocks: list[bytes] = []
    size = 0
    # A full chunk costs less per record; an owner with nothing to do is not kept waiting for one.
    while not size or (size < CHUNK_BYTES and (_readable(source, 0) or not mailbox.hungry)):
        if size and not _readable(source, PATIENCE):
            continue
        block = os.read(source, CHUNK_BYTES)
        if not block:
            break
        blocks.append(block)
        size += len(block)
    return blocks


def _widen(source: int) -> None:
    """Let a pipe hold a whole chunk: with 64 KiB each read would wait for its turn among the threads."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        # Not a pipe, or more than this user may have.
        with suppress(OSError):
            fcntl.fcntl(source, fcntl.F_SETPIPE_SZ, CHUNK_BYTES)


def _readable(source: int, patience: float) -> bool:
    """Whether a read returns at once, now or within that many seconds; a file's always does."""
    readable, _, _ = select.select([source], [], [], patience)
    return bool(readable)
