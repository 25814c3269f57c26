"""How this database differs from what `connectors.sql` supposes: its types, its catalogue, its names. Sends nothing.

Replace all of it, step by step: README.md says in which order. As it stands the database is SQLite, which Python brings
along. SQLite knows integers, doubles and text, so decimals, dates and times are stored as text.
"""

from collections.abc import Mapping

from attrs import frozen

from connectors.sql import Dialect, Name, Param, Parameters, Part, Sql, Statements, sql, template
from connectors.sql.statements import CHANGING, T, of
from connectors.sql.stored_text import NUMBERS, StoredText
from dataflow.evolution import ColumnType
from dataflow.names import NamingRules
from dataflow.types import EXTRACTED_AT, GENERATION_ID, META, RAW_ID, Column, Kind, Limits, TableName

# -- step 2: names, types and the catalogue

# Each type is spelled as the database spells it when it is asked for a table's columns.
TYPES: Mapping[Kind, str] = {
    Kind.STRING: "TEXT",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.INTEGER: "BIGINT",
    Kind.NUMBER: "DECIMAL TEXT",
    Kind.DATE: "DATE",
    Kind.TIME_WITH_TIMEZONE: "TIME WITH TIME ZONE",
    Kind.TIME_WITHOUT_TIMEZONE: "TIME",
    Kind.TIMESTAMP_WITH_TIMEZONE: "TIMESTAMP WITH TIME ZONE",
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: "TIMESTAMP",
    Kind.JSON: "JSON TEXT",
}
DIALECT = Dialect(
    name="Skeleton",
    # How the driver takes parameters.
    parameters=Parameters.COLON,
    types=TYPES,
    metadata_types={
        RAW_ID: ColumnType("TEXT", nullable=False),
        EXTRACTED_AT: ColumnType("TIMESTAMP WITH TIME ZONE", nullable=False),
        META: ColumnType("JSON TEXT", nullable=False),
        GENERATION_ID: ColumnType("BIGINT", nullable=False),
    },
    # Equality by which null equals null. `Dialect` lists what else may differ, such as quote and row_lock.
    same=template("{} IS {}"),
)
# Conversions of what is stored as text: leave it out if your database knows decimals, dates and times.
STORED_TEXT = StoredText(TYPES)


class SkeletonColumns:
    """What names may be, and what columns can hold."""

    # With `plain`, names have ASCII letters, digits and underscores alone. SQLite hides a row's number if a column has
    # its name.
    naming = NamingRules(max_bytes=128, plain=True, ignore_case=True, reserved=(CHANGING, "rowid"))
    # Decimals have 38 digits, nine of them after the point.
    limits = Limits(number=(38, 9), years=(1, 9999), nul=True)

    def column_type(self, kind: Kind) -> ColumnType:
        return DIALECT.column_type(kind)


@frozen(kw_only=True)
class SkeletonStatements(Statements):
    """Overrides what SQLite words differently. A database with an information schema needs the last three alone."""

    dialect: Dialect = DIALECT

    def table(self, table: TableName) -> Name:
        """SQLite has no schemas, so the schema is a part of the table's name."""
        return Name(full_name(table))

    def find_namespace(self) -> Sql:
        return sql("SELECT 1 WHERE {} IS NOT NULL", Param("namespace"))

    def find_table(self) -> Sql:
        return sql("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = {} COLLATE NOCASE", _PLACE)

    def find_holder(self) -> Sql:
        return sql("SELECT type FROM sqlite_master WHERE type = 'view' AND name = {} COLLATE NOCASE", _PLACE)

    def find_tables(self) -> Sql:
        return sql(
            "SELECT substr(name, 1, instr(name, '.') - 1), substr(name, instr(name, '.') + 1) "
            "FROM sqlite_master WHERE type = 'table' ORDER BY name"
        )

    def find_columns(self) -> Sql:
        return sql(
            "SELECT name, type, {} = 0 FROM pragma_table_info({}) ORDER BY cid", Name("notnull"), _PLACE
        )

    # -- step 3: which row is the latest

    def row_id(self, alias: Name) -> Sql:
        return of(alias, "rowid")

    def latest_first(self, expression: Part, kind: Kind | None) -> Sql:
        """Decimals that are stored as text need an order of their own."""
        if kind is Kind.NUMBER:
            expression = sql("{} COLLATE {}", expression, Name(NUMBERS))
        return self.dialect.latest_first(expression)

    # -- step 4: values that were lost when their column changed its type

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


_PLACE = sql("{} || '.' || {}", Param("namespace"), Param("name"))


def full_name(table: TableName) -> str:
    """The name of a table in SQLite."""
    return f"{table.namespace}.{table.name}"
