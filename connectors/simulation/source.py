"""The source of one run: a pipe into which lines come a few at a time, until they are over or cut short."""

import fcntl
import os
import struct
import termios
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from connectors.simulation.log import Message, incomplete
from connectors.simulation.plan import End
from connectors.simulation.scheduler import NEVER, Scheduler


def cut_short(messages: Iterator[Message], after: int | None, end: End) -> Iterator[Message]:
    """What comes of these messages when the input ends after some of them."""
    yield from islice(messages, after)
    last = next(messages, None)
    if last is None:
        return
    match end:
        case End.SILENT:
            return
        case End.INCOMPLETE:
            yield Message(incomplete(last.stream), last.stream)
        case End.CUT:
            yield Message(last.line[: len(last.line) // 2], last.stream)
        case End.JUNK:
            yield Message(b'{"type": "RECORD", "record"\n', last.stream)


class Source:
    """The input of one run."""

    def __init__(
        self,
        scheduler: Scheduler,
        messages: Iterator[Message],
        sent: Callable[[Iterable[Message]], None],
        *,
        at_once: int,
        pause: float,
    ) -> None:
        """`sent` is called as messages come, `at_once` at a time, with pauses of up to `pause` seconds."""
        self.read_end, self._write_end = os.pipe()
        self._scheduler = scheduler
        self._messages = messages
        self._sent = sent
        self._at_once = at_once
        self._pause = pause
        self._next_at = 0.0
        self._ended = False

    def available_at(self) -> float:
        """When there is something to read."""
        return 0.0 if self._ended or self._unread else self._next_at

    def arrive(self) -> None:
        """Let the next lines come, or the end."""
        if self._ended or self._unread:
            return
        coming = list(islice(self._messages, self._at_once))
        if not coming:
            os.close(self._write_end)
            self._ended = True
            return
        self._sent(coming)
        os.write(self._write_end, b"".join(each.line for each in coming))
        self._next_at = self._scheduler.time + self._scheduler.random.random() * self._pause

    def close(self) -> None:
        """Give the pipe back."""
        if not self._ended:
            os.close(self._write_end)
        os.close(self.read_end)

    @property
    def _unread(self) -> int:
        """Bytes that wait in the pipe."""
        found = fcntl.ioctl(self.read_end, termios.FIONREAD, b"\0\0\0\0")
        return int(struct.unpack("i", found)[0])


class Nothing:
    """The input of what reads none."""

    def available_at(self) -> float:
        """Never."""
        return NEVER

    def arrive(self) -> None:
        """Nothing comes."""
