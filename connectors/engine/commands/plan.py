"""`dataflow plan`: what a sync would do, before it does it. Shows what the rehearsal found; decides nothing."""

import argparse
import json
from pathlib import Path

# The exit codes, for a check before each deployment.
DESTRUCTIVE, FAILS = 2, 1


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("--connector", required=True, help="the destination's name: duckdb, postgres, ...")
    parser.add_argument("--config", required=True, help="its configuration, a JSON file or a URL")
    parser.add_argument("--catalog", type=Path, required=True, help="the configured catalog, a JSON file")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(given: argparse.Namespace) -> int:
    """Rehearse the sync and show it; 2 when something destructive would happen, 1 when a stream would fail."""
    from connectors.engine.dry_run.plan import RUN, plan
    from connectors.engine.dry_run.plan_text import as_json, as_text
    from connectors.engine.process.open_destination import configured, streams_of

    with configured(
        given.connector, given.config, RUN, given.runtime, given.terminal.keep_secret
    ) as destination:
        planned = plan(destination.connector, destination.options.meant(streams_of(given.catalog)))
        shown = json.dumps(as_json(planned), indent=2) if given.json else as_text(planned)
        given.terminal.show(shown)
    if planned.destructive:
        return DESTRUCTIVE
    return FAILS if planned.fails else 0
