"""How Airbyte's columns look in MySQL and MariaDB: names, limits and types. Builds no statement about a table.

Both servers know every type here by the same name. A text compares exactly and without padding by the collation that a
table has by default, so that only the statement that makes a table names it. JSON is text: the servers' own type
changes the order of members, and numbers.
"""

from collections.abc import Mapping

from connectors.sql.dialect import Ddl, Dialect, KeyIndex, Parameters, Quote
from connectors.sql.statements import CHANGING
from connectors.sql.text import Type, sql, template
from dataflow.evolution import ColumnType
from dataflow.names import NamingRules
from dataflow.types import EXTRACTED_AT, GENERATION_ID, META, RAW_ID, Kind, Limits

# The servers' numbers of errors.
NO_SUCH_DATABASE, NO_SUCH_COLUMN, NO_SUCH_TABLE = 1049, 1054, 1146
# A wait for a lock came to its end.
LOCKED = 1205
# The user lacks a privilege.
DENIED = (1044, 1142, 1143, 1227, 1370, 1410)

# As MySQL has it; MariaDB takes twice as many.
COLUMNS_OF_AN_INDEX = 16
# The primary key is one of them.
INDEXES_OF_A_TABLE = 64
ENGINE = "InnoDB"
TEXT = "longtext"
JSON = "longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
UUID = "char(36) CHARACTER SET ascii COLLATE ascii_bin"
# A type with a zone ends in 2038. So a moment is in UTC, and its column says so.
INSTANT = "datetime(6) COMMENT 'UTC'"
# The collations that are spelled with a type; any other is its table's matter.
SPELLED = ("utf8mb4_bin", "ascii_bin")

TYPES: Mapping[Kind, str] = {
    Kind.STRING: TEXT,
    Kind.BOOLEAN: "tinyint(1)",
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "decimal(38,9)",
    Kind.DATE: "date",
    # Neither server knows a time with an offset.
    Kind.TIME_WITH_TIMEZONE: "varchar(32)",
    Kind.TIME_WITHOUT_TIMEZONE: "time(6)",
    Kind.TIMESTAMP_WITH_TIMEZONE: INSTANT,
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: "datetime(6)",
    Kind.JSON: JSON,
}

# The types of text whose collation is their table's matter.
UNSPELLED = (TEXT, TYPES[Kind.TIME_WITH_TIMEZONE])

MYSQL = Dialect(
    name="MySQL",
    parameters=Parameters.PERCENT,
    quote=Quote("`", "`"),
    doubled="'\\",
    ddl=Ddl.COMMITS,
    row_lock=sql(" FOR UPDATE"),
    # The words that both servers know.
    shared_row_lock=sql(" LOCK IN SHARE MODE"),
    names_what_is_gone=lambda error: error.args[:1] in ((NO_SUCH_TABLE,), (NO_SUCH_COLUMN,)),
    insert_new=template("INSERT IGNORE INTO {} ({}) VALUES ({})"),
    same=template("{} <=> {}"),
    # Nulls are last by themselves, and there are no words for it.
    latest_first=template("{} DESC"),
    # An index of InnoDB takes 3072 bytes, and a character up to four. What is left is for keys of other types.
    key_index=KeyIndex(by_prefix=frozenset({TEXT, JSON}), characters=700, columns=COLUMNS_OF_AN_INDEX),
    text=JSON,
    key_text="varchar({}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    moment="datetime(6)",
    moment_as_text=template("date_format({}, '%Y-%m-%dT%H:%i:%s.%f+00:00')"),
    table_options=sql(" ENGINE = {}", Type(ENGINE)),
    keyless=False,
    types=TYPES,
    metadata_types={
        RAW_ID: ColumnType(UUID, nullable=False),
        EXTRACTED_AT: ColumnType(INSTANT, nullable=False),
        META: ColumnType(JSON, nullable=False),
        GENERATION_ID: ColumnType("bigint", nullable=False),
    },
)


class MysqlColumns:
    """Names of up to 64 characters of the basic plane; numbers of 38 digits, nine of them after the point."""

    naming = NamingRules(
        max_bytes=192,
        max_characters=64,
        plain=False,
        basic_plane_only=True,
        # Columns ignore it always. Tables do on some servers: to ignore it everywhere is stricter than need be.
        ignore_case=True,
        trailing_spaces=False,
        reserved=(CHANGING,),
    )
    limits = Limits(number=(38, 9), years=(1, 9999), nul=True)

    def column_type(self, kind: Kind) -> ColumnType:
        return MYSQL.column_type(kind)
