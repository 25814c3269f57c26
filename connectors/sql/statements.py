"""The statements about tables that nearly every SQL database understands. Pure: sends none, and holds no value.

A database derives one class from `Statements`. The first lines of that class name what it words differently.
`merging` composes the statements that choose among rows.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import islice

from attrs import frozen

from connectors.contract import Recipe
from connectors.sql.deletion import says_deleted
from connectors.sql.dialect import Dialect
from connectors.sql.text import Name, Param, Part, Place, Sql, Value, listed, names, sql
from dataflow.evolution import ColumnType
from dataflow.types import (
    ADDED_LATER,
    CDC_DELETED_AT,
    METADATA_COLUMNS,
    RAW_ID,
    Column,
    Kind,
    TableName,
)

# The name of a column while its type changes. No field's column may have it.
CHANGING = "_airbyte_changing"
# The name of the index on a table's key, where the dialect asks for one.
KEY_INDEX = "_airbyte_key"

S, T = Name("s"), Name("t")


@frozen(kw_only=True)
class Statements(ABC):
    """Statements about the tables of a database that has an information schema.

    `hard_deletes`: a CDC deletion removes the row.
    """

    dialect: Dialect
    hard_deletes: bool = True

    # -- what differs most

    @abstractmethod
    def has_lost_value(self, table: TableName, column: Column) -> Sql:
        """One row, one cell: whether a row has null in the column and notes a change of `field` or `column`.

        These two are parameters of the statement.
        """

    # -- names

    def table(self, table: TableName) -> Name:
        """The table's name."""
        return Name(table.namespace, table.name)

    def new_name(self, table: TableName) -> Name:
        """The table's name where a statement gives it this name."""
        return self.table(table)

    def place(self, table: TableName) -> Mapping[str, str]:
        """The parameters of the statements that find a table, something with its name, or its columns."""
        return {"namespace": table.namespace, "name": table.name}

    def row_id(self, alias: Name) -> Sql:
        """What distinguishes the rows of a table: the raw id, if the database has nothing faster.

        No two rows of a table have one raw id: each row gets its own, and no row is copied within its table.
        """
        return of(alias, RAW_ID)

    def latest_first(self, expression: Part, kind: Kind | None) -> Sql:
        """An order by which the latest comes first; `kind` is that of a column with a field, None for metadata."""
        return self.dialect.latest_first(expression)

    def of_one_key(self, recipe: Recipe, alias: Name) -> Sql:
        """What the rows of one key have in common, and no others: what a window parts them by."""
        return qualified(alias, recipe.primary_key)

    # -- what there is

    def find_namespace(self) -> Sql:
        """One row if there is a namespace with the name."""
        return sql("SELECT 1 FROM information_schema.schemata WHERE schema_name = {}", Param("namespace"))

    def create_namespace(self, namespace: str) -> Sql:
        """Create a namespace that does not exist."""
        return sql("CREATE SCHEMA {}", Name(namespace))

    def find_table(self) -> Sql:
        """One row if there is a table with the name."""
        return sql(
            "SELECT 1 FROM information_schema.tables "
            "WHERE table_type = 'BASE TABLE' AND table_schema = {} AND table_name = {}",
            Param("namespace"),
            Param("name"),
        )

    def find_holder(self) -> Sql:
        """What else has the name, so that no table can be created there: its kind."""
        return sql(
            "SELECT lower(table_type) FROM information_schema.tables "
            "WHERE table_type <> 'BASE TABLE' AND table_schema = {} AND table_name = {}",
            Param("namespace"),
            Param("name"),
        )

    def find_tables(self) -> Sql:
        """Namespace and name of every table."""
        return sql(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_type = 'BASE TABLE' ORDER BY table_schema, table_name"
        )

    def find_columns(self) -> Sql:
        """Name, type and nullability of the table's columns, in their order."""
        return sql(
            "SELECT column_name, data_type, is_nullable = 'YES' FROM information_schema.columns "
            "WHERE table_schema = {} AND table_name = {} ORDER BY ordinal_position",
            Param("namespace"),
            Param("name"),
        )

    # -- tables

    def create_table(
        self, table: TableName, columns: Sequence[Column], primary_key: Sequence[str]
    ) -> Sequence[Sql]:
        """Create a table of the metadata columns and these; merges look rows up by `primary_key`.

        It has an index on that key if the dialect says so.
        """
        types = {column.name: self.dialect.column_type(column.kind) for column in columns}
        definitions = [
            self.dialect.definition(*each) for each in {**self.dialect.metadata_types, **types}.items()
        ]
        return (
            sql("CREATE TABLE {} ({})", self.table(table), listed(definitions)),
            *self.index_on_key(table, {name: types[name].type for name in primary_key}),
        )

    def drop_table(self, table: TableName) -> Sql:
        """Remove the table if it is there."""
        return sql("DROP TABLE IF EXISTS {}", self.table(table))

    def rename_table(self, table: TableName, new: TableName) -> Sql:
        """Give the table another name."""
        return sql("ALTER TABLE {} RENAME TO {}", self.table(table), self.new_name(new))

    # -- rows

    def any_row(self, table: TableName) -> Sql:
        """One row if the table holds any."""
        return sql("SELECT 1 FROM {} LIMIT 1", self.table(table))

    def any_row_up_to(self, table: TableName) -> Sql:
        """One row if the table holds any whose raw id is not above the parameter `last`."""
        return sql("SELECT 1 FROM {} WHERE {} <= {} LIMIT 1", self.table(table), Name(RAW_ID), Param("last"))

    def count_rows(self, table: TableName) -> Sql:
        """The number of rows of the table."""
        return sql("SELECT count(*) FROM {}", self.table(table))

    def delete_rows(self, table: TableName) -> Sql:
        """Remove all rows."""
        return sql("DELETE FROM {}", self.table(table))

    def delete_rows_of(self, table: TableName, found: Sql) -> Sql:
        """Remove the rows that a query finds, which gives what identifies them by the name `r`; null is no row."""
        return sql(
            "DELETE FROM {} WHERE {} IN ({})", self.table(table), self.row_id(self.table(table)), found
        )

    def delete_rows_after(self, table: TableName) -> Sql:
        """Remove the rows whose raw id is above the parameter `after`."""
        return sql("DELETE FROM {} WHERE {} > {}", self.table(table), Name(RAW_ID), Param("after"))

    def insert_row(self, table: TableName, columns: Sequence[Column]) -> Sql:
        """Append a row, whose values are given in the order of the columns."""
        every = all_names(columns)
        return sql(
            "INSERT INTO {} ({}) VALUES ({})", self.table(table), names(every), listed(Place() for _ in every)
        )

    def copy_rows(self, source: TableName, target: TableName, columns: Sequence[Column]) -> Sql:
        """Append the source's rows to the target."""
        every = all_names(columns)
        return sql(
            "INSERT INTO {} ({}) SELECT {} FROM {} AS s",
            self.table(target),
            names(every),
            qualified(S, every),
            self.table(source),
        )

    def deletes(self, recipe: Recipe, alias: Name) -> Sql | None:
        """The condition that a row's record deletes its key; None if no record does."""
        marks = [each for each in recipe.columns if self.hard_deletes and each.field == CDC_DELETED_AT]
        return says_deleted(of(alias, marks[0].name), marks[0].kind) if marks else None

    # -- columns

    def add_metadata(self, table: TableName, name: str) -> Sequence[Sql]:
        """Add a metadata column that a table of an earlier destination lacks, with the value that its rows get."""
        return (
            sql(
                "ALTER TABLE {} ADD COLUMN {} DEFAULT {}",
                self.table(table),
                self.dialect.definition(name, self.dialect.metadata_types[name]),
                Value(ADDED_LATER[name]),
            ),
        )

    def add_column(self, table: TableName, name: str, kind: ColumnType) -> Sql:
        """Add a column that is null in every row."""
        return sql("ALTER TABLE {} ADD COLUMN {}", self.table(table), self.dialect.definition(name, kind))

    def drop_column(self, table: TableName, name: str) -> Sql:
        """Remove a column."""
        return sql("ALTER TABLE {} DROP COLUMN {}", self.table(table), Name(name))

    def take_name(self, table: TableName, changing: str, name: str, kind: ColumnType) -> Sequence[Sql]:
        """Put the column `changing`, which is of this type, in the place of the column `name`."""
        return (
            self.drop_column(table, name),
            sql("ALTER TABLE {} RENAME COLUMN {} TO {}", self.table(table), Name(changing), Name(name)),
        )

    def index_on_key(self, table: TableName, key: Mapping[str, str]) -> Sequence[Sql]:
        """An index on the columns of the key, which are given with their types. No statement if there is none."""
        index = self.dialect.key_index
        if index is None or not key:
            return ()
        key = dict(islice(key.items(), index.columns))
        by_prefix = [name for name, spelled in key.items() if spelled in index.by_prefix]
        columns = (
            sql("{}({})", Name(name), Value(index.characters // len(by_prefix)))
            if name in by_prefix
            else Name(name)
            for name in key
        )
        return (sql("CREATE INDEX {} ON {} ({})", Name(KEY_INDEX), self.table(table), listed(columns)),)


def all_names(columns: Sequence[Column]) -> Sequence[str]:
    """The names of a table's columns: the metadata columns, then these."""
    return [*METADATA_COLUMNS, *(column.name for column in columns)]


def of(alias: Name, name: str) -> Sql:
    """A column of the table with this alias."""
    return sql("{}", Name(*alias.parts, name))


def qualified(alias: Name, columns: Sequence[str]) -> Sql:
    """Columns of the table with this alias, with commas between them."""
    return listed(of(alias, name) for name in columns)
