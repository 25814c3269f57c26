"""`dataflow diagram`: the pictures of the machines, as they are drawn from the classes. Draws nothing itself."""

import argparse
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from machines.journal.history import Life

FORMATS = ("mermaid", "svg", "dot", "md")
# A file in one of these formats holds one picture.
SINGLE = ("svg", "dot")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument(
        "machine",
        nargs="?",
        help="the machine: stream or destination (default: both, except for svg and dot)",
    )
    parser.add_argument(
        "--format", choices=FORMATS, default="mermaid", help="the format (default: %(default)s)"
    )
    parser.add_argument("--journal", type=Path, help="mark the path of the journal's last run")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write the machines' pages and pictures to this folder"
    )


def run(given: argparse.Namespace) -> int:
    """Print pictures, or write pages and pictures into a folder; 2 if the request does not name one machine."""
    from machines.diagram.declared import MACHINES

    refusal = _refusal(given)
    if refusal:
        given.terminal.complain(f"{refusal}: choose from {', '.join(MACHINES)}.")
        return 2
    names = [given.machine] if given.machine else list(MACHINES)
    if given.out is not None:
        _write(given.out, names)
        return 0
    lives = _lives(given.journal)
    pictures = [
        _picture(name, given.format, [life for life in lives if life.machine == name]) for name in names
    ]
    given.terminal.show("\n".join(pictures), end="")
    return 0


def _refusal(given: argparse.Namespace) -> str | None:
    from machines.diagram.declared import MACHINES

    if given.machine not in (None, *MACHINES):
        return f"There is no machine {given.machine}"
    if given.machine is None and given.out is None and given.format in SINGLE:
        return f"A picture in {given.format} is of one machine"
    return None


def _write(folder: Path, names: Sequence[str]) -> None:
    from machines.diagram.declared import page
    from machines.diagram.svg import drawn
    from machines.diagram.xml import svg_text

    for name in names:
        (folder / f"{name}.md").write_text(page(name))
        (folder / f"{name}.svg").write_text(svg_text(drawn(name)))


def _lives(journal: Path | None) -> "tuple[Life, ...]":
    from connectors.engine.commands.journal import LAST, chosen
    from connectors.engine.journal.reader import JournalFile

    if journal is None:
        return ()
    with closing(JournalFile(journal)) as source:
        return chosen(source.more().entries, LAST).lives


def _picture(name: str, wanted: str, lives: "list[Life]") -> str:
    from machines.diagram.declared import MACHINES, dot, mermaid, page
    from machines.diagram.svg import drawn, path_of
    from machines.diagram.xml import svg_text
    from machines.journal.history import walked

    match wanted:
        case "svg":
            return svg_text(drawn(name, path_of(lives) if lives else None))
        case "dot":
            return dot(MACHINES[name])
        case "md":
            return page(name)
    return mermaid(MACHINES[name], {target for _, _, target in walked(lives)})
