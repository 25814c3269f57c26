"""Values between two of our own processes, over pipes. Columns travel as they stand in memory; nothing is parsed.

A message is a count, the lengths of its parts, and the parts: a pickle, then the buffers it refers to. Both
ends are this program, so the pickle is no door for a stranger.
"""

import os
import pickle
import struct
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

# Arrow wants its buffers so; what is received is laid out accordingly.
ALIGNMENT = 64
# Parts that one writev takes (POSIX: IOV_MAX is at least 16, on Linux 1024).
AT_ONCE = 512
_NUMBER = struct.Struct("=Q")


def send(pipe: int, value: Any) -> None:
    """Write a value to a pipe, all of it. Raises BrokenPipeError when nobody reads."""
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    parts: list[Any] = [pickled, *(buffer.raw() for buffer in buffers)]
    lengths = [len(part) for part in parts]
    header = b"".join(map(_NUMBER.pack, [len(parts), *lengths]))
    _write_all(pipe, [memoryview(part) for part in (header, *parts)])


def receive(pipe: int) -> Any:
    """The next value from a pipe. Raises EOFError when the other end has gone."""
    (count,) = _NUMBER.unpack(_read(pipe, _NUMBER.size))
    lengths = [length for (length,) in _NUMBER.iter_unpack(_read(pipe, count * _NUMBER.size))]
    pickled = _read(pipe, lengths[0])
    starts, end = _laid_out(lengths[1:])
    space = pa.allocate_buffer(end)
    view = memoryview(space)
    for start, length in zip(starts, lengths[1:], strict=True):
        _read_into(pipe, view[start : start + length])
    buffers = [space.slice(start, length) for start, length in zip(starts, lengths[1:], strict=True)]
    return pickle.loads(pickled, buffers=buffers)  # noqa: S301 - we wrote it


def _laid_out(lengths: Sequence[int]) -> tuple[list[int], int]:
    """Where each buffer starts when all lie in one space, and where the space ends."""
    starts, end = [], 0
    for length in lengths:
        starts.append(end)
        end += -(-length // ALIGNMENT) * ALIGNMENT
    return starts, end


def _write_all(pipe: int, parts: list[memoryview]) -> None:
    while parts:
        written = os.writev(pipe, parts[:AT_ONCE])
        while parts and written >= len(parts[0]):
            written -= len(parts.pop(0))
        if parts:
            parts[0] = parts[0][written:]


def _read(pipe: int, length: int) -> bytearray:
    found = bytearray(length)
    _read_into(pipe, memoryview(found))
    return found


def _read_into(pipe: int, space: memoryview) -> None:
    while space:
        read = os.readv(pipe, [space])
        if not read:
            raise EOFError
        space = space[read:]
