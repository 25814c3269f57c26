"""The statements that make, move, fill and index tables: composed here, executed elsewhere. Values are parameters.

What rows mean to each other is `merging`, how columns change is `evolution`, how a table is replaced is `swap`.
"""

from collections.abc import Sequence

from attrs import frozen

from connectors.postgres.catalog import THE_TABLE
from connectors.postgres.columns import METADATA_TYPES, NAMING, POSTGRES
from connectors.postgres.quoting import table_name
from connectors.sql.dialect import Dialect
from connectors.sql.statements import Statements
from connectors.sql.text import NOTHING, Keyword, Name, Param, Sql, Type, Value, listed, names, sql
from dataflow.names import index_name
from dataflow.types import META, RAW_ID, Column, TableName

KEY_INDEX = "primary_key"


@frozen(kw_only=True)
class PostgresStatements(Statements):
    """What Postgres words differently: look-ups in its own catalog, functions by their schema, and drops that cascade.

    `drop_cascade`: a drop takes along what depends on a table.
    """

    dialect: Dialect = POSTGRES
    drop_cascade: bool = False

    def new_name(self, table: TableName) -> Name:
        return Name(table.name)

    # -- what there is; the information schema hides tables that the user has no privilege for

    def find_namespace(self) -> Sql:
        return sql("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = {}", Param("namespace"))

    def find_table(self) -> Sql:
        """One row if there is a table with the name, plain or partitioned."""
        return sql("SELECT 1 FROM {} AND pg_class.relkind IN ('r', 'p')", THE_TABLE)

    def find_holder(self) -> Sql:
        return sql(
            "SELECT CASE pg_class.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' "
            "WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'type' ELSE 'index' END "
            "FROM {the_table} AND pg_class.relkind NOT IN ('r', 'p') "
            # A type of an array gives way.
            "UNION ALL SELECT 'type' FROM pg_catalog.pg_type JOIN pg_catalog.pg_namespace "
            "ON pg_namespace.oid = typnamespace WHERE nspname = {namespace} AND typname = {name} AND typrelid = 0 "
            "AND typcategory <> 'A'",
            the_table=THE_TABLE,
            namespace=Param("namespace"),
            name=Param("name"),
        )

    def find_columns(self) -> Sql:
        """Name, type and nullability of the table's columns, in their order.

        A column that only somebody's primary key or replica identity keeps from being null counts as nullable: that
        is theirs, and cannot be taken from the column.
        """
        return sql(
            "SELECT attname::text, pg_catalog.format_type(atttypid, atttypmod), NOT attnotnull "
            "OR EXISTS (SELECT FROM pg_catalog.pg_index WHERE indrelid = attrelid AND attnum = ANY (indkey) "
            "AND (indisprimary OR indisreplident)) "
            "FROM pg_catalog.pg_attribute WHERE attrelid = (SELECT pg_class.oid FROM {}) "
            "AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            THE_TABLE,
        )

    def count_rows(self, table: TableName) -> Sql:
        return sql("SELECT pg_catalog.count(*) FROM {}", self.table(table))

    def has_lost_value(self, table: TableName, column: Column) -> Sql:
        meta = Name(META)
        return sql(
            "SELECT EXISTS (SELECT FROM {} WHERE {} IS NULL AND EXISTS (SELECT FROM pg_catalog.jsonb_array_elements("
            "CASE WHEN pg_catalog.jsonb_typeof({} -> 'changes') = 'array' THEN {} -> 'changes' ELSE '[]'::jsonb END) "
            "AS change WHERE change ->> 'field' IN ({}, {})))",
            self.table(table),
            Name(column.name),
            meta,
            meta,
            Param("field"),
            Param("column"),
        )

    # -- tables and rows

    def add_metadata(self, table: TableName, name: str) -> Sequence[Sql]:
        """Add it without rewriting the rows, and forget the value for those to come."""
        forget = sql("ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT", self.table(table), Name(name))
        return (*super().add_metadata(table, name), forget)

    def drop_table(self, table: TableName) -> Sql:
        return sql("DROP TABLE IF EXISTS {}{}", self.table(table), self.cascade)

    def drop_view(self, kind: str, view: TableName) -> Sql:
        """Drop a view of a kind, and what shows it; another's drop may have taken it along."""
        return sql("DROP {} IF EXISTS {} CASCADE", Keyword(kind), self.table(view))

    def delete_rows_after(self, table: TableName) -> Sql:
        return sql("DELETE FROM {} WHERE {} > {}::uuid", self.table(table), Name(RAW_ID), Param("after"))

    def any_row_up_to(self, table: TableName) -> Sql:
        return sql(
            "SELECT 1 FROM {} WHERE {} <= {}::uuid LIMIT 1", self.table(table), Name(RAW_ID), Param("last")
        )

    def identify_by_row(self, table: TableName) -> Sql:
        """Let a publication identify a deleted row by all of its values."""
        return sql("ALTER TABLE {} REPLICA IDENTITY FULL", self.table(table))

    def copy_in(self, table: TableName, given: Sequence[str]) -> Sql:
        """Take rows of these columns in the binary format; the others get their defaults."""
        return sql("COPY {} ({}) FROM STDIN (FORMAT binary)", self.table(table), names(given))

    def set_default(self, table: TableName, name: str, value: str) -> Sql:
        """Let a column's value be this one where none is given. A definition takes no parameters."""
        return sql(
            "ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}", self.table(table), Name(name), Value(value)
        )

    def move_table(self, source: TableName, target: TableName) -> Sequence[Sql]:
        """Give the source the target's name, which must be free.

        The index goes along under the target's name, or the next temp table would find its own name taken.
        """
        moved = TableName(target.namespace, source.name)
        move = sql("ALTER TABLE {} SET SCHEMA {}", self.table(source), Name(target.namespace))
        old, new = (self.key_index(each) for each in (source, target))
        return (
            *([move] if source.namespace != target.namespace else []),
            self.rename_table(moved, target),
            sql("ALTER INDEX IF EXISTS {} RENAME TO {}", Name(target.namespace, old), Name(new)),
        )

    # -- what makes merges quick

    def analyze(self, table: TableName, columns: Sequence[str]) -> Sql:
        """Let the planner know how the values of some columns are distributed."""
        return sql("ANALYZE {} ({})", self.table(table), names(columns))

    def only_look_up(self) -> Sequence[Sql]:
        """Until the transaction ends, let joins look rows up one by one."""
        return tuple(
            sql("SET LOCAL {} = off", Name(join)) for join in ("enable_hashjoin", "enable_mergejoin")
        )

    def key_index(self, table: TableName) -> str:
        """What the index on a table's key is called."""
        return index_name(table, KEY_INDEX, NAMING)

    def create_key_index(self, table: TableName, primary_key: Sequence[str]) -> Sql:
        """The index that merges look rows up by. Not unique: the table's rows are what they are."""
        return sql(
            "CREATE INDEX {} ON {} ({})", Name(self.key_index(table)), self.table(table), names(primary_key)
        )

    def create_hash_index(self, table: TableName, column: str) -> Sql:
        """The same where keys are too long for that: a hash of one of its columns."""
        return sql(
            "CREATE INDEX {} ON {} USING hash ({})",
            Name(self.key_index(table)),
            self.table(table),
            Name(column),
        )

    def drop_key_index(self, table: TableName) -> Sql:
        """Drop that index."""
        return sql("DROP INDEX IF EXISTS {}", Name(table.namespace, self.key_index(table)))

    @property
    def cascade(self) -> Sql:
        """What a DROP ends with."""
        return sql(" CASCADE") if self.drop_cascade else NOTHING


def retype_metadata(table: TableName, columns: Sequence[str]) -> Sql:
    """Give metadata columns of another destination's the types they have here."""
    changes = (
        sql(
            "ALTER COLUMN {name} TYPE {type} USING {name}::text::{type}",
            name=Name(name),
            type=Type(METADATA_TYPES[name].type),
        )
        for name in columns
    )
    return sql("ALTER TABLE {} {}", table_name(table), listed(changes))
