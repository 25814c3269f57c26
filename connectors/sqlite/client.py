"""The operations on the tables of a SQLite file. Decides nothing; sends what `sql` builds."""

from collections.abc import Sequence

from connectors.contract import Statistics
from connectors.sql.client import SqlClient
from connectors.sql.evolution import alterations
from connectors.sql.text import Sql
from connectors.sqlite.columns import STORED_TEXT, SqliteColumns
from connectors.sqlite.connection import SqliteConnection
from connectors.sqlite.sql import Built, full_name, holders, table_name
from dataflow.errors import ConfigError
from dataflow.evolution import ColumnChangeset
from dataflow.types import TableName

INTERNAL_NAMESPACE = "airbyte_internal"


class SqliteClient(SqlClient):
    """Overrides what SQLite has its own way for: namespaces, tables by their full names, and what is built on them."""

    connection: SqliteConnection

    def create_namespace(self, namespace: str) -> None:
        """A namespace is a part of a table's name."""

    def statistics(self, table: TableName) -> Statistics:
        """SQLite counts nothing in advance, and has no users. Views hang on a table's name and not on the table."""
        return Statistics(dependents=tuple(map(str, self._built_on(table))))

    def tables_named(self, mark: str) -> Sequence[TableName]:
        tables = [table_name(name) for (name,) in self.execute(self.statements.find_tables())]
        return [table for table in tables if mark in table.name]

    def overwrite_table(self, source: TableName, target: TableName) -> str:
        """What is built on a table goes with it, and is built again on the new one."""
        comparable = SqliteColumns.naming.comparable
        kept = {comparable(name) for name in self.column_names(source)}
        gone = [name for name in self.column_names(target) if comparable(name) not in kept]
        self._refuse_to_break(target, gone)
        built = self._built_on(target)
        note = super().overwrite_table(source, target)
        for each in built:
            # The statement that a person made it by, as SQLite keeps it.
            self.execute(Sql((each.statement,)))
        return note

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        self._refuse_to_break(table, [*changeset.drop, *changeset.change])
        for statement, parameters in alterations(self.statements, STORED_TEXT, table, changeset):
            self.execute(statement, parameters)

    # -- what is built on tables

    def built(self) -> Sequence[Built]:
        """Every index, trigger and view that a person built."""
        return [Built(*each) for each in self.execute(self.connection.statements.find_built())]

    def _built_on(self, table: TableName) -> Sequence[Built]:
        comparable = SqliteColumns.naming.comparable
        return [each for each in self.built() if comparable(each.on) == comparable(full_name(table))]

    def _refuse_to_break(self, table: TableName, columns: Sequence[str]) -> None:
        """SQLite itself forbids some of it, naming nobody, and lets views be broken by the rest."""
        if held := holders(self.built(), table, columns):
            raise ConfigError(
                f"Objects that depend on the table {table} use columns that are dropped or changed "
                f"({', '.join(columns)}): "
                f"{', '.join(map(str, held))}.",
                doing="changing the table's columns",
                remedy="Drop these objects, run the sync again, and create them again afterwards.",
            )
