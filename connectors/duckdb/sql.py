"""Every statement the DuckDB connector sends. Pure: builds statements, sends none, writes no value into one.

Values are parameters and names are quoted, and tables are named with their database: a schema that is called like
a database (the file's, or DuckDB's own `temp`, `system` and `memory`) makes a name of two parts ambiguous.
"""

from collections.abc import Iterable, Mapping, Sequence
from string import ascii_lowercase, ascii_uppercase

from attrs import frozen

from connectors.contract import Recipe
from connectors.duckdb.columns import DUCKDB
from connectors.sql.deletion import says_deleted
from connectors.sql.text import NOTHING, Name, Param, Part, Sql, Type, Value, join, listed, names, sql
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


_S, _T = sql("s"), sql("t")


def attach(file: str, row_group: int, name: str | None = None) -> Sql:
    """Open a file, called by its own name or this one; inserted rows are stored in groups of this size."""
    called = sql("AS {} ", Name(name)) if name is not None else NOTHING
    return sql("ATTACH {} {}(ROW_GROUP_SIZE {})", Value(file), called, Value(row_group))


def attached_as() -> Sql:
    """What the file $file is called, if it is open."""
    return sql("SELECT database_name FROM duckdb_databases() WHERE path = {}", Param("file"))


def spill_into(folder: str) -> Sql:
    """The folder for work that does not fit into the memory."""
    return sql("SET temp_directory = {}", Value(folder))


def use(catalog: str) -> Sql:
    """Mean this database where none is named."""
    return sql("USE {}", Name(catalog))


@frozen
class SqlGenerator:
    """Statements about the tables of one database; `catalog` is what DuckDB calls it."""

    catalog: str
    hard_deletes: bool = True

    def table(self, table: TableName) -> Name:
        """The table's full name."""
        return Name(self.catalog, table.namespace, table.name)

    def find_schema(self) -> Sql:
        """One row if there is a schema $namespace."""
        return sql(
            "SELECT 1 FROM duckdb_schemas() WHERE database_name = {} AND {} = {}",
            Param("catalog"),
            _folded(sql("schema_name")),
            _folded(Param("namespace")),
        )

    def create_schema(self, namespace: str) -> Sql:
        """Make a schema that is not there."""
        return sql("CREATE SCHEMA {}", Name(self.catalog, namespace))

    def find_table(self) -> Sql:
        """One row if there is a table $name in $namespace."""
        return sql("SELECT 1 FROM duckdb_tables() WHERE {}", _named(sql("table_name")))

    def find_view(self) -> Sql:
        """One row if there is a view $name in $namespace."""
        return sql("SELECT 1 FROM duckdb_views() WHERE {}", _named(sql("view_name")))

    def find_tables(self) -> Sql:
        """Schema and name of every table whose name holds $mark."""
        return sql(
            "SELECT schema_name, table_name FROM duckdb_tables() "
            "WHERE database_name = {} AND contains(table_name, {}) ORDER BY ALL",
            Param("catalog"),
            Param("mark"),
        )

    def estimate_rows(self) -> Sql:
        """About how many rows the table $name in $namespace holds, without looking."""
        return sql("SELECT estimated_size FROM duckdb_tables() WHERE {}", _named(sql("table_name")))

    def find_columns(self) -> Sql:
        """Name, type and nullability of the columns of the table $name in $namespace, in their order."""
        return sql(
            "SELECT column_name, data_type, is_nullable FROM duckdb_columns() WHERE {} ORDER BY column_index",
            _named(sql("table_name")),
        )

    def create_table(self, table: TableName, columns: Mapping[str, ColumnType]) -> Sql:
        """Make a table of the metadata columns and these. No index: a table with one cannot be renamed."""
        typed = (*DUCKDB.metadata_types.items(), *columns.items())
        definitions = (DUCKDB.definition(name, kind) for name, kind in typed)
        return sql("CREATE TABLE {} ({})", self.table(table), listed(definitions))

    def add_metadata(self, table: TableName, name: str) -> Sequence[Sql]:
        """Add a metadata column that an old table does not have. DuckDB adds none that is NOT NULL at once."""
        column = Name(name)
        return (
            sql(
                "ALTER TABLE {} ADD COLUMN {} {} DEFAULT {}",
                self.table(table),
                column,
                Type(DUCKDB.metadata_types[name].type),
                Value(ADDED_LATER[name]),
            ),
            sql("ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT", self.table(table), column),
            sql("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL", self.table(table), column),
        )

    def drop_table(self, table: TableName) -> Sql:
        """Remove the table if it is there."""
        return sql("DROP TABLE IF EXISTS {}", self.table(table))

    def rename_table(self, table: TableName, name: str) -> Sql:
        """Give the table another name in its schema."""
        return sql("ALTER TABLE {} RENAME TO {}", self.table(table), Name(name))

    def any_row(self, table: TableName) -> Sql:
        """One row if the table holds any."""
        return sql("SELECT 1 FROM {} LIMIT 1", self.table(table))

    def count_rows(self, table: TableName) -> Sql:
        """How many rows the table holds."""
        return sql("SELECT count(*) FROM {}", self.table(table))

    def has_lost_value(self, table: TableName, column: Column) -> Sql:
        """Whether a row has null in the column and notes a change of the parameters `field` or `column`."""
        return sql(
            "SELECT EXISTS (SELECT 1 FROM {} WHERE {} IS NULL "
            "AND list_has_any(json_extract_string({}, '$.changes[*].field'), [{}, {}]))",
            self.table(table),
            Name(column.name),
            Name(META),
            Param("field"),
            Param("column"),
        )

    def delete_rows(self, table: TableName) -> Sql:
        """Remove all rows; returns how many."""
        return sql("DELETE FROM {}", self.table(table))

    def delete_rows_after(self, table: TableName) -> Sql:
        """Remove the rows whose raw id is above $after; returns how many."""
        return sql(
            "DELETE FROM {} WHERE {} > CAST({} AS UUID)", self.table(table), Name(RAW_ID), Param("after")
        )

    def copy_rows(self, source: TableName, target: TableName, columns: Sequence[Column]) -> Sql:
        """Append the source's rows to the target; returns how many."""
        given = _all_names(columns)
        return sql(
            "INSERT INTO {} ({}) SELECT {} FROM {}", self.table(target), given, given, self.table(source)
        )

    def insert_batches(self, table: TableName, columns: Mapping[str, ColumnType]) -> Sql:
        """Append the rows of the registered batches, each column cast to the table's type."""
        typed = {**DUCKDB.metadata_types, **columns}
        return sql(
            "INSERT INTO {} ({}) SELECT {} FROM {}",
            self.table(table),
            names(typed),
            listed(sql("CAST({} AS {})", Name(name), Type(kind.type)) for name, kind in typed.items()),
            Name("temp", "main", BATCHES),
        )

    def dedupe(self, table: TableName, recipe: Recipe) -> Sql:
        """Remove all rows but the latest of each primary key; with hard deletes that one too if it deletes."""
        deleted = self._deleted(recipe)
        return sql(
            "DELETE FROM {} WHERE rowid IN (\n  SELECT s.rowid FROM {} s\n  QUALIFY {} > 1{}\n)",
            self.table(table),
            self.table(table),
            _rank(recipe),
            sql(" OR {}", deleted) if deleted else NOTHING,
        )

    def merge(self, source: TableName, target: TableName, recipe: Recipe) -> Sequence[Sql]:
        """Two statements: remove the rows of each key of which the source has a later one, then insert that one.

        Not MERGE: it updates every duplicate the target has of a key, and so keeps them.
        """
        return (
            self._remove_outdone(source, target, recipe),
            self._insert_latest(source, target, recipe),
        )

    def _remove_outdone(self, source: TableName, target: TableName, recipe: Recipe) -> Sql:
        # The names of the columns are left behind at once: the row number's name could be one of them.
        keys, order = recipe.primary_key, _order(recipe)
        key_names = [f"k{n}" for n in range(len(keys))]
        order_names = [f"o{n}" for n in range(len(order))]
        latest_first = _descending(map(Name, order_names))
        return sql(
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
            ")",
            target=self.table(target),
            source=self.table(source),
            of_target=_qualified(_T, [*keys, *order]),
            of_source=_qualified(_S, [*keys, *order]),
            same_key=_same_key(recipe),
            names=names([*key_names, *order_names]),
            keys=names(key_names),
            latest_first=latest_first,
        )

    def _insert_latest(self, source: TableName, target: TableName, recipe: Recipe) -> Sql:
        deleted = self._deleted(recipe)
        return sql(
            "INSERT INTO {target} ({names})\n"
            "SELECT {of_source} FROM {source} s WHERE s.rowid IN (\n"
            "  SELECT s.rowid FROM {source} s\n"
            "  WHERE NOT EXISTS (SELECT 1 FROM {target} t WHERE {same_key})\n"
            "  QUALIFY {rank} = 1{not_deleted}\n"
            ")",
            target=self.table(target),
            source=self.table(source),
            names=_all_names(recipe.columns),
            of_source=_qualified(_S, [*METADATA_COLUMNS, *(c.name for c in recipe.columns)]),
            same_key=_same_key(recipe),
            rank=_rank(recipe),
            not_deleted=sql(" AND NOT ({})", deleted) if deleted else NOTHING,
        )

    def _deleted(self, recipe: Recipe) -> Sql | None:
        marks = [c for c in recipe.columns if self.hard_deletes and c.field == CDC_DELETED_AT]
        return says_deleted(_of(_S, marks[0].name), marks[0].kind) if marks else None


def _order(recipe: Recipe) -> Sequence[str]:
    """What makes a row later than another of its key, the weightiest first."""
    positions = [c.name for field in CDC_POSITIONS for c in recipe.columns if c.field == field]
    cursor = [recipe.cursor] if recipe.cursor is not None else []
    return list(dict.fromkeys([*cursor, *positions, EXTRACTED_AT, RAW_ID]))


def _rank(recipe: Recipe) -> Sql:
    return sql(
        "row_number() OVER (PARTITION BY {} ORDER BY {})",
        _qualified(_S, recipe.primary_key),
        _descending(_of(_S, name) for name in _order(recipe)),
    )


def _descending(expressions: Iterable[Part]) -> Sql:
    return listed(DUCKDB.latest_first(each) for each in expressions)


def _same_key(recipe: Recipe) -> Sql:
    return join(" AND ", (DUCKDB.same(_of(_S, name), _of(_T, name)) for name in recipe.primary_key))


def _named(column: Sql) -> Sql:
    return sql(
        "database_name = {} AND {} = {} AND {} = {}",
        Param("catalog"),
        _folded(sql("schema_name")),
        _folded(Param("namespace")),
        _folded(column),
        _folded(Param("name")),
    )


def _folded(text: Part) -> Sql:
    # Not lower(): DuckDB's names ignore the case of ASCII letters and of no others.
    return sql("translate({}, {}, {})", text, Value(ascii_uppercase), Value(ascii_lowercase))


def _of(alias: Sql, name: str) -> Sql:
    return sql("{}.{}", alias, Name(name))


def _qualified(alias: Sql, columns: Sequence[str]) -> Sql:
    return listed(_of(alias, name) for name in columns)


def _all_names(columns: Sequence[Column]) -> Sql:
    return names([*METADATA_COLUMNS, *(column.name for column in columns)])
