"""`dataflow simulate`: histories of syncs under seeds, and what they met. Prints what was found; judges nothing."""

import argparse
import os
from importlib import import_module
from pathlib import Path
from typing import Any

from connectors.engine.process.registry import find

# What a database makes durable in one piece.
CLASSES = {"A": "everything", "B": "rows", "C": "statement", "D": "table"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("--seeds", type=int, default=1000, help="histories (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="the first seed (default: a random one)")
    parser.add_argument("--minutes", type=float, help="simulate for so long, whatever --seeds says")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="processes at work (default here: %(default)s)"
    )
    parser.add_argument(
        "--class",
        dest="of_class",
        choices=sorted(CLASSES),
        default="A",
        help="the database's class of atomicity (default: %(default)s)",
    )

    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        default=Path("simulated"),
        help="where to keep the shortest history that was found to break a law (default: %(default)s)",
    )
    parser.add_argument("--plan", type=Path, metavar="FILE", help="simulate one history that was kept")


def run(given: argparse.Namespace) -> int:
    """Simulate one history a seed; 1 when a law was broken."""
    # It stands on the engine, which therefore knows it by its name alone.
    campaign = import_module("connectors.simulation.campaign")
    if given.plan is not None:
        return _again(campaign, given)
    first = given.seed
    if first is None:
        first = int.from_bytes(given.runtime.randomness.take(4))
    asked = campaign.Campaign(
        definition=find("memory").definition(),
        first=first,
        seeds=given.seeds,
        atomic=CLASSES[given.of_class],
        seconds=given.minutes * 60 if given.minutes is not None else None,
    )
    broken: list[tuple[int, str]] = []
    for line, tally in campaign.report(asked, given.jobs, given.runtime.clock):
        given.terminal.show(line)
        broken = tally.broken
    for line in campaign.keep(asked.plan_of(broken[0][0]), asked.definition, given.out) if broken else ():
        given.terminal.show(line)
    return 1 if broken else 0


def _again(campaign: Any, given: argparse.Namespace) -> int:
    """Simulate a plan that was kept."""
    from connectors.engine.process.files import read_file

    trouble = campaign.again(read_file(given.plan, "plan").decode(), find("memory").definition())
    given.terminal.show(trouble or "No law is broken.")
    return 1 if trouble else 0
