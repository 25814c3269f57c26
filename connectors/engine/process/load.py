"""A load of files into one table. Says what it is to be, and refuses what the table's rows would lose."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from connectors.engine.dry_run.effects import Deed
from connectors.engine.dry_run.plan import Plan, plan
from connectors.engine.process.load_rows import Loaded, Showing, load_rows
from connectors.engine.process.open_destination import Configured
from connectors.engine.sync.faults import Strike, no_fault
from dataflow.catalog import Dedupe, DestinationStream, ImportType, Replace
from dataflow.errors import ConfigError
from dataflow.files.listing import InputFile
from dataflow.files.source import FileSource
from dataflow.json_schema import fields
from dataflow.types import StreamName

if TYPE_CHECKING:
    from connectors.engine.process.signals import Asking

DOING = "preparing the load"
# What a merge may not do to the table: the rows that it has would lose values, or each other.
REFUSED = (Deed.DROP_COLUMN, Deed.CHANGE_COLUMN, Deed.DROP_VIEW, Deed.MERGE_BY_ANOTHER_KEY)


class Mode(StrEnum):
    """What becomes of the rows that the table has."""

    OVERWRITE = "overwrite"
    APPEND_DEDUP = "append_dedup"


@frozen(kw_only=True)
class Order:
    """What is to be loaded. `schema` is the JSON schema of the rows; `key` and `cursor` are fields of it."""

    files: Sequence[InputFile]
    stream: StreamName
    schema: Mapping[str, Any]
    mode: Mode
    key: tuple[str, ...] = ()
    cursor: str | None = None


def stream_of(order: Order) -> DestinationStream:
    """The stream that a load is. Raises ConfigError for a key or a cursor that no file has, or that the mode lacks."""
    declared = fields(order.schema, order.stream)
    names = {each.name for each in declared}
    for role, wanted in (("key", order.key), ("cursor", (order.cursor,) if order.cursor else ())):
        for name in wanted:
            if name not in names:
                raise ConfigError(
                    f"There is no field {name!r}, which is to be the {role}.",
                    doing=DOING,
                    remedy=f"Choose among the fields of the rows: {', '.join(sorted(names))}.",
                )
    return DestinationStream(name=order.stream, fields=declared, import_type=_import_type(order))


def _import_type(order: Order) -> ImportType:
    if order.mode is Mode.OVERWRITE:
        if order.key or order.cursor:
            raise ConfigError(
                "An overwrite keeps every row, so it has no key and no cursor.",
                doing=DOING,
                remedy="Leave out --key and --cursor, or choose --mode append_dedup.",
            )
        return Replace()
    if not order.key:
        raise ConfigError(
            "A load in the mode append_dedup needs a key.",
            doing=DOING,
            remedy="Give --key, or choose --mode overwrite.",
        )
    return Dedupe(order.key, order.cursor)


def foreseen(order: Order, destination: Configured) -> Plan:
    """What the load would do.

    Raises ConfigError when a merge would take columns, or values of them, from the rows that the table has: a file
    that lacks a field is no word that nobody needs it.
    """
    found = plan(destination.connector, destination.options.meant([stream_of(order)]))
    lost = [
        effect.words
        for stream in found.streams
        for step in stream.steps
        for effect in step.effects
        if effect.deed in REFUSED and effect.table == stream.final.name
    ]
    if lost and order.mode is Mode.APPEND_DEDUP:
        raise ConfigError(
            f"The table's rows would lose values: the load {'; '.join(dict.fromkeys(lost))}.",
            doing=DOING,
            remedy="Nothing was changed. Give --schema with all fields of the table and their types, and the key by "
            "which its rows were merged; or replace the table with --mode overwrite.",
        )
    return found


def load(
    order: Order,
    destination: Configured,
    run: str,
    showing: Showing,
    requests: "Asking | None" = None,
    strike: Strike = no_fault,
) -> Loaded:
    """Load the files. Each error that stopped it was reported to the outlet.

    Raises ConfigError for what is wrong before anything was done.
    """
    foreseen(order, destination)
    source = FileSource(order.files)
    loaded = load_rows(stream_of(order), source, destination, run, showing, requests, strike)
    return evolve(loaded, left_out=source.left_out)
