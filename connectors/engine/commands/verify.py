"""`dataflow verify`: the search for a broken law, and its figures. Prints what the search found; judges nothing."""

import argparse
import os
from collections.abc import Iterator
from itertools import chain
from typing import Any

CLASSES = ("A", "B", "C", "D")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("--crashes", type=int, default=2, help="crashes and errors (default: %(default)s)")
    parser.add_argument(
        "--rivals", type=int, default=1, help="runs started while another is alive (default: %(default)s)"
    )
    parser.add_argument(
        "--flushes", type=int, default=1, help="flushes of one stream at work at once (default: %(default)s)"
    )
    parser.add_argument(
        "--class",
        dest="of_class",
        choices=(*CLASSES, "all"),
        help="search databases of this class of atomicity alone, and no catalogs",
    )
    parser.add_argument(
        "--scenario", metavar="NAME", default="", help="search scenarios of such a name alone"
    )
    parser.add_argument(
        "--without", metavar="RULE", action="append", default=[], help="leave out a rule of the protocol"
    )
    parser.add_argument(
        "--limits",
        action="store_true",
        help="show the shortest history of each promise that the class cannot keep",
    )
    parser.add_argument(
        "--share", type=int, metavar="S", default=1, help="search one of S shares (default: all)"
    )
    parser.add_argument("--seed", type=int, metavar="N", default=0, help="which share (default: %(default)s)")
    parser.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count(),
        help="processes that search classes (default here: %(default)s)",
    )


def run(given: argparse.Namespace) -> int:
    """Search what the machines of a stream and of a sync can come to, and names of catalogs that change; 1 when a law
    was broken.
    """
    broken = False
    for line, explored in _of_classes(given) if given.of_class else _of_all(given):
        given.terminal.show(line)
        broken = broken or bool(explored.violations)
    return 1 if broken and not given.limits else 0


def _of_all(given: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    from machines.verify import search, syncs
    from machines.verify.catalogs import search as catalogs

    streams = search.Search(crashes=given.crashes, rivals=given.rivals, flushes=given.flushes)
    names = catalogs.report(
        catalogs.Search(), given.runtime.clock, crashes=min(given.crashes, 1), rivals=given.rivals
    )
    return chain(search.report(streams, given.runtime.clock), syncs.report(given.runtime.clock), names)


def _of_classes(given: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    from machines.verify import classes, rules

    names = CLASSES if given.of_class == "all" else (given.of_class,)
    asked = classes.Asked(
        kinds=tuple(rules.KINDS[name] for name in names),
        scenario=given.scenario,
        without=frozenset(map(rules.Rule, given.without)),
        limits=given.limits,
        share=given.share,
        seed=given.seed,
        crashes=given.crashes,
        rivals=given.rivals,
        flushes=given.flushes,
    )
    return classes.report(asked, given.runtime.clock, given.jobs)
