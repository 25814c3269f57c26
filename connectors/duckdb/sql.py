"""Every statement the DuckDB connector sends. Pure: builds statements, sends none, writes no value into one.

Values are parameters and names are quoted, and tables are named with their database: a schema that is called like
a database (the file's, or DuckDB's own `temp`, `system` and `memory`) makes a name of two parts ambiguous.
"""

from collections.abc import Iterable, Mapping, Sequence
from string import ascii_lowercase, ascii_uppercase

from attrs import frozen
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from connectors.contract import Recipe
from connectors.duckdb.columns import METADATA_TYPES
from connectors.sql.deletion import says_deleted
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
    TableName,
)

# Within a connection's own temporary schema, so that no table of anybody's can be meant.
BATCHES = "_airbyte_batches"


def _raw(text: str) -> SQL:
    # Only for text of this package's own: types, aliases. Never a name, never a value.
    return SQL(text)


_S, _T = SQL("s"), SQL("t")


def parameter(name: str) -> Composable:
    """How a named parameter is written."""
    return _raw(f"${name}")


def attach(file: str, row_group: int, name: str | None = None) -> Composed:
    """Open a file, called by its own name or this one; what is inserted is stored in groups of so many rows."""
    called = SQL("AS {} ").format(Identifier(name)) if name is not None else SQL("")
    return SQL("ATTACH {} {}(ROW_GROUP_SIZE {})").format(Literal(file), called, Literal(row_group))


def attached_as() -> Composed:
    """What the file $file is called, if it is open."""
    return SQL("SELECT database_name FROM duckdb_databases() WHERE path = {}").format(parameter("file"))


def spill_into(folder: str) -> Composed:
    """Where work that does not fit into the memory goes."""
    return SQL("SET temp_directory = {}").format(Literal(folder))


def use(catalog: str) -> Composed:
    """Mean this database where none is named."""
    return SQL("USE {}").format(Identifier(catalog))


@frozen
class SqlGenerator:
    """Statements about the tables of one database; `catalog` is what DuckDB calls it."""

    catalog: str
    hard_deletes: bool = True

    def table(self, table: TableName) -> Identifier:
        """The table's full name."""
        return Identifier(self.catalog, table.namespace, table.name)

    def find_schema(self) -> Composed:
        """One row if there is a schema $namespace."""
        return SQL("SELECT 1 FROM duckdb_schemas() WHERE database_name = $catalog AND {} = {}").format(
            _folded(SQL("schema_name")), _folded(parameter("namespace"))
        )

    def create_schema(self, namespace: str) -> Composed:
        """Make a schema that is not there."""
        return SQL("CREATE SCHEMA {}").format(Identifier(self.catalog, namespace))

    def find_table(self) -> Composed:
        """One row if there is a table $name in $namespace."""
        return SQL("SELECT 1 FROM duckdb_tables() WHERE {}").format(_named("table_name"))

    def find_view(self) -> Composed:
        """One row if there is a view $name in $namespace."""
        return SQL("SELECT 1 FROM duckdb_views() WHERE {}").format(_named("view_name"))

    def find_tables(self) -> Composed:
        """Schema and name of every table whose name holds $mark."""
        return SQL(
            "SELECT schema_name, table_name FROM duckdb_tables() "
            "WHERE database_name = $catalog AND contains(table_name, $mark) ORDER BY ALL"
        ).format()

    def estimate_rows(self) -> Composed:
        """About how many rows the table $name in $namespace holds, without looking."""
        return SQL("SELECT estimated_size FROM duckdb_tables() WHERE {}").format(_named("table_name"))

    def find_columns(self) -> Composed:
        """Name, type and nullability of the columns of the table $name in $namespace, in their order."""
        return SQL(
            "SELECT column_name, data_type, is_nullable FROM duckdb_columns() WHERE {} ORDER BY column_index"
        ).format(_named("table_name"))

    def create_table(self, table: TableName, columns: Mapping[str, ColumnType]) -> Composed:
        """Make a table of the metadata columns and these. No index: a table with one cannot be renamed."""
        listed = (definition(name, kind) for name, kind in (*METADATA_TYPES.items(), *columns.items()))
        return SQL("CREATE TABLE {} ({})").format(self.table(table), _commas(listed))

    def add_metadata(self, table: TableName, name: str) -> Sequence[Composed]:
        """Add a metadata column that an old table does not have. DuckDB adds none that is NOT NULL at once."""
        column = Identifier(name)
        return (
            SQL("ALTER TABLE {} ADD COLUMN {} {} DEFAULT {}").format(
                self.table(table), column, _raw(METADATA_TYPES[name].type), Literal(ADDED_LATER[name])
            ),
            SQL("ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT").format(self.table(table), column),
            SQL("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL").format(self.table(table), column),
        )

    def drop_table(self, table: TableName) -> Composed:
        """Remove the table if it is there."""
        return SQL("DROP TABLE IF EXISTS {}").format(self.table(table))

    def rename_table(self, table: TableName, name: str) -> Composed:
        """Give the table another name in its schema."""
        return SQL("ALTER TABLE {} RENAME TO {}").format(self.table(table), Identifier(name))

    def any_row(self, table: TableName) -> Composed:
        """One row if the table holds any."""
        return SQL("SELECT 1 FROM {} LIMIT 1").format(self.table(table))

    def count_rows(self, table: TableName) -> Composed:
        """How many rows the table holds."""
        return SQL("SELECT count(*) FROM {}").format(self.table(table))

    def has_lost_value(self, table: TableName, column: Column) -> Composed:
        """Whether a row has null in the column and notes a change of the parameters `field` or `column`."""
        return SQL(
            "SELECT EXISTS (SELECT 1 FROM {} WHERE {} IS NULL "
            "AND list_has_any(json_extract_string({}, '$.changes[*].field'), [$field, $column]))"
        ).format(self.table(table), Identifier(column.name), Identifier(META))

    def delete_rows(self, table: TableName) -> Composed:
        """Remove all rows; returns how many."""
        return SQL("DELETE FROM {}").format(self.table(table))

    def delete_rows_after(self, table: TableName) -> Composed:
        """Remove the rows whose raw id is above $after; returns how many."""
        return SQL("DELETE FROM {} WHERE {} > CAST($after AS UUID)").format(
            self.table(table), Identifier(RAW_ID)
        )

    def copy_rows(self, source: TableName, target: TableName, columns: Sequence[Column]) -> Composed:
        """Append the source's rows to the target; returns how many."""
        names = _all_names(columns)
        return SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
            self.table(target), names, names, self.table(source)
        )

    def insert_batches(self, table: TableName, columns: Mapping[str, ColumnType]) -> Composed:
        """Append the rows of the registered batches, each column cast to the table's type."""
        typed = {**METADATA_TYPES, **columns}
        return SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
            self.table(table),
            _commas(map(Identifier, typed)),
            _commas(
                SQL("CAST({} AS {})").format(Identifier(name), _raw(kind.type))
                for name, kind in typed.items()
            ),
            Identifier("temp", "main", BATCHES),
        )

    def dedupe(self, table: TableName, recipe: Recipe) -> Composed:
        """Remove all rows but the latest of each primary key; with hard deletes that one too if it deletes."""
        deleted = self._deleted(recipe)
        return SQL(
            "DELETE FROM {} WHERE rowid IN (\n  SELECT s.rowid FROM {} s\n  QUALIFY {} > 1{}\n)"
        ).format(
            self.table(table),
            self.table(table),
            _rank(recipe),
            SQL(" OR {}").format(deleted) if deleted else SQL(""),
        )

    def merge(self, source: TableName, target: TableName, recipe: Recipe) -> Sequence[Composed]:
        """Two statements: remove the rows of each key of which the source has a later one, then insert that one.

        Not MERGE: it updates every duplicate the target has of a key, and so keeps them.
        """
        return (
            self._remove_outdone(source, target, recipe),
            self._insert_latest(source, target, recipe),
        )

    def _remove_outdone(self, source: TableName, target: TableName, recipe: Recipe) -> Composed:
        # The names of the columns are left behind at once: the row number's name could be one of them.
        keys, order = recipe.primary_key, _order(recipe)
        key_names = [f"k{n}" for n in range(len(keys))]
        order_names = [f"o{n}" for n in range(len(order))]
        latest_first = _descending(map(_raw, order_names))
        return SQL(
            "DELETE FROM {target} WHERE rowid IN (\n"
            "  SELECT r FROM (\n"
            "    SELECT t.rowid, {of_target} FROM {target} t\n"
            "    WHERE EXISTS (SELECT 1 FROM {source} s WHERE {same_key})\n"
            "    UNION ALL\n"
            "    SELECT NULL, {of_source} FROM {source} s\n"
            "  ) AS ranked (r, {names})\n"
            # If two are equally late, the target's counts: a repeated merge then changes nothing.
            "  QUALIFY r IS NOT NULL\n"
            "  AND first_value(r) OVER (PARTITION BY {keys} ORDER BY {latest_first}, r NULLS LAST) IS NULL\n"
            ")"
        ).format(
            target=self.table(target),
            source=self.table(source),
            of_target=_qualified(_T, [*keys, *order]),
            of_source=_qualified(_S, [*keys, *order]),
            same_key=_same_key(recipe),
            names=_commas(map(_raw, (*key_names, *order_names))),
            keys=_commas(map(_raw, key_names)),
            latest_first=latest_first,
        )

    def _insert_latest(self, source: TableName, target: TableName, recipe: Recipe) -> Composed:
        deleted = self._deleted(recipe)
        return SQL(
            "INSERT INTO {target} ({names})\n"
            "SELECT {of_source} FROM {source} s WHERE s.rowid IN (\n"
            "  SELECT s.rowid FROM {source} s\n"
            "  WHERE NOT EXISTS (SELECT 1 FROM {target} t WHERE {same_key})\n"
            "  QUALIFY {rank} = 1{not_deleted}\n"
            ")"
        ).format(
            target=self.table(target),
            source=self.table(source),
            names=_all_names(recipe.columns),
            of_source=_qualified(_S, [*METADATA_COLUMNS, *(c.name for c in recipe.columns)]),
            same_key=_same_key(recipe),
            rank=_rank(recipe),
            not_deleted=SQL(" AND NOT ({})").format(deleted) if deleted else SQL(""),
        )

    def _deleted(self, recipe: Recipe) -> Composed | None:
        marks = [c for c in recipe.columns if self.hard_deletes and c.field == CDC_DELETED_AT]
        return says_deleted(_of(_S, marks[0].name), marks[0].kind) if marks else None


def _order(recipe: Recipe) -> Sequence[str]:
    """What makes a row later than another of its key, the weightiest first."""
    positions = [c.name for field in CDC_POSITIONS for c in recipe.columns if c.field == field]
    cursor = [recipe.cursor] if recipe.cursor is not None else []
    return list(dict.fromkeys([*cursor, *positions, EXTRACTED_AT, RAW_ID]))


def _rank(recipe: Recipe) -> Composed:
    return SQL("row_number() OVER (PARTITION BY {} ORDER BY {})").format(
        _qualified(_S, recipe.primary_key), _descending(_of(_S, name) for name in _order(recipe))
    )


def _descending(expressions: Iterable[Composable]) -> Composed:
    return _commas(SQL("{} DESC NULLS LAST").format(each) for each in expressions)


def _same_key(recipe: Recipe) -> Composed:
    return SQL(" AND ").join(
        SQL("{} IS NOT DISTINCT FROM {}").format(_of(_S, name), _of(_T, name)) for name in recipe.primary_key
    )


def definition(name: str, kind: ColumnType) -> Composed:
    """A column as CREATE and ADD COLUMN spell it."""
    spelled = kind.type if kind.nullable else f"{kind.type} NOT NULL"
    return SQL("{} {}").format(Identifier(name), _raw(spelled))


def _named(column: str) -> Composed:
    return SQL("database_name = $catalog AND {} = {} AND {} = {}").format(
        _folded(SQL("schema_name")),
        _folded(parameter("namespace")),
        _folded(_raw(column)),
        _folded(parameter("name")),
    )


def _folded(text: Composable) -> Composed:
    # Not lower(): DuckDB's names ignore the case of ASCII letters and of no others.
    return SQL("translate({}, {}, {})").format(
        text, _raw(f"'{ascii_uppercase}'"), _raw(f"'{ascii_lowercase}'")
    )


def _of(alias: SQL, name: str) -> Composed:
    return SQL("{}.{}").format(alias, Identifier(name))


def _qualified(alias: SQL, names: Sequence[str]) -> Composed:
    return _commas(_of(alias, name) for name in names)


def _all_names(columns: Sequence[Column]) -> Composed:
    return _commas(map(Identifier, (*METADATA_COLUMNS, *(column.name for column in columns))))


def _commas(parts: Iterable[Composable]) -> Composed:
    return SQL(", ").join(parts)
