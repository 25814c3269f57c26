"""The client of the MySQL destination: the operations on tables. Composes no statement."""

from collections.abc import Sequence

from connectors.contract import Recipe, Statistics
from connectors.mysql.columns import COLUMNS_OF_AN_INDEX, ENGINE, INDEXES_OF_A_TABLE, MYSQL, MysqlColumns
from connectors.mysql.connection import MysqlConnection
from connectors.mysql.errors import TOO_MANY_INDEXES
from connectors.mysql.evolution import CONVERSION
from connectors.mysql.locks import FencedLedger, StreamLocks
from connectors.mysql.merging import fill, merge
from connectors.mysql.sql import MysqlStatements
from connectors.sql.client import SqlClient
from connectors.sql.evolution import alterations
from connectors.sql.statements import CHANGING
from dataflow.errors import ConfigError
from dataflow.evolution import ColumnChangeset, TableSchema
from dataflow.names import replaced_name
from dataflow.types import TableName


class MysqlClient(SqlClient):
    """Overrides the ledger's hold, merging, the swap, what an ended change of a column leaves, and statistics."""

    connection: MysqlConnection

    def __init__(self, connection: MysqlConnection, locks: StreamLocks, internal_namespace: str) -> None:
        super().__init__(connection, locks, internal_namespace)
        self.ledger = FencedLedger(self, internal_namespace, connection)

    @property
    def statements(self) -> MysqlStatements:
        """The statements of this client's server."""
        return self.connection.statements

    def end_others(self, table: TableName, claim: str) -> bool:
        """Nothing is left to do: the claim got the entry's fence, which a session has until its statement ends."""
        return True

    def statistics(self, table: TableName) -> Statistics:
        found = self.execute(self.statements.find_size(), self.statements.place(table))
        rows, size = found[0] if found else (None, None)
        return Statistics(rows=rows, size=size, dependents=self._dependents(table))

    # -- rows

    def expect_publication(self, table: TableName, recipe: Recipe) -> None:
        """A replaced table must have nothing that would be lost with it; a merged one, or room for, the key's index."""
        if recipe.strategy.truncates:
            self._require_no_dependents(table)
        elif recipe.strategy.dedupes and not self._key_index(table):
            ((indexes,),) = self.execute(self.statements.count_indexes(), self.statements.place(table))
            if indexes >= INDEXES_OF_A_TABLE:
                raise TOO_MANY_INDEXES

    def prepare_merge(self, table: TableName, primary_key: Sequence[str]) -> None:
        """Have an index on the key: a change of the table, so no part of the merge's transaction."""
        indexed = self._key_index(table)
        if indexed == list(primary_key)[:COLUMNS_OF_AN_INDEX]:
            return
        if indexed:
            self.execute(self.statements.drop_key_index(table))
        types = {name: kind.type for name, kind in self.inspection.columns(table).items()}
        key = {name: types[name] for name in primary_key}
        for statement in self.statements.index_on_key(table, key):
            self.execute(statement)

    def merge_table(self, source: TableName, target: TableName, recipe: Recipe) -> None:
        """A target that holds no row, as before the first merge, is only filled."""
        if self.table_is_empty(target):
            self.execute(fill(self.statements, source, target, recipe))
            return
        for statement in merge(self.statements, source, target, recipe):
            self.execute(statement)

    def overwrite_table(self, source: TableName, target: TableName) -> str:
        """One RENAME of both; the old table goes by another name of the stream's temp tables until it is dropped."""
        if not self.table_exists(source):
            return ""
        if not self.table_exists(target):
            self.execute(self.statements.rename_tables((source, target)))
            return ""
        # Again, since somebody may have built on it after the stream's start.
        self._require_no_dependents(target)
        old = TableName(source.namespace, replaced_name(source.name, MysqlColumns.naming))
        self.execute(self.statements.rename_tables((target, old), (source, target)))
        self.drop_table(old)
        return ""

    # -- columns

    def discover_schema(self, table: TableName) -> TableSchema:
        found = super().discover_schema(table).columns
        return TableSchema({name: kind for name, kind in found.items() if name != CHANGING})

    def complete_metadata(self, table: TableName) -> Sequence[str]:
        self._require_transactions(table)
        self._finish_change(table)
        return super().complete_metadata(table)

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        self._finish_change(table)
        for statement, parameters in alterations(self.statements, CONVERSION, table, changeset):
            self.execute(statement, parameters)

    def _require_transactions(self, table: TableName) -> None:
        """ConfigError if the table's engine keeps rows of transactions that are rolled back."""
        ((engine,),) = self.execute(self.statements.find_engine(), self.statements.place(table))
        if engine != ENGINE:
            changed = MYSQL.render(self.statements.change_engine(table))
            raise ConfigError(
                f"The table {table} is kept by the engine {engine}, and a sync needs the transactions of {ENGINE}.",
                doing=f"looking at {table}",
                remedy=f"Let the table's owner run: {changed};",
            )

    def _require_no_dependents(self, table: TableName) -> None:
        """ConfigError if something of people's hangs on the table and not on its name."""
        if dependents := self._dependents(table):
            raise ConfigError(
                f"The table {table} cannot be replaced: {', '.join(dependents)} would be lost with it.",
                remedy="Drop what depends on the table, run the sync, and create it again.",
            )

    def _key_index(self, table: TableName) -> list[str]:
        place = self.statements.place(table)
        return [name for (name,) in self.execute(self.statements.find_key_index(), place)]

    def _finish_change(self, table: TableName) -> None:
        """Drop the column that a killed run was filling."""
        if CHANGING in self.inspection.columns(table):
            self.execute(self.statements.drop_column(table, CHANGING))

    def _dependents(self, table: TableName) -> tuple[str, ...]:
        place = self.statements.place(table)
        return tuple(
            f"{kind} {name}" for kind, name in self.execute(self.statements.find_dependents(), place)
        )
