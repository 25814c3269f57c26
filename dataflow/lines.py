"""Lines of a chunk: where they end, and which one a decoder refused. Decodes no message."""

import re
from typing import Any

import msgspec
import numpy as np

_NEWLINE = ord("\n")
# How the decoder names what it refused: the message's index, or the byte.
REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_REFUSED_INDEX = re.compile(r"at `\$\[(\d+)\]")
_UNKNOWN_MEMBER = "contains unknown field"
_REFUSED_BYTE = re.compile(r"\(byte (\d+)\)")


def line_ends(chunk: bytes) -> "np.ndarray[Any, Any]":
    """Where each line ends, after -1 for the line before the first."""
    ends = np.flatnonzero(np.frombuffer(chunk, np.uint8) == _NEWLINE)
    last = [] if chunk.endswith(b"\n") else [len(chunk)]
    return np.concatenate(([-1], ends, last)).astype(np.int64)


def refused_line(refused: Exception, ends: "np.ndarray[Any, Any]", first: int) -> int | None:
    """Which line the decoder refused of those from `first` on; None when it does not say."""
    if (index := _REFUSED_INDEX.search(str(refused))) is not None:
        line = first + int(index[1])
    elif (offset := _REFUSED_BYTE.search(str(refused))) is not None:
        line = int(np.searchsorted(ends, int(ends[first]) + 1 + int(offset[1]))) - 1
    else:
        return None
    return line if first <= line < len(ends) - 1 else None


def tells_more(refused: Exception) -> bool:
    """Whether the decoder refused a member that it does not know."""
    return _UNKNOWN_MEMBER in str(refused)
