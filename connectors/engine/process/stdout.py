"""Protocol lines to whoever started the process. One that must be heard and cannot be is an error; others may be lost.

Where nobody listens any more nothing may be promised: no STATE is told, and no success.
"""

import sys
import threading
from contextlib import suppress
from typing import BinaryIO

from dataflow.errors import TransientError


class Output:
    """Where the lines go. Whole ones, from any thread."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._failure: TransientError | None = None
        self._failing = threading.Lock()

    @property
    def lost(self) -> bool:
        """Whether any line could not be written. None is attempted after it."""
        return self._failure is not None

    def tell(self, line: bytes) -> None:
        """Write a line that must be heard. Raises TransientError when it could not be written, or one before it."""
        self.mention(line)
        if self._failure is not None:
            raise self._failure

    def mention(self, line: bytes) -> None:
        """Write a line that may be lost."""
        if self._failure is not None:
            return
        try:
            self._out.write(line)
            self._out.flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        with self._failing:
            if self._failure is not None:
                return
            self._failure = TransientError(
                f"Cannot write to stdout: {error.strerror}.",
                doing="emitting messages",
                remedy="All acknowledged records are safe. Find out why the reader is gone, then run the sync again.",
            )
        # The last place where somebody may look.
        with suppress(OSError):
            sys.stderr.write(f"{self._failure}\n")
