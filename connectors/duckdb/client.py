"""The operations on the tables of a DuckDB database. Decides nothing; sends what `sql` and its neighbours build."""

from collections.abc import Collection, Sequence

from connectors.contract import Recipe, ShardRow, Statistics
from connectors.contract.ledger import LedgerEntry, Owner
from connectors.duckdb.columns import DUCKDB
from connectors.duckdb.connection import DuckDbConnection, ProcessLocks
from connectors.duckdb.database import Database
from connectors.duckdb.evolution import (
    alter,
    is_extensive,
    is_refused_beside_indexes,
    remake,
    require_metadata,
    retyped,
    rewrite,
    rewritten,
)
from connectors.duckdb.merging import dedupe, merge
from connectors.sql.client import SqlClient
from connectors.sql.ledger import SqlLedger
from connectors.sql.text import Name, Sql
from dataflow.batch import encode_changes
from dataflow.errors import ConfigError
from dataflow.evolution import ColumnChangeset, not_held
from dataflow.runtime.requests import UNWATCHED, Requests
from dataflow.types import Column, TableName

INTERNAL_NAMESPACE = "airbyte_internal"


class DuckDbClient(SqlClient):
    """Overrides what DuckDB has its own way for: the ledger's locks, statistics, merges, and work on whole tables.

    A column of one value costs DuckDB next to nothing, and other connections see the old table until a swap commits.
    """

    connection: DuckDbConnection

    def __init__(self, database: Database, requests: Requests = UNWATCHED) -> None:
        connection = DuckDbConnection(database, requests)
        super().__init__(connection, ProcessLocks(database, connection), INTERNAL_NAMESPACE)
        self._database = database
        self.ledger = FencedLedger(self, connection)

    def statistics(self, table: TableName) -> Statistics:
        """Views hang on a table's name and not on the table, and there are no users: nothing depends on it."""
        statements = self.connection.statements
        ((rows,),) = self.execute(statements.estimate_rows(), statements.place(table))
        return Statistics(rows=rows)

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        with self._database.whole_tables():
            return super().copy_table(source, target, columns)

    def merge_table(self, source: TableName, target: TableName, recipe: Recipe) -> None:
        with self._database.whole_tables():
            for statement in merge(self.connection.statements, source, target, recipe):
                self.execute(statement)

    def dedupe_table(self, table: TableName, recipe: Recipe) -> None:
        with self._database.whole_tables():
            self.execute(dedupe(self.connection.statements, table, recipe))

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        relation = self.table(table)
        if is_extensive(changeset):
            self._make_again(relation, remake(relation, changeset), retyped(changeset))
            return
        if is_refused_beside_indexes(changeset):
            self._refuse_indexes(table)
        for statement in alter(relation, changeset):
            self.execute(statement)
        if changed := rewritten(changeset):
            self._make_again(relation, rewrite(relation, changed), changed)

    def _refuse_indexes(self, table: TableName) -> None:
        """DuckDB itself would name none, and a dry run would not find out."""
        statements = self.connection.statements
        found = self.execute(statements.find_indexes(), statements.place(table))
        if found:
            raise ConfigError(
                f"The columns of {table} cannot be changed, because it has indexes: "
                f"{', '.join(name for (name,) in found)}.",
                doing="changing the table's columns",
                remedy="Drop these indexes, run the sync again, and create them again afterwards.",
            )

    def _make_again(self, relation: Name, statement: Sql, changed: Collection[str]) -> None:
        notes = [encode_changes([not_held(name)]).decode() for name in changed]
        with self._database.whole_tables():
            self.execute(statement, {"notes": notes} if notes else None)
            for constraint in require_metadata(relation):
                self.execute(constraint)


class FencedLedger(SqlLedger):
    """The ledger with locks of our own: DuckDB has no SELECT that locks, only conflicts found on writing."""

    def __init__(self, client: DuckDbClient, connection: DuckDbConnection) -> None:
        super().__init__(client, INTERNAL_NAMESPACE, DUCKDB)
        self._connection = connection

    def hold(self, table: TableName) -> LedgerEntry | None:
        """Waits before it reads, so that it reads what the transaction waited for has written."""
        self._connection.hold_row(table)
        return super().hold(table)

    def share(self, table: TableName) -> Owner | None:
        """Likewise: the lock is one that nobody shares."""
        self._connection.hold_row(table)
        return super().share(table)

    def take_shard(self, table: TableName, load: str, number: int) -> ShardRow | None:
        """Likewise: one shard of a table after the other."""
        self._connection.hold_row(table)
        return super().take_shard(table, load, number)
