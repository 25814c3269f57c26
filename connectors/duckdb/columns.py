"""How Airbyte's columns look in DuckDB, and what their values become when a type changes. Builds no statement."""

from collections.abc import Mapping, Sequence

from connectors.sql.dialect import Dialect, Parameters
from connectors.sql.text import Part, Type, sql
from dataflow.evolution import ColumnType
from dataflow.names import NamingRules
from dataflow.types import EXTRACTED_AT, GENERATION_ID, META, RAW_ID, Column, Kind, Limits

# Spelled as duckdb_columns() spells them, so that what is created is what is discovered.
_TYPES: Mapping[Kind, str] = {
    Kind.STRING: "VARCHAR",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.INTEGER: "BIGINT",
    Kind.NUMBER: "DECIMAL(38,9)",
    Kind.DATE: "DATE",
    Kind.TIME_WITH_TIMEZONE: "TIME WITH TIME ZONE",
    Kind.TIME_WITHOUT_TIMEZONE: "TIME",
    Kind.TIMESTAMP_WITH_TIMEZONE: "TIMESTAMP WITH TIME ZONE",
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: "TIMESTAMP",
    Kind.JSON: "JSON",
}

# A UUID orders as its sixteen bytes do, which is the order raw ids are given in.
_METADATA_TYPES: Mapping[str, ColumnType] = {
    RAW_ID: ColumnType("UUID", nullable=False),
    EXTRACTED_AT: ColumnType("TIMESTAMP WITH TIME ZONE", nullable=False),
    META: ColumnType("JSON", nullable=False),
    GENERATION_ID: ColumnType("BIGINT", nullable=False),
}

# DuckDB has no SELECT that locks: the client has locks of its own.
DUCKDB = Dialect(
    name="DuckDB",
    parameters=Parameters.DOLLAR,
    types=_TYPES,
    metadata_types=_METADATA_TYPES,
    names_what_is_gone=lambda error: type(error).__name__ in ("BinderException", "CatalogException"),
)


class DuckDbColumns:
    """ColumnUtils for DuckDB: names stay as they are, text may hold U+0000, numbers are DECIMAL(38,9)."""

    naming = NamingRules(
        # DuckDB has no limit (names of 70,000 bytes work); this one keeps a table's name fit to be read.
        max_bytes=1024,
        plain=False,
        # DuckDB ignores the case of ASCII letters only; to ignore it in all is stricter than need be.
        ignore_case=True,
        # A column `rowid` would hide the row number by which merges delete; the others are DuckDB's schemas.
        reserved=("rowid", "information_schema", "pg_catalog"),
    )
    limits = Limits(number=(38, 9), years=(1, 9999), nul=True)

    def column_type(self, kind: Kind) -> ColumnType:
        """The type of a user's column, as `discover_schema` finds it; always nullable."""
        return DUCKDB.column_type(kind)


def typed(columns: Sequence[Column]) -> Mapping[str, ColumnType]:
    """The columns' types by their physical names, in their order."""
    return {column.name: DUCKDB.column_type(column.kind) for column in columns}


def is_plain_cast(original: str, new: str) -> bool:
    """Whether the conversion is a cast of DuckDB's core, of which each value has a result."""
    if new == "VARCHAR":
        return original in ("BIGINT", "BOOLEAN", "DATE", "TIME", "TIMESTAMP")
    return (original, new) in (("BIGINT", _TYPES[Kind.NUMBER]), ("DATE", "TIMESTAMP"))


def conversion(column: Part, original: str, new: str) -> Part:
    """The column's value as the new type; null where that type cannot hold it, never another value.

    Text becomes a JSON string, and a JSON string its text, so that text survives the way there and back.
    """
    text = text_of(column, original)
    if new == "VARCHAR":
        return text
    if new == "JSON":
        return sql("CAST({} AS JSON)", text) if _decimal(original) else sql("to_json({})", column)
    if original in ("JSON", "VARCHAR"):
        return _read(text, new)
    return _recast(column, new)


def text_of(column: Part, original: str) -> Part:
    """The column's value as text; null for a JSON null, which says no more than SQL's."""
    if original == "VARCHAR":
        return column
    if original == "JSON":
        # Not ->> for all: it would rewrite numbers, through a double, and leave out the spaces.
        return sql(
            "CASE json_type({0}) WHEN 'VARCHAR' THEN {0} ->> '$' WHEN 'NULL' THEN NULL"
            " ELSE CAST({0} AS VARCHAR) END",
            column,
        )
    text = sql("CAST({} AS VARCHAR)", column)
    return _without_zeros(text) if _decimal(original) else text


def _without_zeros(number: Part) -> Part:
    """A decimal's text without the zeros that only its column's scale puts there."""
    return sql("rtrim(regexp_replace({}, '(\\.[0-9]*?)0+$', '\\1'), '.')", number)


def _read(text: Part, new: str) -> Part:
    if new == "BIGINT":
        return _exact(text, new)
    if new == "DATE" or new.startswith("TIMESTAMP"):
        # DuckDB reads 'infinity' and years beyond 9999, which no record could have brought.
        return sql("CASE WHEN year({0}) BETWEEN 1 AND 9999 THEN {0} END", _try(text, new))
    return _try(text, new)


def _recast(column: Part, new: str) -> Part:
    if new == "BIGINT":
        return _exact(column, new)
    if new == "BOOLEAN":
        return sql("CASE {0} WHEN 0 THEN false WHEN 1 THEN true END", _try(column, "DECIMAL(38,9)"))
    return _try(column, new)


def _exact(column: Part, new: str) -> Part:
    """A cast to whole numbers that refuses to round."""
    return sql("CASE WHEN {0} = {1} THEN {1} END", _try(column, "DECIMAL(38,9)"), _try(column, new))


def _try(column: Part, new: str) -> Part:
    return sql("TRY_CAST({} AS {})", column, Type(new))


def _decimal(spelled: str) -> bool:
    return spelled.startswith("DECIMAL")
