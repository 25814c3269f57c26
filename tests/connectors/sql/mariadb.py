"""MariaDB as a difference: the dialect that the ledger and the journal are tried in on its server."""

from connectors.sql.dialect import Ddl, Dialect, KeyIndex, Parameters, Quote
from connectors.sql.text import sql, template
from dataflow.evolution import ColumnType
from dataflow.types import EXTRACTED_AT, GENERATION_ID, META, RAW_ID, Kind

# Among MariaDB's collations this one alone finds two texts equal only if they are the same.
_EXACT = "CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"

MARIADB = Dialect(
    name="MariaDB",
    parameters=Parameters.PERCENT,
    quote=Quote("`", "`"),
    doubled="'\\",
    ddl=Ddl.COMMITS,
    row_lock=sql(" FOR UPDATE"),
    shared_row_lock=sql(" LOCK IN SHARE MODE"),
    insert_new=template("INSERT IGNORE INTO {} ({}) VALUES ({})"),
    same=template("{} <=> {}"),
    # It puts nulls last by itself, and knows no words for it.
    latest_first=template("{} DESC"),
    # An index of InnoDB takes 3072 bytes, of which a character has up to four. What is left is for keys of other types.
    key_index=KeyIndex(by_prefix=frozenset({"longtext"}), characters=700, columns=16),
    text=f"longtext {_EXACT}",
    key_text=f"varchar({{}}) {_EXACT}",
    # Without a zone, since MariaDB's type with one ends in 2038. All moments are in UTC.
    moment="datetime(6)",
    moment_as_text=template("date_format({}, '%Y-%m-%dT%H:%i:%s.%f+00:00')"),
    types={
        Kind.STRING: "longtext",
        Kind.BOOLEAN: "tinyint(1)",
        Kind.INTEGER: "bigint(20)",
        Kind.NUMBER: "decimal(38,9)",
        Kind.DATE: "date",
        Kind.TIME_WITH_TIMEZONE: "longtext",
        Kind.TIME_WITHOUT_TIMEZONE: "time(6)",
        Kind.TIMESTAMP_WITH_TIMEZONE: "datetime(6)",
        Kind.TIMESTAMP_WITHOUT_TIMEZONE: "datetime(6)",
        Kind.JSON: "longtext",
    },
    metadata_types={
        RAW_ID: ColumnType("uuid", nullable=False),
        EXTRACTED_AT: ColumnType("datetime(6)", nullable=False),
        META: ColumnType("longtext", nullable=False),
        GENERATION_ID: ColumnType("bigint(20)", nullable=False),
    },
)
