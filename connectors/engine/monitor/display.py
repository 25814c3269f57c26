"""A sync on a terminal: what goes on, drawn again and again in the same place. Draws what it is given; asks nobody.

`rich` lays it out. It is imported when the first picture is drawn, on the thread that draws: no start waits for it.
"""

import os
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, TextIO

from connectors.engine.monitor.log import doing, rate, summary
from connectors.engine.monitor.progress import Going, Progress
from dataflow.runtime.threads import Threads
from machines.formatting import count, printable, size
from machines.lifecycle import DONE, FAILED

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

# A rate is computed from the pictures of this many seconds.
WINDOW = 5.0
# Lines that are no stream's, beside those on the whole: the heads, the count of the rest, the cursor's.
OTHER_LINES = 3
# Columns and lines of a terminal that does not report them.
FALLBACK = (100, 24)
STYLES = {"idle": "dim", DONE: "green", FAILED: "bold red", "writing": "cyan"}


class Display:
    """The place on the terminal. Lines that others write to the same terminal go through `above`."""

    def __init__(self, terminal: TextIO, threads: Threads) -> None:
        self._terminal = terminal
        self._drawing = threads.lock()
        self._lines = 0
        self._past: deque[Progress] = deque()
        self._gone = False

    def draw(self, now: Progress) -> None:
        """Put this picture in the place of the last; nothing, once the terminal is gone."""
        from rich.console import Console

        while self._past and now.at - self._past[0].at > WINDOW:
            self._past.popleft()
        before = self._past[0] if self._past else None
        self._past.append(now)
        width, height = self._size()
        # Never the terminal itself: of one that is gone rich makes the end of the process.
        drawn = StringIO()
        console = Console(file=drawn, force_terminal=True, highlight=False, width=width, height=height)
        below = len(_whole(now, before).wrap(console, width))
        console.print(picture(now, before, width, height - OTHER_LINES - below))
        text = drawn.getvalue()
        with self._drawing:
            self._write(self._erasing() + text)
            self._lines = text.count("\n")

    @contextmanager
    def above(self) -> Iterator[None]:
        """Meanwhile lines may be written where the picture was; the next one is drawn below them."""
        with self._drawing:
            self._write(self._erasing())
            self._lines = 0
            yield

    def _size(self) -> tuple[int, int]:
        try:
            width, height = os.get_terminal_size(self._terminal.fileno())
        except OSError:
            width, height = FALLBACK
        # A terminal that knows no size says 0.
        return width or FALLBACK[0], height or FALLBACK[1]

    def _write(self, text: str) -> None:
        if self._gone or not text:
            return
        try:
            self._terminal.write(text)
            self._terminal.flush()
        except OSError:
            # Nobody looks at a closed one; the sync has other things to do.
            self._gone = True

    def _erasing(self) -> str:
        # The first line, then from the second on: of a screen that is erased from its very first place on tmux keeps
        # what was there, and its scrollback would fill with pictures.
        return f"\x1b[{self._lines}F\x1b[2K\x1b[E\x1b[0J\x1b[F" if self._lines else ""


def picture(now: Progress, before: Progress | None, width: int, most: int) -> "RenderableType":
    """The sync as a table of up to `most` streams, the most interesting first, and a few words on the whole."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim", expand=False)
    # At 80 columns the longest names of both leave room for numbers of eight digits.
    table.add_column("stream", no_wrap=True, overflow="ellipsis", max_width=width // 5)
    table.add_column("state", no_wrap=True, overflow="ellipsis", max_width=width // 6)
    for title in ("read", "written", "bytes", "rate"):
        table.add_column(title, justify="right", no_wrap=True)
    # If no column may break its lines, rich shrinks them all. So here the column may, and gives way alone; what
    # stands in it does not.
    table.add_column(_one_line("at work"))
    ordered = interesting(now)
    shown = ordered[: max(most, 1)]
    for name in shown:
        going = now.streams[name]
        table.add_row(
            Text(printable(name)),
            Text(going.state.replace("_", " "), style=STYLES.get(going.state, "yellow")),
            count(going.read),
            count(going.written),
            size(going.size),
            f"{count(_rate_of(name, now, before))}/s",
            _one_line(_at_work(going, now.at), "dim" if going.failure is None else "red"),
        )
    rest = _one_line(_rest(now, ordered[len(shown) :]), "dim")
    whole = _whole(now, before)
    return Group(table, rest, whole) if rest.plain else Group(table, whole)


def _one_line(text: str, style: str = "") -> "Text":
    from rich.text import Text

    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _whole(now: Progress, before: Progress | None) -> "Text":
    """The lines about the whole sync, as many as it takes: how old the last STATE is stands at its end."""
    from rich.text import Text

    return Text(summary(now, before), style="bold")


def interesting(now: Progress) -> Sequence[str]:
    """The streams' names: what is at work first, the longest before all, then what failed, waits, and is done."""

    def place(name: str) -> tuple[int, float, str]:
        going = now.streams[name]
        busy = going.busy_since(now.at)
        if busy > 0:
            return 0, -busy, name
        if going.state == FAILED:
            return 1, 0.0, name
        return (3 if going.state == DONE else 2), -float(going.read), name

    return sorted(now.streams, key=place)


def _at_work(going: Going, now: float) -> str:
    if going.failure is not None:
        return printable(going.failure)
    return doing(going, now) if going.busy_since(now) > 0 else ""


def _rate_of(name: str, now: Progress, before: Progress | None) -> float:
    if before is None:
        return rate(Progress(began=now.began, at=now.at, streams={name: now.streams[name]}))
    earlier = before.streams.get(name, Going())
    return (now.streams[name].read - earlier.read) / max(now.at - before.at, 1e-3)


def _rest(now: Progress, names: Sequence[str]) -> str:
    if not names:
        return ""
    states = Counter(now.streams[name].state.replace("_", " ") for name in names)
    return (
        f"and {len(names)} more: {', '.join(f'{number} {state}' for state, number in states.most_common())}"
    )
