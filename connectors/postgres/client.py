"""The client of the Postgres destination: one connection, and the operations on tables. Composes no statement.

Needs no right beyond those of the schema's user: no extension, no temporary table, no function.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from connectors.contract import Recipe, Statistics, Writer
from connectors.postgres import catalog, evolution, ownership, statistics
from connectors.postgres.columns import METADATA_TYPES, POSTGRES
from connectors.postgres.inspection import Inspection
from connectors.postgres.locks import Locks, writer_of
from connectors.postgres.merging import Merging
from connectors.postgres.quoting import query
from connectors.postgres.remaking import MOST_COLUMNS, remake, without_additions
from connectors.postgres.replacing import replace
from connectors.postgres.sessions import Access, Holder, Row
from connectors.postgres.shortcuts import Shortcuts
from connectors.postgres.sql import PostgresStatements, retype_metadata
from connectors.sql.journal import SqlJournal
from connectors.sql.ledger import SqlLedger
from connectors.sql.ledger_rows import TABLE as LEDGER
from connectors.sql.refusals import name_taken, not_ours
from connectors.sql.text import NOTHING, Name, Sql
from dataflow.errors import ConfigError
from dataflow.evolution import ColumnChangeset, ColumnType, TableSchema
from dataflow.types import ADDED_LATER, META, METADATA_COLUMNS, REQUIRED_COLUMNS, Column, TableName


class PostgresClient:
    """Both halves of the contract. Connects when it is first used."""

    def __init__(self, access: Access, statements: PostgresStatements, internal_namespace: str) -> None:
        self.statements = statements
        self.ledger = SqlLedger(self, internal_namespace, statements.dialect)
        self.journal = SqlJournal(self, internal_namespace, statements.dialect)
        self._access = access
        self._connection: psycopg.Connection[Row] | None = None
        self._entries = TableName(internal_namespace, LEDGER)
        self._locks = Locks(access, self._entries)
        self.inspection = Inspection(self, statements)
        self.shortcuts = Shortcuts(self, statements)

    # -- the connection

    @property
    def connection(self) -> "psycopg.Connection[Row]":
        """The connection of this client, for its insert buffer."""
        if self._connection is None:
            self._connection = self._access.connect()
            self._locks.renew()
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        connection = self.connection
        self._access.blockers.pop(connection.info.backend_pid, None)
        try:
            with connection.transaction():
                yield
        except psycopg.errors.LockNotAvailable as error:
            if holder := self._access.blockers.get(connection.info.backend_pid):
                error.add_note(str(holder))
            raise

    def lock(self, table: TableName, owner: str) -> None:
        self._locks.take(table, owner)

    def writer(self, table: TableName) -> Writer | None:
        found = self.holder(table)
        return writer_of(found, self._access) if found else None

    def recover(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def close(self) -> None:
        self.recover()
        self._locks.release()

    def execute(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> Sequence[Row]:
        cursor = self.connection.execute(query(statement), parameters)
        return cursor.fetchall() if cursor.description else ()

    def changed(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> int:
        return self.connection.execute(query(statement), parameters).rowcount

    def execute_many(self, statement: Sql, rows: Sequence[Mapping[str, Any]]) -> None:
        with self.connection.cursor() as cursor:
            cursor.executemany(query(statement), rows)

    # -- the session of ledger and journal

    def table(self, table: TableName) -> Name:
        return self.statements.table(table)

    def new_name(self, table: TableName) -> Name:
        return self.statements.new_name(table)

    def column_names(self, table: TableName) -> Sequence[str]:
        return [name for name, *_ in self._columns(table)]

    # -- tables

    def create_namespace(self, namespace: str) -> None:
        # IF NOT EXISTS would demand the right to create it even where it exists.
        if not self.execute(self.statements.find_namespace(), {"namespace": namespace}):
            self.execute(self.statements.create_namespace(namespace))

    def table_exists(self, table: TableName) -> bool:
        place = self.statements.place(table)
        if self.execute(self.statements.find_table(), place):
            return True
        if taken := self.execute(self.statements.find_holder(), place):
            raise name_taken(table, taken[0][0])
        return False

    def count_rows(self, table: TableName) -> int:
        return int(self.execute(self.statements.count_rows(table))[0][0])

    def has_lost_value(self, table: TableName, column: Column) -> bool:
        parameters = {"field": column.field, "column": column.name}
        return bool(self.execute(self.statements.has_lost_value(table, column), parameters)[0][0])

    def drop_table(self, table: TableName) -> None:
        self.execute(self.statements.drop_table(table))

    def table_is_empty(self, table: TableName) -> bool:
        # Rows that are hidden from us are rows.
        self.inspection.see_all_rows(table)
        return not self.execute(self.statements.any_row(table))

    def statistics(self, table: TableName) -> Statistics:
        ((size, rows),) = self.execute(statistics.size_and_rows(), catalog.named(table))
        return Statistics(
            rows=rows,
            size=size,
            dependents=self.inspection.standing(table).holders,
            grants=tuple(sorted(map(str, self.inspection.belongings(table).grants))),
        )

    def tables_named(self, mark: str) -> Sequence[TableName]:
        return [TableName(*each) for each in self.execute(statistics.tables_named(), {"mark": mark})]

    def create_table(self, table: TableName, columns: Sequence[Column], primary_key: Sequence[str]) -> None:
        # The index on the key comes with the first merge, so that no row is loaded through it.
        for statement in self.statements.create_table(table, columns, primary_key):
            self.execute(statement)
        self._identify_rows(table)

    def expect_meta(self, table: TableName, meta: str) -> None:
        if not self.inspection.has_default(table, META, meta):
            self.shortcuts.set_default(table, meta, self._access.lock_limit)

    def take_warnings(self) -> Sequence[str]:
        return self.shortcuts.take_warnings()

    # -- rows

    def trim_table(self, table: TableName, after: str | None) -> int:
        self._identify_rows(table)
        if after is None:
            return self.changed(self.statements.delete_rows(table))
        return self.changed(self.statements.delete_rows_after(table), {"after": after})

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        copy = self.statements.copy_rows(source, target, columns)
        return self.shortcuts.inserting(target, lambda: self.changed(copy))

    def merge_table(self, source: TableName, target: TableName, recipe: Recipe) -> None:
        merging = Merging(
            recipe=recipe,
            deletes=self.statements.hard_deletes,
            partitioned=self.inspection.is_partitioned(target),
        )
        self.shortcuts.analyze(source, merging.compared)
        self.inspection.see_all_rows(target)
        self.inspection.require_identity(target)
        first = self.table_is_empty(target)
        if not first:
            self.provide_index(target, recipe)
            if self.inspection.never_analyzed(target):
                self.shortcuts.analyze(target, recipe.primary_key)
            self.prefer_looking_up(source, target)
        references = self.execute(catalog.references(), catalog.named(target))
        merge = merging.merge_in_place if references else merging.merge
        keys = self.inspection.null_keys(source, merging)

        def bring() -> None:
            for nulls in keys:
                for statement in merge(source, target, nulls):
                    self.execute(statement)

        self.shortcuts.inserting(target, bring)
        self.provide_index(target, recipe)

    def dedupe_table(self, table: TableName, recipe: Recipe) -> None:
        merging = Merging(recipe=recipe, deletes=self.statements.hard_deletes)
        self.shortcuts.analyze(table, merging.compared)
        self._identify_rows(table)
        for statement in merging.dedupe(table):
            self.execute(statement)
        # The table is about to become the final one, where the next merge looks for the index.
        self.provide_index(table, recipe)

    def overwrite_table(self, source: TableName, target: TableName) -> str:
        cascade = self.statements.drop_cascade
        return self.shortcuts.inserting(target, lambda: replace(self, source, target, drop_cascade=cascade))

    # -- evolution

    def discover_schema(self, table: TableName) -> TableSchema:
        found = {name: ColumnType(kind, nullable) for name, kind, nullable in self._columns(table)}
        _check_metadata(table, found)
        return TableSchema({name: kind for name, kind in found.items() if name not in METADATA_COLUMNS})

    def complete_metadata(self, table: TableName) -> Sequence[str]:
        found = self.column_names(table)
        missing = [name for name in ADDED_LATER if name not in found]
        for name in missing:
            for statement in self.statements.add_metadata(table, name):
                self.execute(statement)
        return missing

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        for statement in evolution.notes(table, changeset):
            self.inspection.see_all_rows(table)
            self.inspection.require_identity(table)
            self.execute(statement)
        self._change_columns(table, changeset)

    def _change_columns(self, table: TableName, changeset: ColumnChangeset) -> None:
        if changeset.is_noop:
            return
        if changeset.add and self.inspection.columns_ever(table) + len(changeset.add) > MOST_COLUMNS:
            self._change_columns(table, without_additions(changeset))
            remake(self, table, changeset.add)
            return
        if self.statements.drop_cascade:
            # There is no ALTER COLUMN TYPE ... CASCADE, and that of DROP COLUMN does not name what it drops.
            for kind, view in self.inspection.views_in_the_way(table, changeset):
                self.drop_view(kind, view)
        # A policy would go along with a column that it reads, and rows be seen.
        cascade = NOTHING if self.inspection.is_secured(table) else self.statements.cascade
        try:
            self.execute(evolution.change_columns(table, changeset, cascade))
        except evolution.REFUSALS as error:
            raise evolution.refusal(table, error.diag.message_primary, error.diag.message_detail) from error

    def _columns(self, table: TableName) -> Sequence[Row]:
        return self.execute(self.statements.find_columns(), self.statements.place(table))

    # -- what they share

    def drop_view(self, kind: str, view: TableName) -> None:
        """Drop a view, and what is built on it."""
        self.execute(self.statements.drop_view(kind, view))

    def holder(self, table: TableName) -> Holder | None:
        """The session of the table's owner, or one that works on it without."""
        if not self.table_exists(self._entries):
            return None
        for holding in (ownership.owner_session, ownership.entry_holder):
            for row in self.execute(holding(self._entries), catalog.named(table)):
                return Holder(*row)
        return None

    def rename_table(self, source: TableName, target: TableName) -> None:
        """Give a table another's name, and its index the name that goes with it."""
        for statement in self.statements.move_table(source, target):
            self.execute(statement)

    def prefer_looking_up(self, source: TableName, target: TableName) -> None:
        """For this transaction: look the source's keys up in the target, where that is the larger by far."""
        of_source = {"from_namespace": source.namespace, "from_name": source.name}
        if self.execute(catalog.worth_looking_up(), catalog.named(target) | of_source)[0][0]:
            for statement in self.statements.only_look_up():
                self.execute(statement)

    def provide_index(self, table: TableName, recipe: Recipe) -> None:
        """Let an index lead to the rows of a key, if one can."""
        self.shortcuts.provide_index(table, recipe)

    def _identify_rows(self, table: TableName) -> None:
        """Let rows of a table that we made be changed and deleted, whatever publication it has come into."""
        if self.inspection.lacks_identity(table):
            self.execute(self.statements.identify_by_row(table))


def _check_metadata(table: TableName, found: Mapping[str, ColumnType]) -> None:
    if missing := [name for name in REQUIRED_COLUMNS if name not in found]:
        raise not_ours(table, missing)
    other = [name for name, kind in METADATA_TYPES.items() if found.get(name, kind).type != kind.type]
    if other:
        raise ConfigError(
            f"The target table ({table}) was created by another version of a destination: its internal columns have "
            "other types than those used here.",
            remedy=f"Let the table's owner run: {POSTGRES.render(retype_metadata(table, other))}; or add a prefix.",
        )
