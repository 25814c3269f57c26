"""The client of the Postgres destination: one connection, and the operations on tables. Composes no statement.

Needs no right beyond those of the schema's user: no extension, no temporary table, no function.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.sql import SQL, Composed, Placeholder

from connectors.contract import Recipe
from connectors.journal_table import JournalTable, SqlJournal
from connectors.ledger import TABLE as LEDGER
from connectors.ledger import Ledger, SqlLedger
from connectors.postgres.columns import METADATA_TYPES
from connectors.postgres.sessions import Access, Locks, Row
from connectors.postgres.sql import PostgresSql, entry_holder, merge_columns
from dataflow.errors import ConfigError
from dataflow.evolution import ColumnChangeset, ColumnType, TableSchema
from dataflow.types import META, METADATA_COLUMNS, Column, TableName


class PostgresClient:
    """Both halves of the contract. Connects when it is first used."""

    def __init__(self, access: Access, sql: PostgresSql, internal_namespace: str) -> None:
        self._access = access
        self._sql = sql
        self._locks = Locks(access)
        self._connection: psycopg.Connection[Row] | None = None
        self._entries = TableName(internal_namespace, LEDGER)
        self._ledger = SqlLedger(self, [internal_namespace], SQL(" FOR UPDATE"))
        self._journal = SqlJournal(self, [internal_namespace])

    # -- the connection

    @property
    def ledger(self) -> Ledger:
        return self._ledger

    @property
    def journal(self) -> JournalTable:
        return self._journal

    @property
    def connection(self) -> "psycopg.Connection[Row]":
        """The connection of this client, for its insert buffer."""
        if self._connection is None:
            self._connection = self._access.connect()
            self._locks.renew()
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self.connection.transaction():
            yield

    def lock(self, table: TableName, owner: str) -> None:
        self._locks.take(table, owner)
        self._locks.see_off(table, entry_holder(self._entries))

    def recover(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def close(self) -> None:
        self.recover()
        self._locks.release()

    def execute(self, statement: Composed, parameters: Mapping[str, Any] | None = None) -> Sequence[Row]:
        cursor = self.connection.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else ()

    def parameter(self, name: str) -> Placeholder:
        return Placeholder(name)

    # -- tables

    def create_namespace(self, namespace: str) -> None:
        # IF NOT EXISTS would ask for the right to create it even where it exists.
        if not self._tell(self._sql.namespace_exists(), {"namespace": namespace}):
            self.execute(self._sql.create_namespace(namespace))

    def table_exists(self, table: TableName) -> bool:
        return bool(self._tell(self._sql.table_exists(), _named(table)))

    def table_is_empty(self, table: TableName) -> bool:
        return bool(self._tell(self._sql.table_is_empty(table)))

    def count_rows(self, table: TableName) -> int:
        return int(self._tell(self._sql.count_rows(table)))

    def create_table(self, table: TableName, columns: Sequence[Column], primary_key: Sequence[str]) -> None:
        # The index on the key comes with the first merge, so that no row is loaded through it.
        self.execute(self._sql.create_table(table, columns))

    def expect_meta(self, table: TableName, meta: str) -> None:
        if self.has_default(table, META, meta):
            return
        # Whoever reads the table now is not made to wait, nor to queue behind us: then it is sent with each row.
        with suppress(psycopg.errors.LockNotAvailable), self.connection.transaction():
            self.execute(SQL("SET LOCAL lock_timeout = '100ms'").format())
            self.execute(self._sql.set_default(table, META, meta))
            self.execute(SQL("SET LOCAL lock_timeout = {}").format(self._access.lock_limit))

    def has_default(self, table: TableName, column: str, value: str) -> bool:
        """Whether a jsonb column has this default."""
        return bool(self._tell(self._sql.has_default(), _named(table) | {"column": column, "value": value}))

    def drop_table(self, table: TableName) -> None:
        self.execute(self._sql.drop_table(table))

    def trim_table(self, table: TableName, after: str | None) -> int:
        statement = self._sql.trim_table(table, everything=after is None)
        return self.connection.execute(statement, None if after is None else {"after": after}).rowcount

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        return self.connection.execute(self._sql.copy_table(source, target, columns)).rowcount

    def merge_table(self, source: TableName, target: TableName, recipe: Recipe) -> None:
        self.execute(self._sql.analyze(source, merge_columns(recipe)))
        first = self.table_is_empty(target)
        if not first:
            self._provide_index(target, recipe)
            if self._tell(self._sql.never_analyzed(), _named(target)):
                self.execute(self._sql.analyze(target, recipe.primary_key))
        for nulls in self._null_keys(source, recipe):
            for statement in self._sql.merge(source, target, recipe, nulls):
                self.execute(statement)
        if first:
            self._provide_index(target, recipe)

    def dedupe_table(self, table: TableName, recipe: Recipe) -> None:
        self.execute(self._sql.analyze(table, merge_columns(recipe)))
        for statement in self._sql.dedupe_table(table, recipe):
            self.execute(statement)
        # The table is about to become the final one, where the next merge looks for the index.
        self._provide_index(table, recipe)

    def overwrite_table(self, source: TableName, target: TableName) -> None:
        for statement in self._sql.overwrite_table(source, target):
            self.execute(statement)

    # -- evolution

    def discover_schema(self, table: TableName) -> TableSchema:
        rows = self.execute(self._sql.discover_schema(), _named(table))
        found = {name: ColumnType(kind, nullable) for name, kind, nullable in rows}
        _check_metadata(table, found)
        return TableSchema({name: kind for name, kind in found.items() if name not in METADATA_COLUMNS})

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        if not changeset.is_noop:
            self.execute(self._sql.apply_changeset(table, changeset))

    # -- what they share

    def _tell(self, statement: Composed, parameters: Mapping[str, Any] | None = None) -> Any:
        return self.execute(statement, parameters)[0][0]

    def _null_keys(self, source: TableName, recipe: Recipe) -> list[frozenset[str]]:
        """Which columns of the key are null together: never any, and the combinations that the source has."""
        rows = self.execute(self._sql.null_keys(source, recipe))
        names = recipe.primary_key
        found = [frozenset(n for n, null in zip(names, row, strict=True) if null) for row in rows]
        return [frozenset(), *found]

    def _provide_index(self, table: TableName, recipe: Recipe) -> None:
        """Afterwards an index leads to the rows of a key. One that somebody else made will do."""
        key = recipe.primary_key
        indexes: dict[str, list[str]] = dict(self.execute(self._sql.key_indexes(), _named(table)))
        if any(set(columns[: len(key)]) == set(key) for columns in indexes.values()):
            return
        # One of the same name is ours, on a key the stream had before.
        self.execute(self._sql.drop_key_index(table))
        self.execute(self._sql.create_key_index(table, key))


def _named(table: TableName) -> dict[str, str]:
    return {"namespace": table.namespace, "name": table.name}


def _check_metadata(table: TableName, found: Mapping[str, ColumnType]) -> None:
    if not found.keys() >= METADATA_TYPES.keys():
        raise ConfigError(
            f"The target table ({table}) already exists in the destination, but does not contain Airbyte's internal "
            "columns. Airbyte can only sync to Airbyte-controlled tables.",
            remedy="To fix this error, you must either delete the target table or add a prefix in the connection "
            "configuration in order to sync to a separate table in the destination.",
        )
    other = [name for name, kind in METADATA_TYPES.items() if found[name].type != kind.type]
    if other:
        wanted = ", ".join(f"{name} {METADATA_TYPES[name].type}" for name in other)
        raise ConfigError(
            f"The target table ({table}) was made by another version of a destination: its internal columns are "
            "not of the types used here.",
            remedy=f"Change them to {wanted} with ALTER TABLE, or delete the table, or add a prefix.",
        )
