"""The `dataflow` command: what surrounds a sync. Parses, and prints what others found."""

import argparse
import json
import sys
from pathlib import Path

from machines.diagram import MACHINES, mermaid, page
from machines.replay import lives, replay
from machines.verify.search import Explored, Search, report


def dataflow_parser() -> argparse.ArgumentParser:
    """The command line of what surrounds a sync."""
    parser = argparse.ArgumentParser(
        prog="dataflow", description="Pictures of the machines, replay of journals, search for broken laws."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="{diagram,replay,verify}")
    diagram = commands.add_parser("diagram", help="print a machine's picture (Mermaid), or write every page")
    diagram.add_argument("machine", nargs="?", choices=[*MACHINES], help="which; all, if it is not said")
    diagram.add_argument("--out", type=Path, help="write the machines' pages into this folder")
    again = commands.add_parser("replay", help="drive fresh machines from a journal; name where one diverges")
    again.add_argument("journal", type=Path, help="a journal that `write --journal` wrote")
    search = commands.add_parser("verify", help="search every history of crashes for one that breaks a law")
    search.add_argument(
        "--crashes", type=int, default=2, help="crashes and errors in it (default: %(default)s)"
    )
    search.add_argument(
        "--rivals", type=int, default=1, help="runs started while another lives (default: %(default)s)"
    )
    return parser


def draw(machine: str | None, out: Path | None) -> int:
    """Print pictures, or write pages into a folder."""
    for name in [machine] if machine else list(MACHINES):
        if out is not None:
            (out / f"{name}.md").write_text(page(name))
        else:
            print(mermaid(MACHINES[name]))
    return 0


def replay_journal(journal: Path) -> int:
    """Replay every life of a journal; 1 when one diverged."""
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    diverged = 0
    for life in lives(entries):
        replayed = replay(life)
        who = life[0].get("stream") or life[0]["machine"]
        if replayed.divergence is None:
            print(f"{who}: {len(life)} transitions, ends in {replayed.path[-1]}")
        else:
            diverged += 1
            print(f"{who}: {replayed.divergence}")
    return 1 if diverged else 0


def verify(crashes: int, rivals: int) -> int:
    """Search what a stream's machine can come to; 1 when a law was broken."""
    total = Explored()
    for line, explored in report(Search(crashes=crashes, rivals=rivals)):
        print(line, flush=True)
        total = explored
    return 1 if total.violations else 0


def main() -> None:
    """The `dataflow` command."""
    given = dataflow_parser().parse_args()
    if given.command == "diagram":
        sys.exit(draw(given.machine, given.out))
    if given.command == "verify":
        sys.exit(verify(given.crashes, given.rivals))
    sys.exit(replay_journal(given.journal))
