"""How names and types stand in statements: always quoted. Composes no statement, and holds no value."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from psycopg.sql import SQL, Composable, Composed, Identifier

from connectors.postgres.columns import POSTGRES
from connectors.sql.text import Sql
from dataflow.evolution import ColumnType
from dataflow.types import METADATA_COLUMNS, Column, TableName

# A statement of this connector's own, or one that all SQL databases share.
Query: TypeAlias = Composed | Sql


def composed(query: Query) -> Composed:
    """A statement as psycopg takes it; also a part of one that is shared."""
    return Composed([SQL(POSTGRES.render(query))]) if isinstance(query, Sql) else query


def table_name(name: TableName) -> Identifier:
    """A table with its schema."""
    return Identifier(name.namespace, name.name)


def rows_of(table: TableName, *, partitioned: bool) -> Composed:
    """A table whose rows are found, changed or deleted; those of tables that inherit from it are others'.

    A partitioned table has no rows but those of its partitions.
    """
    return SQL("{}{}").format(SQL("" if partitioned else "ONLY "), table_name(table))


def of(alias: Identifier, column: str) -> Composed:
    """A column of the table that has this alias."""
    return SQL("{}.{}").format(alias, Identifier(column))


def listed(parts: Iterable[Composable]) -> Composed:
    """Parts with commas between them."""
    return SQL(", ").join(parts)


def names(columns: Iterable[str]) -> Composed:
    """Columns by name, with commas between them."""
    return listed(map(Identifier, columns))


def all_names(columns: Sequence[Column]) -> list[str]:
    """The metadata columns, then these."""
    return [*METADATA_COLUMNS, *(each.name for each in columns)]


def definition(name: str, kind: ColumnType) -> Composed:
    """A column as it is created."""
    nullable = SQL("") if kind.nullable else SQL(" NOT NULL")
    return SQL("{} {}{}").format(Identifier(name), type_name(kind), nullable)


def type_name(kind: ColumnType) -> SQL:
    """A type. It is one of this connector's own spellings, or the server's, never a user's text."""
    return SQL(kind.type)
