"""Every statement the SQLite connector sends. Pure: builds statements, sends none, writes no value into one.

Values are parameters and names are quoted. A name in quotes that is no column's is a text to SQLite, so a column
whose value is asked for is named with its table's alias.
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from attrs import frozen

from connectors.contract import Recipe
from connectors.sql.deletion import says_deleted
from connectors.sql.text import Name, Param, Part, Place, Sql, Value, join, listed, names, sql
from connectors.sqlite.columns import CHANGING, SQLITE
from dataflow.evolution import ColumnType
from dataflow.types import (
    ADDED_LATER,
    CDC_DELETED_AT,
    CDC_POSITIONS,
    EXTRACTED_AT,
    META,
    METADATA_COLUMNS,
    RAW_ID,
    Column,
    Kind,
    TableName,
)

# The one namespace whose tables have plain names, as SQLite's own is called.
PLAIN_NAMESPACE = "main"
# What the client teaches SQLite.
CONVERT, NOTE, NUMBERS = "dataflow_convert", "dataflow_note", "dataflow_numbers"

_S, _T = sql("s"), sql("t")


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
class SqlGenerator:
    """Statements about tables. `hard_deletes`: a CDC deletion removes the row."""

    hard_deletes: bool = True

    def table(self, table: TableName) -> Name:
        """The table's name."""
        return Name(full_name(table))

    def find_table(self) -> Sql:
        """One row if there is a table :name."""
        return sql(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = {} COLLATE NOCASE", Param("name")
        )

    def find_tables(self) -> Sql:
        """The full name of every table."""
        return sql("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")

    def find_holder(self) -> Sql:
        """What else has the name :name, where a table could not be made for it."""
        return sql(
            "SELECT type FROM sqlite_master WHERE type IN ('view', 'index') AND name = {} COLLATE NOCASE",
            Param("name"),
        )

    def find_columns(self) -> Sql:
        """Name, type and nullability of the columns of the table :name, in their order."""
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

    def create_table(self, table: TableName, columns: Sequence[Column]) -> Sql:
        """Make a table of the metadata columns and these."""
        ours = (SQLITE.definition(name, kind) for name, kind in SQLITE.metadata_types.items())
        theirs = (SQLITE.definition(each.name, SQLITE.column_type(each.kind)) for each in columns)
        return sql("CREATE TABLE {} ({})", self.table(table), listed([*ours, *theirs]))

    def drop_table(self, table: TableName) -> Sql:
        """Remove the table if it is there."""
        return sql("DROP TABLE IF EXISTS {}", self.table(table))

    def rename_table(self, table: TableName, new: TableName) -> Sql:
        """Give the table another name."""
        return sql("ALTER TABLE {} RENAME TO {}", self.table(table), self.table(new))

    def any_row(self, table: TableName) -> Sql:
        """One row if the table holds any."""
        return sql("SELECT 1 FROM {} LIMIT 1", self.table(table))

    def count_rows(self, table: TableName) -> Sql:
        """How many rows the table holds."""
        return sql("SELECT count(*) FROM {}", self.table(table))

    def has_lost_value(self, table: TableName, column: Column) -> Sql:
        """Whether a row has null in the column and notes a change of the parameters `field` or `column`."""
        return sql(
            "SELECT EXISTS (SELECT 1 FROM {} AS t WHERE t.{} IS NULL AND EXISTS (SELECT 1 "
            "FROM json_each(t.{}, '$.changes') AS c WHERE json_extract(c.value, '$.field') IN ({}, {})))",
            self.table(table),
            Name(column.name),
            Name(META),
            Param("field"),
            Param("column"),
        )

    def delete_rows(self, table: TableName) -> Sql:
        """Remove all rows."""
        return sql("DELETE FROM {}", self.table(table))

    def delete_rows_after(self, table: TableName) -> Sql:
        """Remove the rows whose raw id is above :after."""
        return sql("DELETE FROM {} AS t WHERE {} > {}", self.table(table), _of(_T, RAW_ID), Param("after"))

    def insert_rows(self, table: TableName, columns: Sequence[Column]) -> Sql:
        """Append a row of as many values, by place."""
        given = _all_names(columns)
        return sql(
            "INSERT INTO {} ({}) VALUES ({})", self.table(table), names(given), listed(Place() for _ in given)
        )

    def copy_rows(self, source: TableName, target: TableName, columns: Sequence[Column]) -> Sql:
        """Append the source's rows to the target."""
        given = _all_names(columns)
        return sql(
            "INSERT INTO {} ({}) SELECT {} FROM {} AS s",
            self.table(target),
            names(given),
            _qualified(_S, given),
            self.table(source),
        )

    def dedupe(self, table: TableName, recipe: Recipe) -> Sql:
        """Remove all rows but the latest of each primary key; with hard deletes that one too if it deletes."""
        return sql(
            "DELETE FROM {table} WHERE rowid IN (\n"
            "  SELECT r FROM (\n"
            "    SELECT s.rowid AS r, row_number() OVER (PARTITION BY {keys} ORDER BY {order}) AS place,\n"
            "      {deleted} AS deleted\n"
            "    FROM {table} AS s\n"
            "  )\n"
            "  WHERE place > 1 OR deleted\n"
            ")",
            table=self.table(table),
            keys=_qualified(_S, recipe.primary_key),
            order=_latest_first({name: _of(_S, name) for name in _order(recipe)}, recipe),
            deleted=self._deleted(recipe),
        )

    def merge(self, source: TableName, target: TableName, recipe: Recipe) -> Sequence[Sql]:
        """Two statements: remove the rows of each key of which the source has a later one, then insert that one."""
        ranked = self._ranked(source, target, recipe)
        return (
            sql(
                "DELETE FROM {} WHERE rowid IN (SELECT r FROM {} WHERE latest IS NULL)",
                self.table(target),
                ranked,
            ),
            sql(
                "INSERT INTO {} ({})\n"
                "SELECT {} FROM {} AS s\n"
                "WHERE NOT {} AND s.rowid IN (SELECT new FROM {} WHERE place = 1)",
                self.table(target),
                names(_all_names(recipe.columns)),
                _qualified(_S, _all_names(recipe.columns)),
                self.table(source),
                self._deleted(recipe),
                ranked,
            ),
        )

    def add_metadata(self, table: TableName, name: str) -> Sql:
        """Add a metadata column that an old table does not have; SQLite keeps the default that its rows need."""
        return sql(
            "ALTER TABLE {} ADD COLUMN {} DEFAULT {}",
            self.table(table),
            SQLITE.definition(name, SQLITE.metadata_types[name]),
            Value(ADDED_LATER[name]),
        )

    def add_column(self, table: TableName, name: str, kind: ColumnType) -> Sql:
        """Add a column that is null in every row."""
        return sql("ALTER TABLE {} ADD COLUMN {}", self.table(table), SQLITE.definition(name, kind))

    def drop_column(self, table: TableName, name: str) -> Sql:
        """Remove a column."""
        return sql("ALTER TABLE {} DROP COLUMN {}", self.table(table), Name(name))

    def change_column(self, table: TableName, name: str, kind: ColumnType) -> Sequence[Sql]:
        """Give a column another type by a new one in its place, which holds the values as the client converts them.

        Its parameters are the types, `original` and `new`, and the column's name as a value, `column`: SQLite itself
        cannot change a type, nor note in a row's metadata what was lost.
        """
        return (
            self.add_column(table, CHANGING, kind),
            sql(
                "UPDATE {} AS t SET {} = {}({types}), {meta} = {}({meta}, {}, {types})",
                self.table(table),
                Name(CHANGING),
                Name(CONVERT),
                Name(NOTE),
                Param("column"),
                types=listed([_of(_T, name), Param("original"), Param("new")]),
                meta=Name(META),
            ),
            self.drop_column(table, name),
            sql("ALTER TABLE {} RENAME COLUMN {} TO {}", self.table(table), Name(CHANGING), Name(name)),
        )

    def _ranked(self, source: TableName, target: TableName, recipe: Recipe) -> Sql:
        """The rows of every key that comes: `r` numbers those there are, `new` those to come.

        `place` counts within a key from the latest on, which is `latest` if it is there already.
        """
        # The names of the columns are left behind at once: one of ours could be among them.
        keys, order = recipe.primary_key, _order(recipe)
        key_names = [f"k{n}" for n in range(len(keys))]
        order_names = {name: Name(f"o{n}") for n, name in enumerate(order)}
        chosen = [*map(Name, key_names), *order_names.values()]
        return sql(
            "(\n"
            "  SELECT r, new, row_number() OVER of_key AS place, first_value(r) OVER of_key AS latest\n"
            "  FROM (\n"
            "    SELECT t.rowid AS r, NULL AS new, {of_target} FROM {target} AS t\n"
            "    WHERE t.rowid IN (SELECT t.rowid FROM {source} AS s JOIN {target} AS t ON {same_key})\n"
            "    UNION ALL\n"
            "    SELECT NULL, s.rowid, {of_source} FROM {source} AS s\n"
            "  )\n"
            # If two are equally late, the target's counts: a repeated merge then changes nothing.
            "  WINDOW of_key AS (PARTITION BY {keys} ORDER BY {latest_first}, r IS NULL)\n"
            ")",
            keys=names(key_names),
            latest_first=_latest_first(order_names, recipe),
            of_target=listed(
                sql("{} AS {}", _of(_T, column), name)
                for column, name in zip([*keys, *order], chosen, strict=True)
            ),
            of_source=_qualified(_S, [*keys, *order]),
            target=self.table(target),
            source=self.table(source),
            same_key=join(" AND ", (SQLITE.same(_of(_S, key), _of(_T, key)) for key in keys)),
        )

    def _deleted(self, recipe: Recipe) -> Sql:
        marks = [c for c in recipe.columns if self.hard_deletes and c.field == CDC_DELETED_AT]
        if not marks:
            return sql("false")
        return sql("({})", says_deleted(_of(_S, marks[0].name), marks[0].kind))


def _order(recipe: Recipe) -> Sequence[str]:
    """What makes a row later than another of its key, the weightiest first."""
    positions = [c.name for field in CDC_POSITIONS for c in recipe.columns if c.field == field]
    cursor = [recipe.cursor] if recipe.cursor is not None else []
    return list(dict.fromkeys([*cursor, *positions, EXTRACTED_AT, RAW_ID]))


def _latest_first(expressions: Mapping[str, Part], recipe: Recipe) -> Sql:
    numbers = {column.name for column in recipe.columns if column.kind is Kind.NUMBER}
    compared = (
        sql("{} COLLATE {}", expression, Name(NUMBERS)) if name in numbers else expression
        for name, expression in expressions.items()
    )
    return listed(map(SQLITE.latest_first, compared))


def _without_dots(name: str) -> str:
    return name.replace("%", "%25").replace(".", "%2E")


def _all_names(columns: Sequence[Column]) -> Sequence[str]:
    return [*METADATA_COLUMNS, *(column.name for column in columns)]


def _of(alias: Sql, name: str) -> Sql:
    return sql("{}.{}", alias, Name(name))


def _qualified(alias: Sql, columns: Sequence[str]) -> Sql:
    return listed(_of(alias, name) for name in columns)
