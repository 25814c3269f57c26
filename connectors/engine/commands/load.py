"""`dataflow load`: files into a table, without a source. Shows the schema and what became of the rows.

What a person asked for is shown on stdout, and what goes on meanwhile, with every warning and error, on stderr.
"""

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.engine.process.load import Order
    from connectors.engine.process.load_rows import Loaded
    from connectors.engine.process.masking import Mask
    from connectors.engine.process.terminal import Terminal
    from dataflow.pipeline.checkpoints import Checkpoint
    from dataflow.types import StreamName

# Characters of the longest name beside which kinds are shown in a column.
WIDEST = 40


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument(
        "file",
        nargs="+",
        metavar="FILE",
        help="Parquet, CSV and NDJSON files: paths, URIs such as s3://shop/orders.csv, patterns such as 'orders/*.csv'",
    )
    parser.add_argument("--to", required=True, metavar="DESTINATION", help="its name: duckdb, postgres, ...")
    parser.add_argument("--config", required=True, help="its configuration, a JSON file or a URL")
    parser.add_argument(
        "--stream",
        metavar="NAME",
        help="the table's name (default: the name of the file, if there is only one)",
    )
    parser.add_argument("--namespace", help="the table's namespace (default: the one of the configuration)")
    parser.add_argument(
        "--mode",
        choices=["append_dedup", "overwrite"],
        help="merge the rows into the table by their key, or replace the table; without it, merge if there is a key",
    )
    parser.add_argument("--key", metavar="FIELD,...", help="the fields that make rows the same")
    parser.add_argument(
        "--cursor", metavar="FIELD", help="of rows with one key, keep the one whose field is greatest"
    )
    parser.add_argument(
        "--format",
        choices=["parquet", "csv", "ndjson", "airbyte"],
        help="the format of all files, airbyte for messages of the Airbyte protocol; without it, the name of each "
        "shows its own",
    )
    parser.add_argument(
        "--schema", type=Path, help="the rows' JSON schema; without it, the files are looked at"
    )
    parser.add_argument("--schema-out", type=Path, help="write the JSON schema to this file")
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, as plan does")
    parser.add_argument("--journal", type=Path, help="append every lifecycle transition to this file")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="WHEN:OPERATION[#N]=KIND",
        help="fail on purpose, for example after:swap=kill; needs DATAFLOW_ALLOW_FAULTS=1 (see docs/faults.md)",
    )


def run(given: argparse.Namespace) -> int:
    """Load, and report; 1 when nothing was published, and 128 and the signal's number when it was asked to stop."""
    from connectors.engine.process.load import stream_of
    from connectors.engine.process.open_destination import configured
    from connectors.engine.sync.faults import Faults, read_faults
    from dataflow.runtime.randomness import token

    order = _order(given)
    stream_of(order)
    faults = Faults(read_faults(given.fault, os.environ), given.runtime.threads)
    _show_schema(given.terminal, order)
    if given.schema_out is not None:
        _write(given.schema_out, order.schema)
    masks: list[Mask] = []

    def keep_secret(mask: "Mask") -> None:
        masks.append(mask)
        given.terminal.keep_secret(mask)

    name = f"{os.getpid()}-{token(given.runtime.randomness, 8)}"
    with configured(given.to, given.config, name, given.runtime, keep_secret) as destination:
        for warning in destination.warnings:
            given.terminal.complain(f"WARN {warning}")
        return _run(given, order, destination, name, (masks[-1], faults.strike))


def _run(given: argparse.Namespace, order: "Order", destination: Any, name: str, kept: Any) -> int:
    from connectors.engine.monitor.monitor import Watching
    from connectors.engine.process.load import load
    from connectors.engine.process.load_rows import Showing
    from connectors.engine.process.signals import Requests

    mask, strike = kept
    if given.dry_run:
        from connectors.engine.dry_run.plan_text import as_text
        from connectors.engine.process.load import foreseen

        planned = foreseen(order, destination)
        given.terminal.show(as_text(planned))
        return int(planned.fails)
    requests = Requests()
    showing = Showing(
        outlet=_Spoken(given.terminal), watching=Watching(heartbeat=60.0), journal=given.journal, mask=mask
    )
    loaded = load(order, destination, name, showing, requests, strike)
    _report(given.terminal, loaded)
    return 0 if loaded.succeeded else requests.failure_code


def _order(given: argparse.Namespace) -> "Order":
    from connectors.engine.process.files import read_schema
    from connectors.engine.process.load import Order
    from connectors.engine.process.load_request import mode_of, table_of
    from dataflow.files.inference import schema_of
    from dataflow.files.listing import Format, find
    from dataflow.types import StreamName

    key = tuple(field.strip() for field in given.key.split(",") if field.strip()) if given.key else ()
    mode = mode_of(given.mode, key)
    files = find(given.file, Format(given.format) if given.format else None)
    stream = StreamName(given.namespace or None, table_of(files, given.stream))
    return Order(
        files=files,
        stream=stream,
        schema=read_schema(given.schema) if given.schema is not None else schema_of(files, stream),
        mode=mode,
        key=key,
        cursor=given.cursor,
    )


def _write(path: Path, schema: "Mapping[str, Any]") -> None:
    from dataflow.errors import ConfigError

    try:
        path.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise ConfigError(
            f"The JSON schema cannot be written to {str(path)!r}: {error.strerror}.",
            remedy="Choose another path.",
        ) from error


def _show_schema(terminal: "Terminal", order: "Order") -> None:
    from connectors.engine.process.load import stream_of
    from machines.formatting import number_of, printable

    declared = [
        (printable(field.name), str(field.type.kind).replace("_", " ")) for field in stream_of(order).fields
    ]
    width = min(max((len(name) for name, _ in declared), default=0), WIDEST)
    terminal.show(
        f"{order.stream}: {number_of(len(order.files), 'file')}, {number_of(len(declared), 'field')}"
    )
    for name, kind in declared:
        terminal.show(f"  {name:<{width}}  {kind}")


def _report(terminal: "Terminal", loaded: "Loaded") -> None:
    from machines.formatting import number_of
    from machines.journal.account import changes_in

    account = loaded.account
    terminal.show(f"Read {number_of(account.read, 'row')}, wrote {number_of(account.rows, 'row')}.")
    for change in changes_in(account):
        terminal.show(f"  {change}.")
    if loaded.left_out:
        left_out = ", ".join(number_of(count, what, what.many) for what, count in loaded.left_out.items())
        terminal.show(f"Left out: {left_out}.")
    if loaded.standing:
        terminal.show(loaded.standing)
    # What a destination of ours wrote gives its columns again.
    if any(not name.startswith("_airbyte_") for name in account.unknown.names):
        terminal.complain(
            "WARN The values of fields that are not in the schema were not loaded. To load them, add these fields to "
            "the schema that --schema-out writes, and load again with --schema."
        )


class _Spoken:
    """The outlet of a load: a person reads warnings as they come, and each error once, at its end."""

    def __init__(self, terminal: "Terminal") -> None:
        self._terminal = terminal

    def emit(self, checkpoint: "Checkpoint") -> None:
        """A load has no STATE."""

    def log(self, level: str, message: str) -> None:
        """Show what a person may have to act on."""
        if level == "WARN":
            self._terminal.complain(f"WARN {message}")

    def report(self, error: BaseException, stream: "StreamName | None" = None) -> None:
        """Show why the load failed."""
        self._terminal.complain(f"dataflow load: {error}")
