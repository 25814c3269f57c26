"""Every statement the SQLite connector sends. Pure: builds statements, sends none, writes no value into one.

Values are parameters and names are quoted. A name in quotes that is no column's is a text to SQLite, so a column
whose value is asked for is named with its table's alias.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import unquote

from attrs import frozen
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from connectors.contract import Recipe
from connectors.sql.deletion import says_deleted
from connectors.sqlite.columns import CHANGING, METADATA_TYPES, TYPES
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

_S, _T = SQL("s"), SQL("t")


def parameter(name: str) -> Composable:
    """How a named parameter is written."""
    return _raw(f":{name}")


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

    def table(self, table: TableName) -> Identifier:
        """The table's name."""
        return Identifier(full_name(table))

    def find_table(self) -> Composed:
        """One row if there is a table :name."""
        return SQL("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = {} COLLATE NOCASE").format(
            parameter("name")
        )

    def find_tables(self) -> Composed:
        """The full name of every table."""
        return SQL("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").format()

    def find_holder(self) -> Composed:
        """What else has the name :name, where a table could not be made for it."""
        return SQL(
            "SELECT type FROM sqlite_master WHERE type IN ('view', 'index') AND name = {} COLLATE NOCASE"
        ).format(parameter("name"))

    def find_columns(self) -> Composed:
        """Name, type and nullability of the columns of the table :name, in their order."""
        return SQL('SELECT name, type, "notnull" = 0 FROM pragma_table_info({}) ORDER BY cid').format(
            parameter("name")
        )

    def find_built(self) -> Composed:
        """What each `Built` is made of. An index without a statement is SQLite's own."""
        return SQL(
            "SELECT type, name, tbl_name, sql FROM sqlite_master "
            "WHERE type IN ('index', 'trigger', 'view') AND sql IS NOT NULL ORDER BY type, name"
        ).format()

    def create_table(self, table: TableName, columns: Sequence[Column]) -> Composed:
        """Make a table of the metadata columns and these."""
        typed = {**METADATA_TYPES, **{column.name: TYPES[column.kind] for column in columns}}
        listed = _commas(_definition(name, kind) for name, kind in typed.items())
        return SQL("CREATE TABLE {} ({})").format(self.table(table), listed)

    def drop_table(self, table: TableName) -> Composed:
        """Remove the table if it is there."""
        return SQL("DROP TABLE IF EXISTS {}").format(self.table(table))

    def rename_table(self, table: TableName, new: TableName) -> Composed:
        """Give the table another name."""
        return SQL("ALTER TABLE {} RENAME TO {}").format(self.table(table), self.table(new))

    def any_row(self, table: TableName) -> Composed:
        """One row if the table holds any."""
        return SQL("SELECT 1 FROM {} LIMIT 1").format(self.table(table))

    def count_rows(self, table: TableName) -> Composed:
        """How many rows the table holds."""
        return SQL("SELECT count(*) FROM {}").format(self.table(table))

    def has_lost_value(self, table: TableName, column: Column) -> Composed:
        """Whether a row has null in the column and notes a change of the parameters `field` or `column`."""
        return SQL(
            "SELECT EXISTS (SELECT 1 FROM {} AS t WHERE t.{} IS NULL AND EXISTS (SELECT 1 "
            "FROM json_each(t.{}, '$.changes') AS c WHERE json_extract(c.value, '$.field') IN (:field, :column)))"
        ).format(self.table(table), Identifier(column.name), Identifier(META))

    def delete_rows(self, table: TableName) -> Composed:
        """Remove all rows."""
        return SQL("DELETE FROM {}").format(self.table(table))

    def delete_rows_after(self, table: TableName) -> Composed:
        """Remove the rows whose raw id is above :after."""
        return SQL("DELETE FROM {} AS t WHERE {} > {}").format(
            self.table(table), _of(_T, RAW_ID), parameter("after")
        )

    def insert_rows(self, table: TableName, columns: Sequence[Column]) -> Composed:
        """Append a row of as many values, by place."""
        names = _all_names(columns)
        return SQL("INSERT INTO {} ({}) VALUES ({})").format(
            self.table(table), _commas(map(Identifier, names)), _commas(SQL("?") for _ in names)
        )

    def copy_rows(self, source: TableName, target: TableName, columns: Sequence[Column]) -> Composed:
        """Append the source's rows to the target."""
        names = _all_names(columns)
        return SQL("INSERT INTO {} ({}) SELECT {} FROM {} AS s").format(
            self.table(target), _commas(map(Identifier, names)), _qualified(_S, names), self.table(source)
        )

    def dedupe(self, table: TableName, recipe: Recipe) -> Composed:
        """Remove all rows but the latest of each primary key; with hard deletes that one too if it deletes."""
        return SQL(
            "DELETE FROM {table} WHERE rowid IN (\n"
            "  SELECT r FROM (\n"
            "    SELECT s.rowid AS r, row_number() OVER (PARTITION BY {keys} ORDER BY {order}) AS place,\n"
            "      {deleted} AS deleted\n"
            "    FROM {table} AS s\n"
            "  )\n"
            "  WHERE place > 1 OR deleted\n"
            ")"
        ).format(
            table=self.table(table),
            keys=_qualified(_S, recipe.primary_key),
            order=_latest_first({name: _of(_S, name) for name in _order(recipe)}, recipe),
            deleted=self._deleted(recipe),
        )

    def merge(self, source: TableName, target: TableName, recipe: Recipe) -> Sequence[Composed]:
        """Two statements: remove the rows of each key of which the source has a later one, then insert that one."""
        ranked = self._ranked(source, target, recipe)
        return (
            SQL("DELETE FROM {} WHERE rowid IN (SELECT r FROM {} WHERE latest IS NULL)").format(
                self.table(target), ranked
            ),
            SQL(
                "INSERT INTO {} ({})\n"
                "SELECT {} FROM {} AS s\n"
                "WHERE NOT {} AND s.rowid IN (SELECT new FROM {} WHERE place = 1)"
            ).format(
                self.table(target),
                _commas(map(Identifier, _all_names(recipe.columns))),
                _qualified(_S, _all_names(recipe.columns)),
                self.table(source),
                self._deleted(recipe),
                ranked,
            ),
        )

    def add_metadata(self, table: TableName, name: str) -> Composed:
        """Add a metadata column that an old table does not have; SQLite keeps the default that its rows need."""
        return SQL("ALTER TABLE {} ADD COLUMN {} DEFAULT {}").format(
            self.table(table), _definition(name, METADATA_TYPES[name]), Literal(ADDED_LATER[name])
        )

    def add_column(self, table: TableName, name: str, kind: ColumnType) -> Composed:
        """Add a column that is null in every row."""
        return SQL("ALTER TABLE {} ADD COLUMN {}").format(self.table(table), _definition(name, kind))

    def drop_column(self, table: TableName, name: str) -> Composed:
        """Remove a column."""
        return SQL("ALTER TABLE {} DROP COLUMN {}").format(self.table(table), Identifier(name))

    def change_column(self, table: TableName, name: str, kind: ColumnType) -> Sequence[Composed]:
        """Give a column another type by a new one in its place, which holds the values as the client converts them.

        Its parameters are the types, `original` and `new`, and the column's name as a value, `column`: SQLite itself
        cannot change a type, nor note in a row's metadata what was lost.
        """
        return (
            self.add_column(table, CHANGING, kind),
            SQL("UPDATE {} AS t SET {} = {}({types}), {meta} = {}({meta}, {}, {types})").format(
                self.table(table),
                Identifier(CHANGING),
                _raw(CONVERT),
                _raw(NOTE),
                parameter("column"),
                types=_commas([_of(_T, name), parameter("original"), parameter("new")]),
                meta=Identifier(META),
            ),
            self.drop_column(table, name),
            SQL("ALTER TABLE {} RENAME COLUMN {} TO {}").format(
                self.table(table), Identifier(CHANGING), Identifier(name)
            ),
        )

    def _ranked(self, source: TableName, target: TableName, recipe: Recipe) -> Composed:
        """The rows of every key that comes: `r` numbers those there are, `new` those to come.

        `place` counts within a key from the latest on, which is `latest` if it is there already.
        """
        # The names of the columns are left behind at once: one of ours could be among them.
        keys, order = recipe.primary_key, _order(recipe)
        key_names = [f"k{n}" for n in range(len(keys))]
        order_names = {name: _raw(f"o{n}") for n, name in enumerate(order)}
        names = [*map(_raw, key_names), *order_names.values()]
        return SQL(
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
            ")"
        ).format(
            keys=_commas(map(_raw, key_names)),
            latest_first=_latest_first(order_names, recipe),
            of_target=_commas(
                SQL("{} AS {}").format(_of(_T, column), name)
                for column, name in zip([*keys, *order], names, strict=True)
            ),
            of_source=_qualified(_S, [*keys, *order]),
            target=self.table(target),
            source=self.table(source),
            same_key=SQL(" AND ").join(SQL("{} IS {}").format(_of(_S, key), _of(_T, key)) for key in keys),
        )

    def _deleted(self, recipe: Recipe) -> Composed:
        marks = [c for c in recipe.columns if self.hard_deletes and c.field == CDC_DELETED_AT]
        if not marks:
            return SQL("{}").format(_raw("false"))
        return SQL("({})").format(says_deleted(_of(_S, marks[0].name), marks[0].kind))


def _order(recipe: Recipe) -> Sequence[str]:
    """What makes a row later than another of its key, the weightiest first."""
    positions = [c.name for field in CDC_POSITIONS for c in recipe.columns if c.field == field]
    cursor = [recipe.cursor] if recipe.cursor is not None else []
    return list(dict.fromkeys([*cursor, *positions, EXTRACTED_AT, RAW_ID]))


def _latest_first(expressions: Mapping[str, Composable], recipe: Recipe) -> Composed:
    numbers = {column.name for column in recipe.columns if column.kind is Kind.NUMBER}
    collations = {name: _raw(f" COLLATE {NUMBERS}" if name in numbers else "") for name in expressions}
    return _commas(
        SQL("{}{} DESC NULLS LAST").format(expression, collations[name])
        for name, expression in expressions.items()
    )


def _raw(text: str) -> SQL:
    # Only for text of this package's own: types, aliases. Never a name, never a value.
    return SQL(text)


def _definition(name: str, kind: ColumnType) -> Composed:
    spelled = kind.type if kind.nullable else f"{kind.type} NOT NULL"
    return SQL("{} {}").format(Identifier(name), _raw(spelled))


def _without_dots(name: str) -> str:
    return name.replace("%", "%25").replace(".", "%2E")


def _all_names(columns: Sequence[Column]) -> Sequence[str]:
    return [*METADATA_COLUMNS, *(column.name for column in columns)]


def _of(alias: SQL, name: str) -> Composed:
    return SQL("{}.{}").format(alias, Identifier(name))


def _qualified(alias: SQL, names: Sequence[str]) -> Composed:
    return _commas(_of(alias, name) for name in names)


def _commas(parts: Iterable[Composable]) -> Composed:
    return SQL(", ").join(parts)
