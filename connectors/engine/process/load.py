"""A load of files into one table. Says what it is to be, and refuses what the table's rows would lose."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from attrs import frozen

from connectors.contract import Connector
from connectors.engine.dry_run.effects import Deed
from connectors.engine.dry_run.plan import Plan, plan
from connectors.engine.load.deciding import DOING, Wanted
from connectors.engine.process.open_destination import Configured
from dataflow.catalog import Append, Dedupe, DestinationStream, ImportType, Replace
from dataflow.errors import ConfigError
from dataflow.files.listing import InputFile
from dataflow.files.shards import shard_bytes_for
from dataflow.json_schema import fields
from dataflow.types import StreamName

# Bytes of files in a shard, for a database that keeps in memory what is not committed: one with groups of rows.
UNCOMMITTED_BYTES = 8 << 20

__all__ = ["DOING", "Mode", "Order", "foreseen", "stream_of"]

# What a load that adds may not do to the table: the rows that it has would lose values, or each other.
REFUSED = (Deed.DROP_COLUMN, Deed.CHANGE_COLUMN, Deed.DROP_VIEW, Deed.MERGE_BY_ANOTHER_KEY)


class Mode(StrEnum):
    """What becomes of the rows that the table has."""

    APPEND = "append"
    APPEND_DEDUP = "append_dedup"
    OVERWRITE = "overwrite"


@frozen(kw_only=True)
class Order:
    """What is to be loaded. `schema` is the JSON schema of the rows; `key` and `cursor` are fields of it.

    `name` is the load's: files of one name are loaded once, but for those of `again`. None: the stream's.
    `shard_bytes` of files are in a shard; None: as many as fit the destination and the number of `workers`.
    """

    files: Sequence[InputFile]
    stream: StreamName
    schema: Mapping[str, Any]
    mode: Mode
    key: tuple[str, ...] = ()
    cursor: str | None = None
    name: str | None = None
    again: Sequence[str] = ()
    shard_bytes: int | None = None
    workers: int = 1

    def wanted(self, connector: Connector) -> Wanted:
        """The same as a load of a stream into this destination. Raises ConfigError as `stream_of` does."""
        fitting = UNCOMMITTED_BYTES if connector.rows_together else shard_bytes_for(self.files, self.workers)
        return Wanted(
            stream=stream_of(self),
            name=self.name or str(self.stream),
            files=self.files,
            again=self.again,
            shard_bytes=self.shard_bytes or fitting,
        )


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
    if order.mode is Mode.APPEND_DEDUP:
        if not order.key:
            raise ConfigError(
                "A load in the mode append_dedup needs a key.",
                doing=DOING,
                remedy="Give --key, or choose another mode.",
            )
        return Dedupe(order.key, order.cursor)
    if order.key or order.cursor:
        raise ConfigError(
            f"A load in the mode {order.mode} keeps every row, so it has no key and no cursor.",
            doing=DOING,
            remedy="Leave out --key and --cursor, or choose --mode append_dedup.",
        )
    return Append() if order.mode is Mode.APPEND else Replace()


def foreseen(order: Order, destination: Configured) -> Plan:
    """What the load would do.

    Raises ConfigError when a load that adds would take columns, or values of them, from the rows that the table has:
    a file that lacks a field does not say that nobody needs it.
    """
    found = plan(destination.connector, destination.options.meant([stream_of(order)]))
    lost = [
        effect.words
        for stream in found.streams
        for step in stream.steps
        for effect in step.effects
        if effect.deed in REFUSED and effect.table == stream.final.name
    ]
    if lost and order.mode is not Mode.OVERWRITE:
        raise ConfigError(
            f"The table's rows would lose values: the load {'; '.join(dict.fromkeys(lost))}.",
            doing=DOING,
            remedy="Nothing was changed. Give --schema with all fields of the table and their types, and the key by "
            "which its rows were merged; or replace the table with --mode overwrite.",
        )
    return found
