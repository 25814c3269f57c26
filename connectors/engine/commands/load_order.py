"""The arguments that say what is to be loaded, and the order that they make: of `load` and of `shards open`.

It is imported with the command line, so whatever is slow waits until an order is made.
"""

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connectors.engine.process.load import Order
    from connectors.engine.process.terminal import Terminal
    from dataflow.files.listing import InputFile
    from dataflow.types import StreamName

# Characters of the longest name beside which kinds are shown in a column.
WIDEST = 40
UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def size_in_bytes(text: str) -> int:
    """A size such as 64MiB, above zero."""
    found = re.fullmatch("0*([1-9][0-9]*) ?(|KiB|MiB|GiB)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size, such as 64MiB")
    return int(found[1]) * UNITS[found[2]]


def order_arguments(parser: argparse.ArgumentParser) -> None:
    """What is to be loaded, where, and how."""
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
        choices=["append", "append_dedup", "overwrite"],
        help="add the rows to the table, merge them into it by their key, or replace the table; without it, merge if "
        "there is a key",
    )
    parser.add_argument("--key", metavar="FIELD,...", help="the fields that make rows the same")
    parser.add_argument(
        "--cursor", metavar="FIELD", help="of rows with one key, keep the one whose field is greatest"
    )
    parser.add_argument(
        "--name",
        help="the name under which the table remembers the files, each of which is loaded once (default: the table's)",
    )
    parser.add_argument(
        "--again",
        action="append",
        default=[],
        metavar="FILE",
        help="load this one of the files although it was loaded before",
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
    parser.add_argument(
        "--shard-bytes",
        type=size_in_bytes,
        metavar="SIZE",
        help="how much of the files is written in one transaction (default: 128MiB, less for several workers)",
    )
    parser.add_argument("--journal", type=Path, help="append every lifecycle transition to this file")


def fault_argument(parser: argparse.ArgumentParser) -> None:
    """Failures for tests."""
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="WHEN:OPERATION[#N]=KIND",
        help="fail on purpose, for example after:swap=kill; needs DATAFLOW_ALLOW_FAULTS=1 (see docs/faults.md)",
    )


def order_of(given: argparse.Namespace, workers: int) -> "Order":
    """The order, whose schema was shown. Its shards are cut for as many workers.

    Raises ConfigError for one that contradicts itself or the files.
    """
    from connectors.engine.process.load import Order
    from connectors.engine.process.load_request import mode_of, table_of
    from dataflow.files.listing import Format, find
    from dataflow.types import StreamName

    key = tuple(field.strip() for field in given.key.split(",") if field.strip()) if given.key else ()
    mode = mode_of(given.mode, key)
    files = find(given.file, Format(given.format) if given.format else None)
    stream = StreamName(given.namespace or None, table_of(files, given.stream))
    order = Order(
        files=files,
        stream=stream,
        schema=_schema(given, files, stream),
        mode=mode,
        key=key,
        cursor=given.cursor,
        name=given.name,
        again=given.again,
        shard_bytes=given.shard_bytes,
        workers=workers,
    )
    _show_schema(given.terminal, order)
    if given.schema_out is not None:
        _write(given.schema_out, order.schema)
    return order


def _schema(
    given: argparse.Namespace, files: "Sequence[InputFile]", stream: "StreamName"
) -> "Mapping[str, Any]":
    from connectors.engine.process.files import read_schema
    from dataflow.files.inference import schema_of
    from dataflow.files.listing import Format

    if given.schema is None:
        return schema_of(files, stream)
    # A file of messages without a record of the stream is refused in any case: its load could replace a table.
    schema_of([file for file in files if file.format is Format.AIRBYTE], stream)
    return read_schema(given.schema)


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
