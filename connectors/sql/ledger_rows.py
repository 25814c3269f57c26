"""The ledger's tables, and its entries and flushes as rows of them. Sends nothing."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.contract.ledger import LedgerEntry, Owner
from connectors.contract.loads import OpenedLoad
from connectors.sql.dialect import Holds, InternalColumn
from dataflow.errors import ConfigError
from dataflow.stream_tables import OwnedColumn
from dataflow.types import Kind, StreamName, TableName
from machines.flushes import FlushRow
from machines.operations import Publishing, Recipe, recipe_from_json, recipe_to_json

# The entries, their flushes, and the number of the format of both. Versions that knew no format kept their entries in
# the table that holds it now: they find that it is no ledger of theirs, and stop.
TABLE = "_airbyte_streams"
FLUSH_TABLE = "_airbyte_flushes"
FORMAT_TABLE = "_airbyte_ledger"
TABLES = (TABLE, FLUSH_TABLE, FORMAT_TABLE)

# Whose rows they are: the key of an entry, and the first columns of every other key.
KEY_COLUMNS = (
    InternalColumn("final_namespace", Holds.KEY, nullable=False),
    InternalColumn("final_name", Holds.KEY, nullable=False),
)
CHECKPOINT = "checkpoint_raw_id"
COLUMNS = (
    *KEY_COLUMNS,
    InternalColumn("stream_namespace", Holds.TEXT),
    InternalColumn("stream_name", Holds.TEXT),
    InternalColumn("columns", Holds.TEXT),
    InternalColumn("epoch", Holds.INTEGER, nullable=False),
    InternalColumn("owner", Holds.TEXT, nullable=False),
    InternalColumn("temp_namespace", Holds.TEXT),
    InternalColumn("temp_name", Holds.TEXT),
    InternalColumn("recipe", Holds.TEXT),
    InternalColumn("last_flush", Holds.INTEGER, nullable=False),
    InternalColumn(CHECKPOINT, Holds.TEXT),
    InternalColumn("highest_raw_id", Holds.TEXT),
    InternalColumn("finalised", Holds.INTEGER),
    InternalColumn("publishing", Holds.TEXT),
)
NAMES = tuple(column.name for column in COLUMNS)
KEY = NAMES[:2]
# What a transaction reads that shares an entry.
OWNER_NAMES = ("epoch", "owner", "last_flush", "temp_namespace", "temp_name", "recipe", "publishing")
FLUSH_COLUMNS = (
    *KEY_COLUMNS,
    InternalColumn("epoch", Holds.INTEGER, nullable=False),
    InternalColumn("number", Holds.INTEGER, nullable=False),
    InternalColumn("rows", Holds.INTEGER, nullable=False),
    InternalColumn(CHECKPOINT, Holds.TEXT),
    InternalColumn("highest_raw_id", Holds.TEXT),
)
FLUSH_NAMES = tuple(column.name for column in FLUSH_COLUMNS)
FLUSH_KEY = FLUSH_NAMES[:4]

Row = Mapping[str, Any]


def key_of(table: TableName) -> dict[str, Any]:
    """The key of a table's entry."""
    return {"final_namespace": table.namespace, "final_name": table.name}


def table_of(row: Row) -> TableName:
    """The final table of an entry or a flush."""
    return TableName(row["final_namespace"], row["final_name"])


def row_of(entry: LedgerEntry) -> dict[str, Any]:
    """An entry as a row."""
    return key_of(entry.table) | {
        "stream_namespace": entry.stream.namespace if entry.stream else None,
        "stream_name": entry.stream.name if entry.stream else None,
        "columns": _columns_to_json(entry.columns) if entry.columns else None,
        "epoch": entry.epoch,
        "owner": entry.owner,
        "temp_namespace": entry.temp.namespace if entry.temp else None,
        "temp_name": entry.temp.name if entry.temp else None,
        "recipe": json.dumps(recipe_to_json(entry.recipe)) if entry.recipe else None,
        "last_flush": entry.last_flush,
        CHECKPOINT: entry.checkpoint,
        "highest_raw_id": entry.highest_raw_id,
        "finalised": entry.finalised,
        "publishing": str(entry.publishing) if entry.publishing else None,
    }


def entry_of(row: Row) -> LedgerEntry:
    """A row as an entry; what its format does not have is None. Raises ConfigError for what cannot be read."""
    table = table_of(row)
    stream, publishing = row.get("stream_name"), row.get("publishing")
    return LedgerEntry(
        table=table,
        stream=StreamName(row["stream_namespace"], stream) if stream is not None else None,
        columns=_columns(table, row.get("columns")),
        epoch=row["epoch"],
        owner=row["owner"],
        temp=TableName(row["temp_namespace"], row["temp_name"]) if row["temp_name"] is not None else None,
        recipe=_recipe(table, row["recipe"]) if row["recipe"] is not None else None,
        last_flush=row["last_flush"],
        checkpoint=row[CHECKPOINT],
        highest_raw_id=row["highest_raw_id"],
        finalised=row["finalised"],
        publishing=_publishing(table, publishing) if publishing is not None else None,
    )


def owner_of(table: TableName, row: Row) -> Owner:
    """What `OWNER_NAMES` say. Raises ConfigError for what cannot be read."""
    return Owner(
        epoch=row["epoch"], run=row["owner"], last_flush=row["last_flush"], load=_load_of(table, row)
    )


def _load_of(table: TableName, row: Row) -> OpenedLoad | None:
    # Each flush asks for its owner: the recipe of a sync's temp table is not made for it.
    if row["recipe"] is None or row["temp_name"] is None or '"load"' not in row["recipe"]:
        return None
    recipe, publishing = _recipe(table, row["recipe"]), row["publishing"]
    if recipe.load is None:
        return None
    return OpenedLoad(
        recipe=recipe,
        temp=TableName(row["temp_namespace"], row["temp_name"]),
        publishing=_publishing(table, publishing) if publishing is not None else None,
    )


def row_of_flush(table: TableName, flush: FlushRow[str]) -> dict[str, Any]:
    """A flush as a row."""
    return key_of(table) | {
        "epoch": flush.epoch,
        "number": flush.number,
        "rows": flush.rows,
        CHECKPOINT: flush.checkpoint,
        "highest_raw_id": flush.highest_raw_id,
    }


def flush_of(row: Row) -> FlushRow[str]:
    """A row as a flush."""
    return FlushRow(
        epoch=row["epoch"],
        number=row["number"],
        rows=row["rows"],
        checkpoint=row[CHECKPOINT],
        highest_raw_id=row["highest_raw_id"],
    )


def _columns_to_json(columns: Sequence[OwnedColumn]) -> str:
    return json.dumps([[each.field, each.name, each.widened] for each in columns], separators=(",", ":"))


def _columns(table: TableName, text: str | None) -> tuple[OwnedColumn, ...]:
    if text is None:
        return ()
    try:
        return tuple(
            OwnedColumn(field=of, name=name, widened=Kind(widened) if widened is not None else None)
            for of, name, widened in json.loads(text)
        )
    except Exception as error:
        raise ConfigError(
            f"The ledger's columns of {table} cannot be read.",
            doing="reading the ledger",
            remedy="Use the version of this destination that wrote them. Nothing was changed.",
        ) from error


def _publishing(table: TableName, text: str) -> Publishing:
    try:
        return Publishing(text)
    except ValueError as error:
        raise ConfigError(
            f"The ledger says that the temp table of {table} is being published in a way that is not known here.",
            doing="reading the ledger",
            remedy="Use the version of this destination that wrote it, or a newer one.",
        ) from error


def _recipe(table: TableName, text: str) -> Recipe:
    try:
        return recipe_from_json(json.loads(text))
    except Exception as error:
        raise ConfigError(
            f"The ledger's recipe of the temp table of {table} cannot be read.",
            doing="reading the ledger",
            remedy="Use the version of this destination that wrote it, or look at the temp table's rows and drop it.",
        ) from error
