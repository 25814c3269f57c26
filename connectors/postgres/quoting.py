"""How tables and statements are written for this server. Composes no statement, and holds no value."""

from connectors.postgres.columns import POSTGRES
from connectors.sql.text import Name, Part, Sql, sql
from dataflow.types import TableName


def query(statement: Sql) -> bytes:
    """A statement as the driver takes it, in the encoding of every session of ours."""
    return POSTGRES.render(statement).encode()


def table_name(table: TableName) -> Name:
    """A table with its schema."""
    return Name(table.namespace, table.name)


def rows_of(table: TableName, *, partitioned: bool) -> Part:
    """A table whose rows are found, changed or deleted; those of tables that inherit from it are others'.

    A partitioned table has no rows but those of its partitions.
    """
    return table_name(table) if partitioned else sql("ONLY {}", table_name(table))
