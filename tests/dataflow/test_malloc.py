"""What is done with freed memory, seen from outside: how often the system has to give it out again."""

import subprocess
import sys

# How many pages the system brought while buffers were taken and freed, each a little larger than the one before.
TAKE_AND_FREE = """
import resource, sys
import pyarrow as pa
from dataflow.malloc import keep_what_is_freed
if sys.argv[1] == "keeping":
    keep_what_is_freed()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for mebibytes in range(1, 25):
    taken = pa.allocate_buffer(mebibytes << 20, memory_pool=pa.system_memory_pool())
    memoryview(taken).cast("B")[::4096] = bytes(mebibytes << 8)
    del taken
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages_brought(how: str) -> int:
    """In a process of its own: the setting is a whole process's."""
    done = subprocess.run(
        [sys.executable, "-c", TAKE_AND_FREE, how], check=True, capture_output=True, text=True
    )
    return int(done.stdout)


def test_memory_that_was_freed_is_used_again_and_not_requested_again() -> None:
    kept, given_back = pages_brought("keeping"), pages_brought("as it is")

    assert kept < given_back / 3
