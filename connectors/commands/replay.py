"""`dataflow replay`: whether fresh machines walk a journal's arrows. Prints what the replay found; decides nothing."""

import argparse
import json
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("journal", type=Path, help="a journal that `write --journal` wrote")


def run(given: argparse.Namespace) -> int:
    """Replay every life of a journal; 1 when one diverged."""
    from machines.replay import lives, replay

    entries = [json.loads(line) for line in given.journal.read_text().splitlines()]
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
