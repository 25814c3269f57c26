"""What DuckDB words in its own way. Pure: sends nothing, and holds no value.

Values are parameters and names are quoted, and tables are named with their database: a schema that is called like
a database (the file's, or DuckDB's own `temp`, `system` and `memory`) makes a name of two parts ambiguous.
"""

from collections.abc import Mapping, Sequence
from string import ascii_lowercase, ascii_uppercase

from attrs import frozen

from connectors.duckdb.columns import DUCKDB
from connectors.sql.dialect import Dialect
from connectors.sql.statements import Statements
from connectors.sql.text import NOTHING, Name, Param, Part, Sql, Type, Value, listed, names, sql
from dataflow.evolution import ColumnType
from dataflow.types import ADDED_LATER, META, RAW_ID, Column, TableName

# Within a connection's own temporary schema, so that no table of anybody's can be meant.
BATCHES = "_airbyte_batches"


def attach(file: str, row_group: int, name: str | None = None) -> Sql:
    """Open a file, called by its own name or this one; inserted rows are stored in groups of this size."""
    called = sql("AS {} ", Name(name)) if name is not None else NOTHING
    return sql("ATTACH {} {}(ROW_GROUP_SIZE {})", Value(file), called, Value(row_group))


def attach_to_read(file: str, name: str) -> Sql:
    """Open a file that is not written to, called by this name."""
    return sql("ATTACH {} AS {} (READ_ONLY)", Value(file), Name(name))


def attached_as() -> Sql:
    """What the file $file is called, if it is open."""
    return sql("SELECT database_name FROM duckdb_databases() WHERE path = {}", Param("file"))


def spill_into(folder: str) -> Sql:
    """The folder for work that does not fit into the memory."""
    return sql("SET temp_directory = {}", Value(folder))


def use(catalog: str) -> Sql:
    """Mean this database where none is named."""
    return sql("USE {}", Name(catalog))


@frozen(kw_only=True)
class DuckDbStatements(Statements):
    """What DuckDB words differently: names with their database, its own catalog, conversions, and Arrow's batches.

    `catalog` is what DuckDB calls the database.
    """

    dialect: Dialect = DUCKDB
    catalog: str = ""

    def table(self, table: TableName) -> Name:
        return Name(self.catalog, table.namespace, table.name)

    def new_name(self, table: TableName) -> Name:
        return Name(table.name)

    def find_namespace(self) -> Sql:
        return sql(
            "SELECT 1 FROM duckdb_schemas() WHERE database_name = {} AND {} = {}",
            Value(self.catalog),
            _folded(sql("schema_name")),
            _folded(Param("namespace")),
        )

    def create_namespace(self, namespace: str) -> Sql:
        return sql("CREATE SCHEMA {}", Name(self.catalog, namespace))

    def find_table(self) -> Sql:
        return sql("SELECT 1 FROM duckdb_tables() WHERE {}", self._named(sql("table_name")))

    def find_holder(self) -> Sql:
        return sql("SELECT 'view' FROM duckdb_views() WHERE {}", self._named(sql("view_name")))

    def find_tables(self) -> Sql:
        return sql(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = {} ORDER BY ALL",
            Value(self.catalog),
        )

    def estimate_rows(self) -> Sql:
        """About how many rows the table has, without looking."""
        return sql("SELECT estimated_size FROM duckdb_tables() WHERE {}", self._named(sql("table_name")))

    def find_indexes(self) -> Sql:
        """The names of the indexes on the table."""
        return sql(
            "SELECT index_name FROM duckdb_indexes() WHERE {} ORDER BY ALL", self._named(sql("table_name"))
        )

    def find_columns(self) -> Sql:
        return sql(
            "SELECT column_name, data_type, is_nullable FROM duckdb_columns() WHERE {} ORDER BY column_index",
            self._named(sql("table_name")),
        )

    def add_metadata(self, table: TableName, name: str) -> Sequence[Sql]:
        """DuckDB adds no column that is NOT NULL at once."""
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

    def has_lost_value(self, table: TableName, column: Column) -> Sql:
        return sql(
            "SELECT EXISTS (SELECT 1 FROM {} WHERE {} IS NULL "
            "AND list_has_any(json_extract_string({}, '$.changes[*].field'), [{}, {}]))",
            self.table(table),
            Name(column.name),
            Name(META),
            Param("field"),
            Param("column"),
        )

    def delete_rows_after(self, table: TableName) -> Sql:
        return sql(
            "DELETE FROM {} WHERE {} > CAST({} AS UUID)", self.table(table), Name(RAW_ID), Param("after")
        )

    def any_row_up_to(self, table: TableName) -> Sql:
        return sql(
            "SELECT 1 FROM {} WHERE {} <= CAST({} AS UUID) LIMIT 1",
            self.table(table),
            Name(RAW_ID),
            Param("last"),
        )

    def insert_batches(
        self, table: TableName, columns: Mapping[str, ColumnType], meta: str | None = None
    ) -> Sql:
        """Append the rows of the registered batches, each column cast to the table's type.

        `meta` is the `_airbyte_meta` of all of them, which then lack this column.
        """
        typed = {**DUCKDB.metadata_types, **columns}
        given = {} if meta is None else {META: Value(meta)}
        return sql(
            "INSERT INTO {} ({}) SELECT {} FROM {}",
            self.table(table),
            names(typed),
            listed(
                sql("CAST({} AS {})", given.get(name) or Name(name), Type(kind.type))
                for name, kind in typed.items()
            ),
            Name("temp", "main", BATCHES),
        )

    def _named(self, column: Sql) -> Sql:
        return sql(
            "database_name = {} AND {} = {} AND {} = {}",
            Value(self.catalog),
            _folded(sql("schema_name")),
            _folded(Param("namespace")),
            _folded(column),
            _folded(Param("name")),
        )


def _folded(text: Part) -> Sql:
    # Not lower(): DuckDB's names ignore the case of ASCII letters and of no others.
    return sql("translate({}, {}, {})", text, Value(ascii_uppercase), Value(ascii_lowercase))
