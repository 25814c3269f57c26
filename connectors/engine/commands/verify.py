"""`dataflow verify`: the search for a broken law, and its figures. Prints what the search found; judges nothing."""

import argparse
import os
import re
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from connectors.engine.process.cli import count_from_one
from dataflow.errors import ConfigError

if TYPE_CHECKING:
    from machines.verify.rules import Rule

CLASSES = ("A", "B", "C", "D")
# The search of classes is of more histories, since late statements come between their steps.
DEPTH = {"crashes": 2, "rivals": 1, "flushes": 1}
DEPTH_OF_CLASSES = {"crashes": 1, "rivals": 1, "flushes": 2}
# What only the search of classes understands, as it is when it was not asked for.
OF_CLASSES: dict[str, Any] = {"scenario": "", "without": [], "limits": False, "share": 1, "seed": 0}


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument(
        "--crashes", type=count_from_zero, help="crashes and errors (default: 2; with --class 1)"
    )
    parser.add_argument(
        "--rivals", type=count_from_zero, help="runs started while another is alive (default: 1)"
    )
    parser.add_argument(
        "--flushes",
        type=count_from_one,
        help="flushes of one stream at work at once (default: 1; with --class 2)",
    )
    parser.add_argument(
        "--class",
        dest="of_class",
        choices=(*CLASSES, "all"),
        help="search databases of this class of atomicity alone, and no catalogs",
    )
    parser.add_argument(
        "--scenario",
        metavar="NAME",
        default="",
        help="with --class: search only scenarios with this in their names; upper and lower case differ",
    )
    parser.add_argument(
        "--without",
        metavar="RULE",
        action="append",
        default=[],
        help="with --class: leave out a rule of the protocol; a name that is no rule's prints the list",
    )
    parser.add_argument(
        "--limits",
        action="store_true",
        help="with --class: show the shortest history of each known limit of the class",
    )
    parser.add_argument(
        "--share",
        type=count_from_one,
        metavar="S",
        default=1,
        help="with --class: search one of S shares (default: all)",
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", default=0, help="with --share: which share (default: %(default)s)"
    )
    parser.add_argument(
        "--jobs",
        type=count_from_one,
        default=os.cpu_count(),
        help="processes that search classes (default here: %(default)s)",
    )


def count_from_zero(text: str) -> int:
    """A whole number that is not negative. Raises ArgumentTypeError."""
    if not re.fullmatch("[0-9]+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def run(given: argparse.Namespace) -> int:
    """Search what the machines of a stream and of a sync can come to, and names of catalogs that change; 1 when a law
    was broken. Raises ConfigError for a name that means nothing here.
    """
    broken = False
    for line, explored in _of_classes(given) if given.of_class else _of_all(given):
        given.terminal.show(line)
        broken = broken or bool(explored.violations)
    return 1 if broken else 0


def _depth(given: argparse.Namespace, default: dict[str, int]) -> dict[str, int]:
    """How much may befall a history: as it was asked for, else the default."""
    asked = {name: getattr(given, name) for name in default}
    return {name: default[name] if number is None else number for name, number in asked.items()}


def _of_all(given: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    from machines.verify import search, syncs
    from machines.verify.catalogs import search as catalogs

    if alone := [f"--{name}" for name, unused in OF_CLASSES.items() if getattr(given, name) != unused]:
        raise ConfigError(
            f"{' and '.join(alone)} would be ignored: only the search of a class understands it.",
            remedy="Add --class, for example --class all.",
        )
    depth = _depth(given, DEPTH)
    names = catalogs.report(
        catalogs.Search(),
        given.runtime.clock,
        crashes=min(depth["crashes"], 1),
        rivals=depth["rivals"],
    )
    streams = search.report(
        search.Search(crashes=depth["crashes"], rivals=depth["rivals"], flushes=depth["flushes"]),
        given.runtime.clock,
    )
    return chain(streams, syncs.report(given.runtime.clock), names)


def _of_classes(given: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    from machines.verify import classes, rules

    names = CLASSES if given.of_class == "all" else (given.of_class,)
    depth = _depth(given, DEPTH_OF_CLASSES)
    asked = classes.Asked(
        kinds=tuple(rules.KINDS[name] for name in names),
        scenario=_scenario(given.scenario),
        without=frozenset(map(_rule, given.without)),
        limits=given.limits,
        share=given.share,
        seed=given.seed,
        crashes=depth["crashes"],
        rivals=depth["rivals"],
        flushes=depth["flushes"],
    )
    return classes.report(asked, given.runtime.clock, given.jobs)


def _scenario(name: str) -> str:
    """What the names of scenarios are to have in them. Raises ConfigError when none has it."""
    from machines.verify.loads import all_scenarios

    known = [scenario.name for scenario in all_scenarios()]
    if not any(name in each for each in known):
        raise ConfigError(
            f"No scenario has {name!r} in its name.",
            remedy="Give a part of one of these, in the same case:\n"
            + "\n".join(f"  {each}" for each in known),
        )
    return name


def _rule(name: str) -> "Rule":
    """The rule of that name, written with spaces, hyphens or underscores. Raises ConfigError."""
    from machines.verify.rules import MEANING, Rule

    try:
        return Rule(name.replace(" ", "_").replace("-", "_"))
    except ValueError as error:
        known = "\n".join(f"  {rule}: {meaning}" for rule, meaning in MEANING.items())
        raise ConfigError(f"There is no rule {name!r}.", remedy="Give one of these:\n" + known) from error
