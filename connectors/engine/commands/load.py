"""`dataflow load`: files into a table, without a source. Shows the schema and what became of the rows.

What a person asked for is shown on stdout, and what goes on meanwhile, with every warning and error, on stderr.
"""

import argparse
from typing import TYPE_CHECKING

from connectors.engine.commands.load_order import fault_argument, order_arguments, order_of
from connectors.engine.commands.load_shown import asked, job_of
from connectors.engine.process.cli import count_from_one

if TYPE_CHECKING:
    from connectors.engine.process.load_files import LoadedFiles
    from connectors.engine.process.terminal import Terminal

# As many workers a cluster is taken to have, when shards are cut for it.
ELSEWHERE = 8


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    order_arguments(parser)
    parser.add_argument(
        "--workers",
        type=count_from_one,
        default=1,
        metavar="N",
        help="have N processes on this machine write the shards (default: %(default)s, which is this process)",
    )
    parser.add_argument(
        "--on",
        metavar="SCHEDULER",
        help="have the workers of a dask cluster write them: the address of its scheduler, such as "
        "tcp://scheduler:8786",
    )
    parser.add_argument(
        "--config-on-workers",
        metavar="PATH",
        help="where the configuration is on the cluster's workers (default: the path of --config)",
    )
    parser.add_argument(
        "--connections",
        type=count_from_one,
        metavar="N",
        help="how many shards may be written at a time, each on a connection (two more are for the load itself)",
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, as plan does")
    fault_argument(parser)


def run(given: argparse.Namespace) -> int:
    """Load, and report; 1 when nothing was published, and 128 and the signal's number when it was asked to stop."""
    requests = given.requests = asked()
    from connectors.engine.process.crew import Crew, config_for_workers
    from connectors.engine.process.load import foreseen
    from connectors.engine.process.load_files import load, stop_by

    stop = stop_by(requests, given.runtime.threads)
    order = order_of(given, ELSEWHERE if given.on else given.workers)
    crew = Crew(
        config=given.config_on_workers or config_for_workers(given.to, given.config),
        workers=given.workers,
        scheduler=given.on,
        connections=given.connections,
    )
    job = job_of(given, given.to, given.config, stop, crew)
    if given.dry_run:
        from connectors.engine.dry_run.plan_text import as_text

        with job.destination() as destination:
            planned = foreseen(order, destination)
        given.terminal.show(as_text(planned))
        return int(planned.fails)
    loaded = load(order, job)
    _report(given.terminal, loaded)
    return 0 if loaded.succeeded else requests.failure_code


def _report(terminal: "Terminal", loaded: "LoadedFiles") -> None:
    from connectors.engine.commands.load_shown import show_loaded
    from machines.formatting import number_of

    for earlier in loaded.earlier:
        terminal.show("A load of this name was open, and came first:")
        show_loaded(terminal, earlier)
    if loaded.known:
        were = "was" if len(loaded.known) == 1 else "were"
        terminal.show(f"{number_of(len(loaded.known), 'file')} {were} loaded before.")
    if loaded.nothing_to_do:
        terminal.show("Nothing to load.")
        return
    show_loaded(terminal, loaded)
