"""`dataflow doctor`: what a crash left, and the one step that repairs it. Shows what was found; decides nothing."""

import argparse
import json
import os
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("--connector", required=True, help="the destination's name: duckdb, postgres, ...")
    parser.add_argument("--config", required=True, help="its configuration, a JSON file or a URL")
    parser.add_argument(
        "--catalog",
        type=Path,
        help="the configured catalog; without it, the same sync is assumed to run again",
    )
    parser.add_argument("--fix", action="store_true", help="take each step that can be taken now")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(given: argparse.Namespace) -> int:
    """Examine, repair if that is asked for, and show what is left; 1 when something is."""
    from connectors.engine.dry_run.doctor import RUN, examine
    from connectors.engine.dry_run.doctor_text import as_json, as_text
    from connectors.engine.dry_run.repair import Attempt, try_repairs
    from connectors.engine.process.open_destination import configured, streams_of

    run = f"{RUN}-{os.getpid()}"
    streams = streams_of(given.catalog) if given.catalog is not None else None
    tried: list[Attempt] = []
    secret = given.terminal.keep_secret
    with configured(given.connector, given.config, run, given.runtime, secret) as destination:
        options = destination.options
        streams = options.meant(streams) if streams is not None else None
        diagnosis = examine(destination.connector, streams, options)
        if given.fix:
            tried.extend(try_repairs(destination.connector, diagnosis, run))
    if tried:
        with configured(given.connector, given.config, run, given.runtime, secret) as destination:
            diagnosis = examine(destination.connector, streams, options)
    shown = json.dumps(as_json(diagnosis, tried), indent=2) if given.json else as_text(diagnosis, tried)
    given.terminal.show(shown)
    return 0 if diagnosis.healthy else 1
