"""Raw ids: UUIDv7s that only grow, per stream, across runs and over a clock set back.

Their order is the order of arrival: dedupe's last tie-break, and where a resume cuts. RFC 9562, section 5.7, with
its method 1 for monotonicity: a counter in the bits that follow the timestamp.
"""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import numpy as np
import pyarrow as pa

from dataflow.runtime.clock import Clock, milliseconds
from dataflow.runtime.randomness import Randomness
from dataflow.types import RAW_ID

BYTES = 16
# A batch's rows are numbered in the 12 bits of rand_a and the highest 20 bits of rand_b.
MOST_AT_ONCE = 1 << 32


class Ids(Protocol):
    """Raw ids in their order."""

    def take(self, count: int) -> pa.Array:
        """The next `count` ids as fixed_size_binary(16); each is above all ids given before."""
        ...


class RawIds:
    """The raw ids of one stream, in input order, all above `after` (a UUID's text) if there is one."""

    def __init__(self, clock: Clock, randomness: Randomness, after: str | None = None) -> None:
        self._clock = clock
        self._randomness = randomness
        self._last = UUID(after).int >> 80 if after else 0

    def take(self, count: int) -> pa.Array:
        """The next `count` ids as fixed_size_binary(16); each is above all ids given before."""
        if count >= MOST_AT_ONCE:
            raise ValueError(f"at most {MOST_AT_ONCE} ids at once, not {count}")
        # A millisecond is never used twice, so whatever the counter reached before, these are above.
        self._last = max(milliseconds(self._clock), self._last + 1)
        return _ids(self._last, 0, count, self._randomness)


class ShardIds:
    """The raw ids of one shard of a load, in its order: all have the shard's millisecond, and are counted within it.

    So they order rows as the shards and their lines do, whichever process writes a shard, and whenever.
    """

    def __init__(self, millisecond: int, randomness: Randomness) -> None:
        self._millisecond = millisecond
        self._randomness = randomness
        self._taken = 0

    def take(self, count: int) -> pa.Array:
        """The next `count` ids as fixed_size_binary(16); each is above all ids given before."""
        first, self._taken = self._taken, self._taken + count
        if self._taken >= MOST_AT_ONCE:
            raise ValueError(f"at most {MOST_AT_ONCE} ids for a shard, not {self._taken}")
        return _ids(self._millisecond, first, count, self._randomness)


def _ids(millisecond: int, first: int, count: int, randomness: Randomness) -> pa.Array:
    number = np.arange(first, first + count, dtype=np.uint64)
    chance = np.frombuffer(randomness.take(8), dtype=np.uint64)[0] >> np.uint64(22)
    halves = np.empty((count, 2), dtype=">u8")
    halves[:, 0] = np.uint64(millisecond << 16 | 0x7000) | (number >> np.uint64(20))
    low_counter = (number & np.uint64(0xFFFFF)) << np.uint64(42)
    halves[:, 1] = np.uint64(0x8000000000000000) | low_counter | chance
    return pa.Array.from_buffers(pa.binary(BYTES), count, [None, pa.py_buffer(halves.tobytes())])


def as_text(raw_id: bytes) -> str:
    """A raw id as a UUID's text, which sorts as the id does."""
    return str(UUID(bytes=raw_id))


def first_raw_id(batches: Sequence[pa.RecordBatch]) -> str:
    """The raw id of the first row of these batches, of which the first has rows."""
    return as_text(batches[0].column(RAW_ID)[0].as_py())


def first_at(milliseconds: int) -> str:
    """A raw id above all that were given before this moment by the clock, in milliseconds since 1970.

    Ids run ahead of the clock where it was set back, or where they were reserved: it need not be above those.
    """
    return str(UUID(int=milliseconds << 80))
