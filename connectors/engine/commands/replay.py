"""`dataflow replay`: whether fresh machines walk a journal's arrows. Prints what the replay found; decides nothing."""

import argparse
from contextlib import closing
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("journal", type=Path, help="a journal that `write --journal` wrote")


def run(given: argparse.Namespace) -> int:
    """Replay every life of a journal; 1 when one diverged."""
    from connectors.engine.journal.reader import JournalFile
    from machines.journal.replay import lives, replay

    with closing(JournalFile(given.journal)) as journal:
        part = journal.more()
    for trouble in part.troubles:
        given.terminal.show(trouble)
    diverged = 0
    for life in lives(part.entries):
        replayed = replay(life)
        who = life[0].get("stream") or life[0]["machine"]
        if replayed.divergence is None:
            given.terminal.show(f"{who}: {len(life)} transitions, ends in {replayed.path[-1]}")
        else:
            diverged += 1
            given.terminal.show(f"{who}: {replayed.trouble}")
    return 1 if diverged else 0
