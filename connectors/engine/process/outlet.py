"""The place at which protocol messages leave the process: stdout. Decides how a STATE leaves, never whether it may.

The pipeline hands over a STATE when `dataflow.pipeline.checkpoints` finds that all it covers is durable. Before that,
`engine.sync.state_gate` has picked the STATEs that leave later or never. From here on a STATE takes the same steps as
every other message, in this order:

1. *What it says.* A STATE is the source's object as it came, with our counts. A LOG message below the level is dropped.
2. *What it does not show.* The configuration's secrets are masked. A STATE is the source's own, and is not masked.
3. *Place.* Lines are written above the picture of the sync, if stdout and the picture are one terminal.
4. *Writing.* A line is written whole and flushed, from any thread. After one that could not be written, none is
   attempted, since nobody may be promised anything any more. For a STATE that is an error. Any other message is lost,
   but the process does not exit with 0.
5. *Time.* The time at which a STATE was written is noted for what is shown of the sync.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Protocol

from connectors.engine.process.masking import Mask
from dataflow.errors import TransientError
from dataflow.output_messages import LEVELS, error_message, log_message, state_message

if TYPE_CHECKING:
    from connectors.engine.monitor.display import Display
    from connectors.engine.monitor.progress import Watch
    from dataflow.pipeline.checkpoints import Checkpoint
    from dataflow.runtime import Runtime
    from dataflow.types import StreamName


class Sink(Protocol):
    """Takes lines. Its methods raise OSError when it takes none any more."""

    def write(self, line: bytes, /) -> Any:
        """Take a whole line."""
        ...

    def flush(self) -> Any:
        """Hand on what was taken."""
        ...

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        ...


class ProcessOutlet:
    """The outlet of this process, for all its threads. Until `begin` it writes every message."""

    def __init__(self, out: Sink, runtime: "Runtime") -> None:
        self._out = out
        self._clock = runtime.clock
        self._mask = Mask()
        self._level = LEVELS[-1]
        self._watch: Watch | None = None
        self._picture: Display | None = None
        self._failure: TransientError | None = None
        self._failing = runtime.threads.lock()

    # -- how messages leave

    def keep_secret(self, mask: Mask) -> None:
        """From here on, show none of this."""
        self._mask = mask

    def begin(self, level: str, watch: "Watch") -> None:
        """A sync begins: from here on drop LOG messages below `level`, and note in `watch` when a STATE was emitted."""
        self._level = level
        self._watch = watch

    @contextmanager
    def above(self, picture: "Display | None") -> Iterator[None]:
        """Meanwhile write lines above the picture, if there is one and stdout is a terminal too: it is the same."""
        self._picture = picture if self._out.isatty() else None
        try:
            yield
        finally:
            self._picture = None

    @property
    def lost(self) -> bool:
        """Whether any line could not be written."""
        return self._failure is not None

    # -- the messages

    def emit(self, checkpoint: "Checkpoint") -> None:
        """Write a STATE. Raises TransientError when it, or any line before it, could not be written."""
        self._write(state_message(checkpoint.state, checkpoint.counts))
        if self._failure is not None:
            raise self._failure
        if self._watch is not None:
            self._watch.emitted()

    def log(self, level: str, message: str) -> None:
        """Write a LOG message, which may be lost."""
        if LEVELS.index(level) <= LEVELS.index(self._level):
            self._write(self._mask.line(log_message(level, message)))

    def report(self, error: BaseException, stream: "StreamName | None" = None) -> None:
        """Write a TRACE ERROR, which may be lost."""
        self._write(self._mask.line(error_message(error, self._clock, stream)))

    def answer(self, line: bytes) -> None:
        """Write the answer to a command, a SPEC or a CONNECTION_STATUS. It may be lost."""
        self._write(self._mask.line(line))

    # -- stdout

    def _write(self, line: bytes) -> None:
        with nullcontext() if self._picture is None else self._picture.above():
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
