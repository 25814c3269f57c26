"""The ledger: what decides every start, one row per final table, written in the transaction of the work it describes.

One row suffices because every transaction on a stream first locks it. That lock is the fence (a transaction
whose epoch is not the row's changes nothing), it makes a retry wait for an attempt whose COMMIT went unanswered,
and it lets the row say what that attempt achieved. The journal tells what happened; nothing here is for reading.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from attrs import evolve, frozen
from psycopg.sql import SQL, Composable, Composed, Identifier

from dataflow.errors import ConfigError
from dataflow.types import TableName
from machines.operations import Recipe, recipe_from_json, recipe_to_json

TABLE = "_airbyte_ledger"


@frozen(kw_only=True)
class LedgerEntry:
    """What the destination knows of one final table.

    `epoch` counts its claims, and `owner` names the run that made the last. `temp` and `recipe` describe the
    temp table, if there is one. `last_flush` numbers the last committed flush of this epoch. `checkpoint` is the
    highest raw id that a tellable STATE covers in temp, `highest_raw_id` the highest ever given. `finalised`
    is the last generation that replaced the final table.
    """

    table: TableName
    epoch: int = 0
    owner: str = ""
    temp: TableName | None = None
    recipe: Recipe | None = None
    last_flush: int = 0
    checkpoint: str | None = None
    highest_raw_id: str | None = None
    finalised: int | None = None

    def without_temp(self) -> "LedgerEntry":
        """The entry of a table that has no temp table."""
        return evolve(self, temp=None, recipe=None, checkpoint=None)


class Ledger(Protocol):
    """Where the entries are kept. Every method runs in the client's current transaction."""

    def prepare(self) -> None:
        """Afterwards the ledger exists in the internal namespace, with what it held before.

        ConfigError when something that is no ledger has its place.
        """
        ...

    def hold(self, table: TableName) -> LedgerEntry | None:
        """The table's entry, locked until the transaction ends; waits for who else holds it. None: no entry yet."""
        ...

    def save(self, entry: LedgerEntry) -> None:
        """Replace the table's entry. It is held by this transaction, or new."""
        ...

    def entries(self) -> Sequence[LedgerEntry]:
        """All entries, by their tables' names; locks none. None where no ledger was prepared yet."""
        ...


class Session(Protocol):
    """Executes statements in the current transaction. Values are None, text, numbers, and moments with a zone."""

    def execute(
        self, statement: Composed, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        """The rows the statement returns, none for one that returns nothing."""
        ...

    def execute_many(self, statement: Composed, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute the statement once for each of these parameters, by the driver's quickest way."""
        ...

    def parameter(self, name: str) -> Composable:
        """How a named parameter is written in a statement of this database."""
        ...

    def table(self, table: TableName) -> Composable:
        """How a table is named in a statement."""
        ...

    def column_names(self, table: TableName) -> Collection[str]:
        """The columns of a table, whosever it is; none when there is no such table."""
        ...


_COLUMNS = (
    ("final_namespace", "varchar not null"),
    ("final_name", "varchar not null"),
    ("epoch", "bigint not null"),
    ("owner", "varchar not null"),
    ("temp_namespace", "varchar"),
    ("temp_name", "varchar"),
    ("recipe", "varchar"),
    ("last_flush", "bigint not null"),
    ("checkpoint", "varchar"),
    ("highest_raw_id", "varchar"),
    ("finalised", "bigint"),
)
_NAMES = tuple(name for name, _ in _COLUMNS)


class SqlLedger:
    """A ledger in a table of an SQL database. `row_lock` is what a SELECT ends with to lock its row.

    Its statements are composed once: each transaction of a sync executes two of them.
    """

    def __init__(self, session: Session, internal_namespace: str, row_lock: SQL) -> None:
        self._session = session
        self._place = TableName(internal_namespace, TABLE)
        self._row_lock = row_lock

    def prepare(self) -> None:
        """Create the table if it is missing, and look whether one that was there can be a ledger."""
        found = self._session.column_names(self._place)
        # IF NOT EXISTS alone would demand the right to make it even where it exists.
        if not found:
            columns = SQL(", ").join(SQL("{} {}").format(Identifier(n), SQL(t)) for n, t in _COLUMNS)
            self._session.execute(
                SQL("CREATE TABLE IF NOT EXISTS {} ({}, PRIMARY KEY (final_namespace, final_name))").format(
                    self._table, columns
                )
            )
        elif missing := [name for name in _NAMES if name not in found]:
            raise ConfigError(
                f"The table {self._place} is not the ledger that this destination keeps: it has no "
                f"{', '.join(missing)}.",
                doing="preparing the ledger",
                remedy="Use the version that made it, or rename it: then a new ledger begins, and temp tables "
                "with rows are kept and named to you.",
            )

    def hold(self, table: TableName) -> LedgerEntry | None:
        """Select and lock the table's row."""
        rows = self._session.execute(self._select, _key(table))
        return _entry(dict(zip(_NAMES, rows[0], strict=True))) if rows else None

    def save(self, entry: LedgerEntry) -> None:
        """Update the table's row, or insert its first."""
        values = _values(entry)
        if not self._session.execute(self._update, values):
            self._session.execute(self._insert, values)

    def entries(self) -> Sequence[LedgerEntry]:
        """Select every row."""
        if not self._session.column_names(self._place):
            return ()
        names = SQL(", ").join(map(Identifier, _NAMES))
        key = SQL(", ").join(map(Identifier, _NAMES[:2]))
        statement = SQL("SELECT {} FROM {} ORDER BY {}").format(names, self._table, key)
        return [_entry(dict(zip(_NAMES, row, strict=True))) for row in self._session.execute(statement)]

    @cached_property
    def _select(self) -> Composed:
        return SQL("SELECT {} FROM {} WHERE {}{}").format(
            SQL(", ").join(map(Identifier, _NAMES)), self._table, self._this, self._row_lock
        )

    @cached_property
    def _update(self) -> Composed:
        settable = _NAMES[2:]
        return SQL("UPDATE {} SET {} WHERE {} RETURNING epoch").format(
            self._table,
            SQL(", ").join(
                SQL("{} = {}").format(Identifier(n), self._session.parameter(n)) for n in settable
            ),
            self._this,
        )

    @cached_property
    def _insert(self) -> Composed:
        return SQL("INSERT INTO {} ({}) VALUES ({})").format(
            self._table,
            SQL(", ").join(map(Identifier, _NAMES)),
            SQL(", ").join(self._session.parameter(n) for n in _NAMES),
        )

    @property
    def _table(self) -> Composable:
        return self._session.table(self._place)

    @property
    def _this(self) -> Composed:
        return SQL("final_namespace = {} AND final_name = {}").format(
            self._session.parameter("final_namespace"), self._session.parameter("final_name")
        )


def _key(table: TableName) -> dict[str, Any]:
    return {"final_namespace": table.namespace, "final_name": table.name}


def _values(entry: LedgerEntry) -> dict[str, Any]:
    return _key(entry.table) | {
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
    return LedgerEntry(
        table=table,
        epoch=row["epoch"],
        owner=row["owner"],
        temp=TableName(row["temp_namespace"], row["temp_name"]) if row["temp_name"] is not None else None,
        recipe=_recipe(table, row["recipe"]) if row["recipe"] is not None else None,
        last_flush=row["last_flush"],
        checkpoint=row["checkpoint"],
        highest_raw_id=row["highest_raw_id"],
        finalised=row["finalised"],
    )


def _recipe(table: TableName, text: str) -> Recipe:
    try:
        return recipe_from_json(json.loads(text))
    except Exception as error:
        raise ConfigError(
            f"The ledger's recipe of the temp table of {table} cannot be read.",
            doing="reading the ledger",
            remedy="Use the version of this destination that wrote it, or look at the temp table's rows and drop it.",
        ) from error
