"""`dataflow diagram`: the pictures of the machines, as they are drawn from the classes. Draws nothing itself."""

import argparse
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("machine", nargs="?", help="which: stream or destination; both, if it is not said")
    parser.add_argument("--out", type=Path, help="write the machines' pages into this folder")


def run(given: argparse.Namespace) -> int:
    """Print pictures, or write pages into a folder; 2 for a machine that there is not."""
    from machines.diagram import MACHINES, mermaid, page

    if given.machine not in (None, *MACHINES):
        print(f"There is no machine {given.machine}: choose from {', '.join(MACHINES)}.")
        return 2
    for name in [given.machine] if given.machine else list(MACHINES):
        if given.out is not None:
            (given.out / f"{name}.md").write_text(page(name))
        else:
            print(mermaid(MACHINES[name]))
    return 0
