"""What a client asks about tables before it changes them. Changes nothing."""

from collections.abc import Mapping

from connectors.sql.connection import Connection
from connectors.sql.refusals import name_taken
from dataflow.evolution import ColumnType
from dataflow.types import TableName


class Inspection:
    """The questions, on one connection. All questions of a client go this way, so a rehearsal can answer them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def namespace_exists(self, namespace: str) -> bool:
        """Whether there is such a namespace."""
        found = self._connection.execute(
            self._connection.statements.find_namespace(), {"namespace": namespace}
        )
        return bool(found)

    def table_exists(self, table: TableName) -> bool:
        """Whether there is such a table. ConfigError if something that is no table has the name."""
        statements = self._connection.statements
        place = statements.place(table)
        if self._connection.execute(statements.find_table(), place):
            return True
        if taken := self._connection.execute(statements.find_holder(), place):
            raise name_taken(table, taken[0][0])
        return False

    def table_is_empty(self, table: TableName) -> bool:
        """Whether an existing table holds no row."""
        return not self._connection.execute(self._connection.statements.any_row(table))

    def holds_rows_up_to(self, table: TableName, raw_id: str) -> bool:
        """Whether an existing table holds a row whose raw id is not above this one."""
        statement = self._connection.statements.any_row_up_to(table)
        return bool(self._connection.execute(statement, {"last": raw_id}))

    def columns(self, table: TableName) -> Mapping[str, ColumnType]:
        """All columns of a table in their order, those of metadata too; none if there is no such table."""
        statements = self._connection.statements
        found = self._connection.execute(statements.find_columns(), statements.place(table))
        return {name: ColumnType(kind, bool(nullable)) for name, kind, nullable in found}
