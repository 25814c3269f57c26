"""Prints what the demonstration shows: short, in colour on a terminal, plain text elsewhere. Decides nothing."""

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from attrs import frozen
from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from tests.demo import targets
from tests.demo.sync import Message

PLAIN_WIDTH = 130
CELL = 26


@frozen
class Step:
    """Equal transitions in a row, as one line of the journal's page."""

    who: str
    arrow: str
    operation: str
    rows: str
    milliseconds: str
    remark: str


class Page:
    """The page that the demonstration prints."""

    def __init__(self) -> None:
        """On a terminal as wide as it is; else of a width that needs no folding."""
        terminal = Console(highlight=False)
        self._console = terminal if terminal.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)

    def command(self, command: str) -> None:
        """Show one command, as it could be typed."""
        self._console.print(Text(f"$ {command}", style="bold cyan"), soft_wrap=True)

    def title(self, text: str) -> None:
        """Begin a part."""
        self._console.print()
        self._console.print(Text(f"== {text}", style="bold"))

    def line(self, text: str) -> None:
        """One remark."""
        self._console.print(Text(f"  {text}"), soft_wrap=True)

    def failure(self, text: str) -> None:
        """Failures."""
        self._console.print(Text(text, style="bold red"), soft_wrap=True)

    def table(self, table: targets.Table) -> None:
        """A look at a table of the database."""
        self.line(f"{table.name}: {table.total:,} rows, {table.distinct_ids:,} distinct ids")
        self._grid(table.columns, table.rows)

    def states(self, states: Iterable[Message]) -> None:
        """The STATE messages that the destination emitted."""
        self._grid(
            ("stream", "state", "records read", "records kept"),
            [
                (
                    state["stream"]["stream_descriptor"]["name"],
                    json.dumps(state["stream"].get("stream_state"), separators=(",", ":")),
                    _count(state.get("sourceStats")),
                    _count(state.get("destinationStats")),
                )
                for state in states
            ],
            cell=90,
        )

    def journal(self, entries: Sequence[Message]) -> None:
        """The transitions of every lifecycle, one lifecycle after the other."""
        # Sorting is stable: within a lifecycle the order of the journal stays.
        steps = steps_of(sorted(entries, key=lambda entry: (entry.get("stream") is not None, _who(entry))))
        rows = [(s.who, s.arrow, s.operation, s.rows, s.milliseconds, s.remark) for s in steps]
        self._grid(("lifecycle", "transition", "operation", "rows", "ms", ""), rows, cell=70)

    def _grid(self, columns: Sequence[str], rows: Iterable[Sequence[object]], cell: int = CELL) -> None:
        grid = Grid(box=box.SIMPLE, pad_edge=True, show_edge=False)
        for column in columns:
            grid.add_column(Text(column), no_wrap=True)
        for row in rows:
            grid.add_row(*(Text(_short(value, cell)) for value in row))
        self._console.print(grid)
        self._console.print()


def steps_of(entries: Iterable[Message]) -> list[Step]:
    """Journal lines as steps; equal ones in a row become one, with their rows and times added."""
    return [
        _step(who, arrow, operation, list(equal))
        for (who, arrow, operation), equal in groupby(
            entries, key=lambda entry: (_who(entry), _arrow(entry), str(entry.get("operation") or ""))
        )
    ]


def _step(who: str, arrow: str, operation: str, equal: list[Message]) -> Step:
    rows = [entry["rows"] for entry in equal if entry.get("rows") is not None]
    times = [entry["milliseconds"] for entry in equal if entry.get("milliseconds") is not None]
    remarks = [f"x{len(equal)}"] if len(equal) > 1 else []
    attempts = max(entry.get("attempt") or 1 for entry in equal)
    if attempts > 1:
        remarks.append(f"attempt {attempts}")
    remarks += [str(entry[key]) for entry in equal for key in ("error", "note") if entry.get(key)]
    return Step(
        who,
        arrow,
        operation,
        f"{sum(rows):,}" if rows else "",
        f"{sum(times):.1f}" if times else "",
        ", ".join(remarks),
    )


def _who(entry: Message) -> str:
    stream = entry.get("stream")
    if isinstance(stream, dict):
        stream = stream.get("name")
    return str(stream or entry.get("machine") or "?")


def _arrow(entry: Message) -> str:
    return f"{entry.get('from', '?')} --{entry.get('event', '?')}--> {entry.get('to', '?')}"


def _count(stats: Message | None) -> str:
    count: Any = (stats or {}).get("recordCount")
    return "" if count is None else f"{count:,.0f}"


def _short(value: object, most: int) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= most else text[: most - 3] + "..."
