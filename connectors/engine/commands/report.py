"""`dataflow report`: a page that shows what a sync did. Writes the one file that it is asked for."""

import argparse
from contextlib import closing
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("journal", type=Path, help="a journal that `write --journal` wrote")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("report.html"),
        metavar="PAGE",
        help="the page to write (default: %(default)s)",
    )
    parser.add_argument(
        "--run", default="last", help="the run's name or its beginning (default: the last run)"
    )


def run(given: argparse.Namespace) -> int:
    """Write the page. Raises ConfigError for a journal that cannot be read, or a page that cannot be written."""
    from connectors.engine.commands.journal import chosen
    from connectors.engine.journal.reader import JournalFile
    from connectors.engine.report.page import report
    from dataflow.errors import ConfigError

    with closing(JournalFile(given.journal)) as source:
        part = source.more()
    one = chosen(part.entries, given.run)
    try:
        given.output.write_text(report(one, part.troubles), encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"The page {str(given.output)!r} cannot be written: {error.strerror}.",
            remedy="Choose another path.",
        ) from error
    given.terminal.show(f"{given.output}: run {one.name}, {one.outcome}")
    return 0
