"""How Airbyte's columns look in Postgres: names, limits and types. Knows no statement and no connection."""

from collections.abc import Mapping

from attrs import evolve, field, frozen

from connectors.sql.dialect import Dialect, Parameters
from connectors.sql.text import sql
from dataflow.evolution import ColumnType
from dataflow.names import NamingRules
from dataflow.types import EXTRACTED_AT, GENERATION_ID, META, RAW_ID, Kind, Limits

# Postgres keeps these for itself in every table; a column of such a name is refused.
SYSTEM_COLUMNS = ("cmax", "cmin", "ctid", "tableoid", "xmax", "xmin")

NAMING = NamingRules(max_bytes=63, plain=True, ignore_case=False, reserved=SYSTEM_COLUMNS)

# Precision and scale of a number, as upstream has them.
CONSTRAINED_NUMBER = (38, 9)

# Spelled as format_type() gives them back, so that a table is compared with what it should be by equal text.
TYPES: Mapping[Kind, str] = {
    Kind.STRING: "character varying",
    Kind.BOOLEAN: "boolean",
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "numeric(38,9)",
    Kind.DATE: "date",
    Kind.TIME_WITH_TIMEZONE: "time with time zone",
    Kind.TIME_WITHOUT_TIMEZONE: "time without time zone",
    Kind.TIMESTAMP_WITH_TIMEZONE: "timestamp with time zone",
    Kind.TIMESTAMP_WITHOUT_TIMEZONE: "timestamp without time zone",
    Kind.JSON: "jsonb",
}

METADATA_TYPES: Mapping[str, ColumnType] = {
    RAW_ID: ColumnType("uuid", nullable=False),
    EXTRACTED_AT: ColumnType("timestamp with time zone", nullable=False),
    META: ColumnType("jsonb", nullable=False),
    GENERATION_ID: ColumnType("bigint", nullable=False),
}

POSTGRES = Dialect(
    name="PostgreSQL",
    parameters=Parameters.PERCENT,
    types=TYPES,
    metadata_types=METADATA_TYPES,
    row_lock=sql(" FOR UPDATE"),
    # Whatever standard_conforming_strings is. The space keeps it apart from a word before it, as libpq does.
    escaping=" E",
    # FOR KEY SHARE would let a claim change the epoch meanwhile.
    shared_row_lock=sql(" FOR SHARE"),
    names_what_is_gone=lambda error: getattr(error, "sqlstate", None) in ("42P01", "42703"),
)
# Numbers keep every digit.
UNCONSTRAINED = evolve(POSTGRES, types={**TYPES, Kind.NUMBER: "numeric"})


@frozen(kw_only=True)
class PostgresColumns:
    """The columns of one configured destination. `unconstrained` numbers keep every digit."""

    unconstrained: bool = False
    naming: NamingRules = field(default=NAMING, init=False)
    limits: Limits = field(init=False)

    @limits.default
    def _limits(self) -> Limits:
        return Limits(number=None if self.unconstrained else CONSTRAINED_NUMBER, nul=False)

    @property
    def dialect(self) -> Dialect:
        """How statements about these columns are rendered."""
        return UNCONSTRAINED if self.unconstrained else POSTGRES

    def column_type(self, kind: Kind) -> ColumnType:
        """The nullable type of a user's column."""
        return self.dialect.column_type(kind)
