"""The shared statements in MariaDB's dialect, as far as they are about rows."""

from connectors.sql.statements import Statements
from connectors.sql.text import Sql, sql
from dataflow.types import Column, TableName
from tests.connectors.sql.mariadb import MARIADB


class MariaDbStatements(Statements):
    """No table of these tests changes its columns, so no value is ever lost."""

    def has_lost_value(self, table: TableName, column: Column) -> Sql:
        return sql("SELECT 0")


STATEMENTS = MariaDbStatements(dialect=MARIADB)
