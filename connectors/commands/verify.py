"""`dataflow verify`: the search for a broken law, and its figures. Prints what the search found; judges nothing."""

import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("--crashes", type=int, default=2, help="crashes and errors (default: %(default)s)")
    parser.add_argument(
        "--rivals", type=int, default=1, help="runs started while another lives (default: %(default)s)"
    )


def run(given: argparse.Namespace) -> int:
    """Search what a stream's machine can come to; 1 when a law was broken."""
    from machines.verify.search import Explored, Search, report

    total = Explored()
    for line, explored in report(Search(crashes=given.crashes, rivals=given.rivals)):
        given.terminal.show(line)
        total = explored
    return 1 if total.violations else 0
