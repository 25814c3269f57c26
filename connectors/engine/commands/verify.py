"""`dataflow verify`: the search for a broken law, and its figures. Prints what the search found; judges nothing."""

import argparse
from itertools import chain


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("--crashes", type=int, default=2, help="crashes and errors (default: %(default)s)")
    parser.add_argument(
        "--rivals", type=int, default=1, help="runs started while another is alive (default: %(default)s)"
    )


def run(given: argparse.Namespace) -> int:
    """Search what the machines of a stream and of a sync can come to, and names of catalogs that change; 1 when a law
    was broken.
    """
    from machines.verify import search, syncs
    from machines.verify.catalogs import search as catalogs

    streams = search.report(search.Search(crashes=given.crashes, rivals=given.rivals), given.runtime.clock)
    names = catalogs.report(
        catalogs.Search(), given.runtime.clock, crashes=min(given.crashes, 1), rivals=given.rivals
    )
    broken = False
    for line, explored in chain(streams, syncs.report(given.runtime.clock), names):
        given.terminal.show(line)
        broken = broken or bool(explored.violations)
    return 1 if broken else 0
