"""Numbers and times in the words that people read. Other modules decide what is shown.

Names and errors come from sources and databases, so what a terminal might take as a command is taken out of them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

MINUTE, HOUR = 60, 3600
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_THOUSAND = 1000


def count(number: float) -> str:
    """With commas between thousands."""
    return f"{number:,.0f}"


def size(of: float) -> str:
    """Bytes in the unit that leaves up to three digits before the point; a kB is 1000 bytes."""
    unit = 0
    while round(of, 1) >= _THOUSAND and unit < len(_UNITS) - 1:
        of, unit = of / _THOUSAND, unit + 1
    return f"{of:.1f} {_UNITS[unit]}" if unit else f"{of:.0f} B"


def duration(seconds: float) -> str:
    """The two units that matter."""
    if round(seconds, 3) < 1:
        return f"{seconds * 1000:.0f} ms"
    if round(seconds, 1) < MINUTE:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < HOUR:
        return f"{whole // MINUTE} m {whole % MINUTE:02d} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE:02d} m"


def offset(seconds: float) -> str:
    """Seconds after a beginning, to the millisecond."""
    return f"{seconds:+.3f}"


def moment(seconds: float) -> str:
    """Seconds since 1970 as a date and a time of UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def number_of(things: int, one: str, many: str = "") -> str:
    """A count with its noun."""
    return f"{count(things)} {one if things == 1 else many or one + 's'}"


def printable(text: str) -> str:
    """The text on one line, with what does not print as a question mark."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))


def plain(line: str) -> str:
    """A line with its spaces as they are, and with what does not print as a question mark."""
    return "".join(c if c.isprintable() else "?" for c in line.expandtabs())


def columns(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> str:
    """An aligned table; the columns of the heads in `right` are flush right."""
    cells = [list(head), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(head))]
    lines = (
        "  ".join(
            cell.rjust(width) if name in right else cell.ljust(width)
            for cell, width, name in zip(row, widths, head, strict=True)
        ).rstrip()
        for row in cells
    )
    return "\n".join(lines)
