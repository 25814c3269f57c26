"""How this database differs from what `connectors.sql` supposes: its types, its catalogue, its names. Sends nothing.

Replace all of it, step by step: README.md says in which order. As it stands the database is SQLite, which Python brings
along. SQLite knows integers, doubles and text, so decimals, dates and times are stored as text.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from attrs import frozen

from connectors.sql import Dialect, Name, Param, Parameters, Part, Sql, Statements, sql, template
from connectors.sql.statements import CHANGING, T, of
from dataflow.evolution import ColumnType, ColumnTypeChange
from dataflow.names import NamingRules
from dataflow.retype import convert, is_lost, noted, plain_number
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
# What the client adds to SQLite.
CONVERT, NOTE, NUMBERS = "dataflow_convert", "dataflow_note", "dataflow_numbers"


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
    """Overrides what SQLite words differently. A database with an information schema needs the last four alone."""

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

    # -- step 4: columns that change their type

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

    def converted(self, name: str, change: ColumnTypeChange) -> Sql:
        """A function of the client. A cast that gives null for what does not fit is faster."""
        return sql("{}({}, {}, {})", Name(CONVERT), of(T, name), Param("original"), Param("new"))

    def noted(self, name: str, change: ColumnTypeChange) -> Sql:
        return sql(
            "{}({}, {}, {}, {}, {})",
            Name(NOTE),
            of(T, META),
            Param("column"),
            of(T, name),
            Param("original"),
            Param("new"),
        )


_PLACE = sql("{} || '.' || {}", Param("namespace"), Param("name"))


def full_name(table: TableName) -> str:
    """The name of a table in SQLite."""
    return f"{table.namespace}.{table.name}"


# -- what is stored as text: leave it out if your driver takes decimals, dates and times


def stored(kind: Kind) -> Callable[[Any], Any]:
    """What makes a stored value of a value as Arrow gives it, which is never null."""
    return _STORED.get(kind, lambda value: value)


def converted(value: Any, original: str, new: str) -> Any:
    """A stored value of one type as one of another; None if that type cannot hold it."""
    made = convert(*_read(value, original), _KINDS[new])
    return None if made is None else stored(_KINDS[new])(made)


def noted_if_lost(meta: str, column: str, value: Any, original: str, new: str) -> str:
    """A row's `_airbyte_meta` when a stored value changes its type; with a note if that type cannot hold it."""
    return noted(meta, [column]) if is_lost(*_read(value, original), _KINDS[new]) else meta


def compare_numbers(one: str, other: str) -> int:
    """Below, at or above zero, as the one number is to the other."""
    return int(Decimal(one).compare(Decimal(other)))


def _read(value: Any, original: str) -> tuple[Any, Kind]:
    kind = _KINDS.get(original, Kind.STRING)
    return (Decimal(value) if kind is Kind.NUMBER and value is not None else value), kind


def _iso(value: Any) -> str:
    text: str = value.isoformat()
    return text


_KINDS = {spelled: kind for kind, spelled in TYPES.items()}
_STORED: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.NUMBER: plain_number,
    Kind.DATE: _iso,
    Kind.TIME_WITHOUT_TIMEZONE: _iso,
    Kind.TIMESTAMP_WITH_TIMEZONE: _iso,
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: _iso,
}
