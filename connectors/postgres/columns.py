"""How Airbyte's columns look in Postgres: names, limits, types, and how a value of one becomes one of another.

Knows no statement and no connection.
"""

from collections.abc import Mapping, Sequence

from attrs import field, frozen
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

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
    Kind.NUMBER: "numeric",
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


@frozen(kw_only=True)
class PostgresColumns:
    """The columns of one configured destination. `unconstrained` numbers keep every digit."""

    unconstrained: bool = False
    naming: NamingRules = field(default=NAMING, init=False)
    limits: Limits = field(init=False)

    @limits.default
    def _limits(self) -> Limits:
        return Limits(number=None if self.unconstrained else CONSTRAINED_NUMBER, nul=False)

    def column_type(self, kind: Kind) -> ColumnType:
        """The nullable type of a user's column."""
        if kind is Kind.NUMBER and not self.unconstrained:
            precision, scale = CONSTRAINED_NUMBER
            return ColumnType(f"{TYPES[kind]}({precision},{scale})")
        return ColumnType(TYPES[kind])


# -- changing a type

# What the text of a value must look like for a type to hold it, as Postgres reads it. Only dates that exist
# match, so that no cast can fail: there is no safe cast before Postgres 16, and a function would need a right.
_DATE = (
    "(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    "|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?"
_OFFSET = r"(?: ?(?:[Zz]|[+-](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?))?"
_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"
_INSTANT = f"^{_DATE}(?:[T ]{_TIME}{_OFFSET})?$"
_CLOCK = f"^(?:{_DATE}[T ])?{_TIME}{_OFFSET}$"
_PATTERNS: Mapping[str, str] = {
    "boolean": "^(?:true|false)$",
    "bigint": _NUMBER,
    "numeric": _NUMBER,
    "date": _INSTANT,
    "timestamp with time zone": _INSTANT,
    "timestamp without time zone": _INSTANT,
    "time with time zone": _CLOCK,
    "time without time zone": _CLOCK,
}
# A numeric has at most 131072 digits before the point and 16383 after it.
LONGEST = 10_000
_INTEGERS = ("smallint", "integer", "bigint")
_TEXTS = ("text", "character varying", "character")
_TIMESTAMPS = ("timestamp with time zone", "timestamp without time zone")
_WIDER: Mapping[str, Sequence[str]] = {
    "character varying": _TEXTS,
    "bigint": _INTEGERS,
    "numeric": ("numeric", *_INTEGERS),
    # In UTC, as every session of ours is, they are stored alike.
    **dict.fromkeys(_TIMESTAMPS, _TIMESTAMPS),
}


def conversion(column: Identifier, old: str, new: str) -> Composable:
    """How a value becomes one of the new type, or null where it cannot; empty where every value stays as it is."""
    old_base, new_base = (each.split("(")[0] for each in (old, new))
    constrained = new_base == "numeric" != new
    if old_base in _WIDER.get(new_base, ()) and not (constrained and old_base == "numeric"):
        return SQL("")
    text = SQL("({} #>> '{{}}')" if old_base in ("json", "jsonb") else "{}::text").format(column)
    if new_base == "jsonb":
        return SQL(" USING to_jsonb({})").format(column)
    if new_base == "character varying":
        return SQL(" USING {}").format(text)
    return SQL(" USING CASE WHEN {} ~ {} AND length({}) <= {} THEN {} END").format(
        text, Literal(_PATTERNS[new_base]), text, LONGEST, _cast(text, new, new_base)
    )


def _cast(text: Composed, new: str, new_base: str) -> Composed:
    if new_base.startswith("time "):
        # Of a date with time and offset, timetz takes only the latter two.
        return SQL("substring({} from '[0-9][0-9]:.*$')::{}").format(text, SQL(new))
    number = SQL("{}::numeric").format(text)
    if new_base == "bigint":
        return SQL(
            "CASE WHEN {number} = trunc({number}) "
            "AND {number} BETWEEN -9223372036854775808 AND 9223372036854775807 THEN {number}::bigint END"
        ).format(number=number)
    if new_base == "numeric" and new != new_base:
        precision, scale = (int(each) for each in new[len("numeric(") : -1].split(","))
        return SQL("CASE WHEN abs(round({number}, {scale})) < {bound} THEN {number}::{type} END").format(
            number=number, scale=scale, bound=SQL("1e{}").format(precision - scale), type=SQL(new)
        )
    return SQL("{}::{}").format(text, SQL(new))
