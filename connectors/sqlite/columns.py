"""How Airbyte's columns look in SQLite: what they are called, and what their values are stored as. Builds no statement.

SQLite holds 64-bit integers, doubles and text. So whatever a double would change is text: numbers as their plain
digits, moments as ISO 8601, in UTC where they have a zone, which sorts as time goes.
"""

from collections.abc import Mapping

from connectors.sql.dialect import Dialect, Parameters
from connectors.sql.statements import CHANGING
from connectors.sql.stored_text import StoredText
from connectors.sql.text import template
from dataflow.evolution import ColumnType
from dataflow.names import NamingRules
from dataflow.types import EXTRACTED_AT, GENERATION_ID, META, RAW_ID, Kind, Limits

# A type's name decides what SQLite makes of a value: with TEXT in it nothing, and of other names only what looks
# like a number, as no date does. JSON and decimals do.
_TYPES: Mapping[Kind, str] = {
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
_METADATA_TYPES: Mapping[str, ColumnType] = {
    RAW_ID: ColumnType("TEXT", nullable=False),
    EXTRACTED_AT: ColumnType("TIMESTAMP WITH TIME ZONE", nullable=False),
    META: ColumnType("JSON TEXT", nullable=False),
    GENERATION_ID: ColumnType("BIGINT", nullable=False),
}
# A transaction has the whole file to itself, so no row needs a lock of its own.
SQLITE = Dialect(
    name="SQLite",
    parameters=Parameters.COLON,
    types=_TYPES,
    metadata_types=_METADATA_TYPES,
    same=template("{} IS {}"),
    names_what_is_gone=lambda error: (
        str(error).startswith(("no such table", "no such column")) or "has no column named" in str(error)
    ),
)
# Conversions of what is stored as text.
STORED_TEXT = StoredText(_TYPES)


class SqliteColumns:
    """Names stay as they are; text may hold U+0000; numbers have 38 digits, nine of them after the point."""

    naming = NamingRules(
        # SQLite has no limit; this one keeps a table's name fit to be read.
        max_bytes=1024,
        plain=False,
        # SQLite ignores the case of ASCII letters only; to ignore it in all is stricter than need be.
        ignore_case=True,
        # A column `rowid` would hide the row number by which merges delete.
        reserved=("rowid", CHANGING),
    )
    limits = Limits(number=(38, 9), years=(1, 9999), nul=True)

    def column_type(self, kind: Kind) -> ColumnType:
        return SQLITE.column_type(kind)
