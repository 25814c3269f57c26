"""What the C library does with memory that was freed. Takes none itself.

A sync takes about the same memory with each chunk and each flush, and frees it. Returning it in between, and getting
it cleared again, cost a fifth of the parsing.
"""

import ctypes
from contextlib import suppress

# glibc's mallopt(3): from which size on an allocation is mapped by itself, and how much free memory is kept. In bytes;
# the first cannot be set higher.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
MAPPED_FROM = 32 << 20
KEPT = 64 << 20


def keep_what_is_freed() -> None:
    """Let this process use freed memory again before it is given back.

    Does nothing where the C library is another one than glibc.
    """
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, MAPPED_FROM)
        mallopt(_TRIM_THRESHOLD, KEPT)
