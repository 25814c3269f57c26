"""The ledger in two tables of an SQL database: one row an entry, and the number of their format. Decides nothing.

The format is read before anything else. A version that does not know it stops in words and changes nothing; one that
knew no format finds that the table which it takes for the ledger is none.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from functools import cached_property
from typing import Any

from connectors.contract.ledger import LedgerEntry
from connectors.sql.dialect import Dialect, Holds, InternalColumn
from connectors.sql.session import Session
from connectors.sql.text import NOTHING, Name, Param, Sql, join, listed, names, sql
from dataflow.errors import ConfigError
from dataflow.stream_tables import OwnedColumn, OwnedTable
from dataflow.types import Kind, StreamName, TableName
from machines.operations import Recipe, recipe_from_json, recipe_to_json

# The entries, and beside them the number of their format. Versions that knew no format kept their entries in the
# table that holds it now: they find that it is no ledger of theirs, and stop.
TABLE = "_airbyte_streams"
FORMAT_TABLE = "_airbyte_ledger"
TABLES = (TABLE, FORMAT_TABLE)
# Raised when an entry gets a meaning that the version before would miss.
FORMAT = 2
NOTICE = (
    "This table only holds the format of the ledger, which is in _airbyte_streams. A version that rejects this table "
    "as a ledger is too old: use a newer one. Do not rename or drop this table."
)

_COLUMNS = (
    InternalColumn("final_namespace", Holds.KEY, nullable=False),
    InternalColumn("final_name", Holds.KEY, nullable=False),
    InternalColumn("stream_namespace", Holds.TEXT),
    InternalColumn("stream_name", Holds.TEXT),
    InternalColumn("columns", Holds.TEXT),
    InternalColumn("epoch", Holds.INTEGER, nullable=False),
    InternalColumn("owner", Holds.TEXT, nullable=False),
    InternalColumn("temp_namespace", Holds.TEXT),
    InternalColumn("temp_name", Holds.TEXT),
    InternalColumn("recipe", Holds.TEXT),
    InternalColumn("last_flush", Holds.INTEGER, nullable=False),
    InternalColumn("checkpoint", Holds.TEXT),
    InternalColumn("highest_raw_id", Holds.TEXT),
    InternalColumn("finalised", Holds.INTEGER),
)
_NAMES = tuple(column.name for column in _COLUMNS)
_KEY = _NAMES[:2]
_FORMAT_COLUMNS = (
    InternalColumn("format", Holds.INTEGER, nullable=False),
    InternalColumn("notice", Holds.TEXT, nullable=False),
)
# What the first format did not have.
_ADDED = ("stream_namespace", "stream_name", "columns")
_FIRST_NAMES = tuple(name for name in _NAMES if name not in _ADDED)


class Found(Enum):
    """What has the ledger's place."""

    NOTHING = "nothing"
    FIRST = "the ledger of a version without formats"
    EMPTIED = "a format, and no entries: somebody dropped them, and the ledger starts empty"
    TODAYS = "a ledger with a format"


class SqlLedger:
    """A ledger in two tables of an SQL database, whose dialect may have a lock for the row that a SELECT finds.

    Its statements are composed once: each transaction of a sync executes two of them.
    """

    def __init__(self, session: Session, internal_namespace: str, dialect: Dialect) -> None:
        self._session = session
        self._place = TableName(internal_namespace, TABLE)
        self._format_place = TableName(internal_namespace, FORMAT_TABLE)
        self._dialect = dialect

    def prepare(self) -> None:
        """Create the ledger if it is missing, or bring one of an earlier version to today's format."""
        match self.found():
            case Found.NOTHING:
                self._create_entries()
                self._write_format()
            case Found.FIRST:
                self._upgrade()
            case Found.EMPTIED:
                self._create_entries()
            case Found.TODAYS:
                pass

    def found(self) -> Found:
        """What has the ledger's place now. ConfigError when it is another format's, or neither a ledger nor free."""
        entries = self._session.column_names(self._place)
        formats = self._session.column_names(self._format_place)
        if "format" in formats:
            self._check_format()
            if not entries:
                return Found.EMPTIED
            _demand(self._place, _NAMES, entries)
            return Found.TODAYS
        if entries:
            _demand(self._place, _NAMES, entries)
            raise _without_format(self._place, self._format_place, first=bool(formats))
        if formats:
            _demand(self._format_place, _FIRST_NAMES, formats)
            return Found.FIRST
        return Found.NOTHING

    def hold(self, table: TableName) -> LedgerEntry | None:
        """Select and lock the table's row."""
        rows = self._session.execute(self._select, _key(table))
        return _entry(dict(zip(_NAMES, rows[0], strict=True))) if rows else None

    def save(self, entry: LedgerEntry) -> None:
        """Update the table's row, or insert its first."""
        values = _values(entry)
        if not self._session.changed(self._update, values):
            self._session.execute(self._insert, values)

    def like(self, table: TableName, stream: StreamName) -> Sequence[OwnedTable]:
        """Lock the format's row, and select by names that are compared without regard to case."""
        self._session.execute(self._lock)
        rows = self._session.execute(
            self._select_like, {"final_name": table.name, "stream_name": stream.name}
        )
        return [
            OwnedTable(
                final=TableName(*final), stream=StreamName(namespace, name) if name is not None else None
            )
            for *final, namespace, name in rows
        ]

    def entries(self) -> Sequence[LedgerEntry]:
        """Select every row, also of a ledger that is not yet in today's format."""
        match self.found():
            case Found.NOTHING | Found.EMPTIED:
                return ()
            case Found.FIRST:
                columns, place = _FIRST_NAMES, self._format_place
            case Found.TODAYS:
                columns, place = _NAMES, self._place
        statement = sql(
            "SELECT {} FROM {} ORDER BY {}", names(columns), self._session.table(place), names(_KEY)
        )
        return [_entry(dict(zip(columns, row, strict=True))) for row in self._session.execute(statement)]

    def _upgrade(self) -> None:
        """Give the entries of a version that knew no format a name by which that version does not look for them."""
        old = self._session.table(self._format_place)
        # The first statement's lock waits for current writers and blocks new ones.
        self._session.execute(sql("ALTER TABLE {} RENAME TO {}", old, self._session.new_name(self._place)))
        for column in _COLUMNS:
            if column.name in _ADDED:
                definition = self._dialect.internal_definition(column)
                self._session.execute(sql("ALTER TABLE {} ADD COLUMN {}", self._table, definition))
        self._write_format()

    def _create_entries(self) -> None:
        self._create(self._place, _COLUMNS, sql("PRIMARY KEY ({})", names(_KEY)))

    def _write_format(self) -> None:
        self._create(self._format_place, _FORMAT_COLUMNS)
        self._session.execute(
            sql(
                "INSERT INTO {} ({}) VALUES ({})",
                self._session.table(self._format_place),
                names(column.name for column in _FORMAT_COLUMNS),
                listed(Param(column.name) for column in _FORMAT_COLUMNS),
            ),
            {"format": FORMAT, "notice": NOTICE},
        )

    def _create(self, table: TableName, columns: Sequence[InternalColumn], key: Sql = NOTHING) -> None:
        definitions = map(self._dialect.internal_definition, columns)
        self._session.execute(
            sql("CREATE TABLE IF NOT EXISTS {} ({})", self._session.table(table), listed([*definitions, key]))
        )

    def _check_format(self) -> None:
        statement = sql("SELECT max({}) FROM {}", Name("format"), self._session.table(self._format_place))
        ((found,),) = self._session.execute(statement)
        if found != FORMAT:
            raise ConfigError(
                f"The ledger in {self._place} has format {found}, and this version uses format {FORMAT}.",
                doing="reading the ledger",
                remedy="Use the version of this destination that created it, or a newer one. Nothing was changed.",
            )

    @cached_property
    def _select(self) -> Sql:
        return sql("SELECT {} FROM {} WHERE {}{}", names(_NAMES), self._table, _THIS, self._dialect.row_lock)

    @cached_property
    def _lock(self) -> Sql:
        formats = self._session.table(self._format_place)
        return sql("SELECT {} FROM {}{}", Name("format"), formats, self._dialect.row_lock)

    @cached_property
    def _select_like(self) -> Sql:
        return sql(
            "SELECT {} FROM {} WHERE {} > 0 AND (lower({}) = lower({}) OR {} = {})",
            names(_NAMES[:4]),
            self._table,
            Name("epoch"),
            Name("final_name"),
            Param("final_name"),
            Name("stream_name"),
            Param("stream_name"),
        )

    @cached_property
    def _update(self) -> Sql:
        settable = listed(map(_given, _NAMES[2:]))
        return sql("UPDATE {} SET {} WHERE {}", self._table, settable, _THIS)

    @cached_property
    def _insert(self) -> Sql:
        return sql("INSERT INTO {} ({}) VALUES ({})", self._table, names(_NAMES), listed(map(Param, _NAMES)))

    @property
    def _table(self) -> Name:
        return self._session.table(self._place)


def _given(name: str) -> Sql:
    return sql("{} = {}", Name(name), Param(name))


_THIS = join(" AND ", map(_given, _KEY))


def _demand(place: TableName, names: Sequence[str], found: Collection[str]) -> None:
    """ConfigError when a table that should be the ledger lacks columns."""
    missing = [name for name in names if name not in found]
    if missing:
        raise ConfigError(
            f"The table {place} is not the ledger of this destination: it lacks {', '.join(missing)}.",
            doing="inspecting the ledger",
            remedy="If another version made it, use that version. If it is not a ledger, rename it. Never rename a "
            "real ledger, which is then lost: temp tables with rows are kept and reported, and published generations "
            "are no longer known.",
        )


def _without_format(place: TableName, formats: TableName, *, first: bool) -> ConfigError:
    if first:
        return ConfigError(
            f"There are two ledgers: {place}, and {formats}, which an earlier version created after the other.",
            doing="inspecting the ledger",
            remedy=f"What the earlier version did is not in {place}. Refresh the streams that it synced, stop using "
            f"it, and drop {formats}; the next sync creates it again.",
        )
    return ConfigError(
        f"The table {formats}, which holds the format of the ledger in {place}, is gone.",
        doing="inspecting the ledger",
        remedy="Rename it back. If it was dropped, create it with the columns format (bigint) and notice (varchar), "
        f"and one row: the number of the last version's format (this version's is {FORMAT}), and any text.",
    )


def _key(table: TableName) -> dict[str, Any]:
    return {"final_namespace": table.namespace, "final_name": table.name}


def _values(entry: LedgerEntry) -> dict[str, Any]:
    return _key(entry.table) | {
        "stream_namespace": entry.stream.namespace if entry.stream else None,
        "stream_name": entry.stream.name if entry.stream else None,
        "columns": _columns_to_json(entry.columns) if entry.columns else None,
        "epoch": entry.epoch,
        "owner": entry.owner,
        "temp_namespace": entry.temp.namespace if entry.temp else None,
        "temp_name": entry.temp.name if entry.temp else None,
        "recipe": json.dumps(recipe_to_json(entry.recipe)) if entry.recipe else None,
        "last_flush": entry.last_flush,
        "checkpoint": entry.checkpoint,
        "highest_raw_id": entry.highest_raw_id,
        "finalised": entry.finalised,
    }


def _entry(row: Mapping[str, Any]) -> LedgerEntry:
    table = TableName(row["final_namespace"], row["final_name"])
    stream = row.get("stream_name")
    return LedgerEntry(
        table=table,
        stream=StreamName(row["stream_namespace"], stream) if stream is not None else None,
        columns=_columns(table, row.get("columns")),
        epoch=row["epoch"],
        owner=row["owner"],
        temp=TableName(row["temp_namespace"], row["temp_name"]) if row["temp_name"] is not None else None,
        recipe=_recipe(table, row["recipe"]) if row["recipe"] is not None else None,
        last_flush=row["last_flush"],
        checkpoint=row["checkpoint"],
        highest_raw_id=row["highest_raw_id"],
        finalised=row["finalised"],
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


def _recipe(table: TableName, text: str) -> Recipe:
    try:
        return recipe_from_json(json.loads(text))
    except Exception as error:
        raise ConfigError(
            f"The ledger's recipe of the temp table of {table} cannot be read.",
            doing="reading the ledger",
            remedy="Use the version of this destination that wrote it, or look at the temp table's rows and drop it.",
        ) from error
