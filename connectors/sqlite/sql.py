"""What SQLite words in its own way, and what people build on its tables. Pure: sends nothing.

`connectors.sql` composes the other statements. To SQLite a name in quotes that is no column's is a text, so a column
is named with the alias of its table.
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from attrs import frozen

from connectors.sql.dialect import Dialect
from connectors.sql.statements import Statements, T, of
from connectors.sql.stored_text import NUMBERS
from connectors.sql.text import Name, Param, Part, Sql, sql
from connectors.sqlite.columns import SQLITE
from dataflow.types import META, Column, Kind, TableName

# The one namespace whose tables have plain names, as SQLite's own is called.
PLAIN_NAMESPACE = "main"


def full_name(table: TableName) -> str:
    """The name by which SQLite, which has no namespaces, knows the table: no two tables have the same.

    Within `main` the name itself, else `namespace.name`; what would make the two alike is written as in a URL.
    """
    if table.namespace == PLAIN_NAMESPACE:
        name = _without_dots(table.name)
    else:
        name = f"{_without_dots(table.namespace)}.{table.name}"
    # SQLite keeps such names for itself.
    return f"%{ord(name[0]):X}{name[1:]}" if name.lower().startswith("sqlite_") else name


def table_name(name: str) -> TableName:
    """The table that SQLite knows by this full name."""
    namespace, dot, rest = name.partition(".")
    return TableName(unquote(namespace), rest) if dot else TableName(PLAIN_NAMESPACE, unquote(name))


@frozen(order=True)
class Built:
    """An index, a trigger or a view that a person built, on which table or view, and the statement that makes it."""

    kind: str
    name: str
    on: str
    statement: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def mentions(self, name: str) -> bool:
        """Whether the name is a word of the statement. It may mean something else there: that is not looked into."""
        return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", self.statement, re.IGNORECASE) is not None


def holders(built: Sequence[Built], table: TableName, columns: Sequence[str]) -> Sequence[Built]:
    """What mentions one of the columns, and the table or a view of it."""
    reached = [full_name(table)]
    # Grows as it is walked: a view may stand on another.
    for name in reached:
        views = [each.name for each in built if each.kind == "view" and each.mentions(name)]
        reached.extend(view for view in views if view not in reached)
    return [each for each in built if any(map(each.mentions, columns)) and any(map(each.mentions, reached))]


@frozen(kw_only=True)
class SqliteStatements(Statements):
    """What SQLite words differently: names, its own catalog, and row numbers."""

    dialect: Dialect = SQLITE

    def table(self, table: TableName) -> Name:
        return Name(full_name(table))

    def place(self, table: TableName) -> Mapping[str, str]:
        return {"name": full_name(table)}

    def row_id(self, alias: Name) -> Sql:
        # No column has this name: `SqliteColumns` reserves it.
        return of(alias, "rowid")

    def latest_first(self, expression: Part, kind: Kind | None) -> Sql:
        if kind is Kind.NUMBER:
            expression = sql("{} COLLATE {}", expression, Name(NUMBERS))
        return self.dialect.latest_first(expression)

    def find_table(self) -> Sql:
        return sql(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = {} COLLATE NOCASE", Param("name")
        )

    def find_tables(self) -> Sql:
        """The full name of every table."""
        return sql("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")

    def find_holder(self) -> Sql:
        return sql(
            "SELECT type FROM sqlite_master WHERE type IN ('view', 'index') AND name = {} COLLATE NOCASE",
            Param("name"),
        )

    def find_columns(self) -> Sql:
        return sql(
            "SELECT name, type, {} = 0 FROM pragma_table_info({}) ORDER BY cid",
            Name("notnull"),
            Param("name"),
        )

    def find_built(self) -> Sql:
        """What each `Built` is made of. An index without a statement is SQLite's own."""
        return sql(
            "SELECT type, name, tbl_name, sql FROM sqlite_master "
            "WHERE type IN ('index', 'trigger', 'view') AND sql IS NOT NULL ORDER BY type, name"
        )

    def has_lost_value(self, table: TableName, column: Column) -> Sql:
        return sql(
            "SELECT EXISTS (SELECT 1 FROM {} AS t WHERE {} IS NULL AND EXISTS (SELECT 1 "
            "FROM json_each({}, '$.changes') AS c WHERE json_extract(c.value, '$.field') IN ({}, {})))",
            self.table(table),
            of(T, column.name),
            of(T, META),
            Param("field"),
            Param("column"),
        )


def _without_dots(name: str) -> str:
    return name.replace("%", "%25").replace(".", "%2E")
