"""The client of the Postgres destination: the operations on tables. Composes no statement.

Needs no right beyond those of the schema's user: no extension, no temporary table, no function.
"""

from collections.abc import Mapping, Sequence

from connectors.contract import Recipe, Statistics, Writer
from connectors.postgres import catalog, evolution, statistics
from connectors.postgres.columns import METADATA_TYPES, POSTGRES
from connectors.postgres.connection import PostgresConnection
from connectors.postgres.inspection import ServerInspection
from connectors.postgres.locks import ClientLocks, Locks
from connectors.postgres.merging import Merging
from connectors.postgres.remaking import MOST_COLUMNS, remake, without_additions
from connectors.postgres.replacing import replace
from connectors.postgres.sessions import Access
from connectors.postgres.shortcuts import Shortcuts
from connectors.postgres.sql import PostgresStatements, retype_metadata
from connectors.sql.client import SqlClient
from connectors.sql.ledger_rows import TABLE as LEDGER
from connectors.sql.text import NOTHING
from dataflow.errors import ConfigError
from dataflow.evolution import ColumnChangeset, ColumnType
from dataflow.types import META, Column, TableName


class PostgresClient(SqlClient):
    """Overrides what Postgres has its own way for: merges by the key's index, swaps and changes of columns that keep
    what people built on a table, statistics, and what tables need where publications or row security are.
    """

    connection: PostgresConnection
    _locks: ClientLocks

    def __init__(self, access: Access, statements: PostgresStatements, internal_namespace: str) -> None:
        ledger = TableName(internal_namespace, LEDGER)
        own = Locks(access, ledger)
        connection = PostgresConnection(access, statements, own.renew)
        super().__init__(connection, ClientLocks(own, access, ledger, self), internal_namespace)
        self._lock_limit = access.lock_limit
        self.server = ServerInspection(self)
        self.shortcuts = Shortcuts(self)

    @property
    def statements(self) -> PostgresStatements:
        """The statements of this client's database."""
        return self.connection.statements

    def writer(self, table: TableName) -> Writer | None:
        return self._locks.writer(table)

    def require_free(self, table: TableName) -> None:
        """ConfigError or TransientError if a live run has the table's lock; takes none."""
        self._locks.require_free(table)

    # -- tables

    def table_is_empty(self, table: TableName) -> bool:
        # Rows that are hidden from us are rows.
        self.server.see_all_rows(table)
        return super().table_is_empty(table)

    def statistics(self, table: TableName) -> Statistics:
        ((size, rows),) = self.execute(statistics.size_and_rows(), catalog.named(table))
        return Statistics(
            rows=rows,
            size=size,
            dependents=self.server.standing(table).holders,
            grants=tuple(sorted(map(str, self.server.belongings(table).grants))),
        )

    def tables_named(self, mark: str) -> Sequence[TableName]:
        return [TableName(*each) for each in self.execute(statistics.tables_named(), {"mark": mark})]

    def create_table(self, table: TableName, columns: Sequence[Column], primary_key: Sequence[str]) -> None:
        # The index on the key comes with the first merge, so that no row is loaded through it.
        super().create_table(table, columns, primary_key)
        self._identify_rows(table)

    def expect_meta(self, table: TableName, meta: str) -> None:
        if not self.server.has_default(table, META, meta):
            self.shortcuts.set_default(table, meta, self._lock_limit)

    def take_warnings(self) -> Sequence[str]:
        return self.shortcuts.take_warnings()

    # -- rows

    def trim_table(self, table: TableName, after: str | None) -> int:
        self._identify_rows(table)
        return super().trim_table(table, after)

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        copy = super().copy_table
        return self.shortcuts.inserting(target, lambda: copy(source, target, columns))

    def merge_table(self, source: TableName, target: TableName, recipe: Recipe) -> None:
        merging = Merging(
            recipe=recipe,
            deletes=self.statements.hard_deletes,
            partitioned=self.server.is_partitioned(target),
        )
        self.shortcuts.analyze(source, merging.compared)
        self.server.see_all_rows(target)
        self.server.require_identity(target)
        first = self.table_is_empty(target)
        if not first:
            self.shortcuts.provide_index(target, recipe)
            if self.server.never_analyzed(target):
                self.shortcuts.analyze(target, recipe.primary_key)
            if self.server.worth_looking_up(source, target):
                for statement in self.statements.only_look_up():
                    self.execute(statement)
        references = self.execute(catalog.references(), catalog.named(target))
        merge = merging.merge_in_place if references else merging.merge
        keys = self.server.null_keys(source, merging)

        def bring() -> None:
            for nulls in keys:
                for statement in merge(source, target, nulls):
                    self.execute(statement)

        self.shortcuts.inserting(target, bring)
        self.shortcuts.provide_index(target, recipe)

    def dedupe_table(self, table: TableName, recipe: Recipe) -> None:
        merging = Merging(recipe=recipe, deletes=self.statements.hard_deletes)
        self.shortcuts.analyze(table, merging.compared)
        self._identify_rows(table)
        for statement in merging.dedupe(table):
            self.execute(statement)
        # The table is about to become the final one, where the next merge looks for the index.
        self.shortcuts.provide_index(table, recipe)

    def overwrite_table(self, source: TableName, target: TableName) -> str:
        cascade = self.statements.drop_cascade
        return self.shortcuts.inserting(target, lambda: replace(self, source, target, drop_cascade=cascade))

    # -- evolution

    def require_metadata(self, table: TableName, found: Mapping[str, ColumnType]) -> None:
        super().require_metadata(table, found)
        other = [name for name, kind in METADATA_TYPES.items() if found.get(name, kind).type != kind.type]
        if other:
            raise ConfigError(
                f"The target table ({table}) was created by another version of a destination: its internal columns "
                "have other types than those used here.",
                remedy=f"Let the table's owner run: {POSTGRES.render(retype_metadata(table, other))}; or add a prefix.",
            )

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        for statement in evolution.notes(table, changeset):
            self.server.see_all_rows(table)
            self.server.require_identity(table)
            self.execute(statement)
        self._change_columns(table, changeset)

    def _change_columns(self, table: TableName, changeset: ColumnChangeset) -> None:
        if changeset.is_noop:
            return
        if changeset.add and self.server.columns_ever(table) + len(changeset.add) > MOST_COLUMNS:
            self._change_columns(table, without_additions(changeset))
            remake(self, table, changeset.add)
            return
        if self.statements.drop_cascade:
            # There is no ALTER COLUMN TYPE ... CASCADE, and that of DROP COLUMN does not name what it drops.
            for kind, view in self.server.views_in_the_way(table, changeset):
                self.execute(self.statements.drop_view(kind, view))
        self.server.require_no_view(table, changeset)
        # A policy would go along with a column that it reads, and rows be seen.
        cascade = NOTHING if self.server.is_secured(table) else self.statements.cascade
        try:
            self.execute(evolution.change_columns(table, changeset, cascade))
        except evolution.REFUSALS as error:
            raise evolution.refusal(table, error.diag.message_primary, error.diag.message_detail) from error

    # -- what they share

    def rename_table(self, source: TableName, target: TableName) -> None:
        """Give a table another's name, and its index the name that goes with it."""
        for statement in self.statements.move_table(source, target):
            self.execute(statement)

    def _identify_rows(self, table: TableName) -> None:
        """Let rows of a table that we made be changed and deleted, whatever publication it has come into."""
        if self.server.lacks_identity(table):
            self.execute(self.statements.identify_by_row(table))
