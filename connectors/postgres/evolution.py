"""The statements that change a table's columns, and how a value of one type becomes one of another. Pure.

No value makes a change fail: what the new type cannot hold becomes null, and its row's `_airbyte_meta` says so.
All columns change in one ALTER TABLE, so that a table is rewritten at most once, and not at all for a wider type.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen
from psycopg import errors

from connectors.postgres.columns import POSTGRES
from connectors.postgres.quoting import table_name
from connectors.sql.text import NOTHING, Name, Part, Sql, Type, Value, join, listed, sql
from connectors.sql.written import DATE, TIME
from dataflow.errors import ConfigError
from dataflow.evolution import ColumnChangeset, ColumnTypeChange
from dataflow.types import META, ChangeKind, ChangeReason, TableName

# What the text of a value must look like for a type to hold it, as Postgres reads it. Only dates that exist
# match, so that no cast can fail: there is no safe cast before Postgres 16, and a function would need a right.
_OFFSET = r"(?: ?(?:[Zz]|[+-](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?))?"
_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"
_INSTANT = f"^{DATE}(?:[T ]{TIME}{_OFFSET})?$"
_CLOCK = f"^(?:{DATE}[T ])?{TIME}{_OFFSET}$"
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
# The type json keeps escapes that nothing reads: a null character, and half of a surrogate pair.
_READABLE_JSON = (
    r"^(?:[^\\]|\\[^u]|\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4}"
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*$"
)
# A numeric has at most 131072 digits before the point and 16383 after it.
LONGEST = 10_000
_INTEGERS = ("smallint", "integer", "bigint")
_TEXTS = ("text", "character varying", "character")
_TIMESTAMPS = ("timestamp with time zone", "timestamp without time zone")
_WIDER: Mapping[str, Sequence[str]] = {
    "character varying": _TEXTS,
    "bigint": _INTEGERS,
    "numeric": ("numeric", *_INTEGERS),
    # In UTC, which every session of ours uses, they are stored alike.
    **dict.fromkeys(_TIMESTAMPS, _TIMESTAMPS),
}

# How the server says that something which people built on a column does not allow its change.
REFUSALS = (
    errors.FeatureNotSupported,
    errors.DependentObjectsStillExist,
    errors.DatatypeMismatch,
    errors.UndefinedFunction,
)


@frozen
class Conversion:
    """What a column's value becomes (as it is, for None), and of which values nothing is left (of none, for None)."""

    value: Sql | None = None
    lost: Sql | None = None


def conversion(column: Name, old: str, new: str) -> Conversion:
    """How a value of one type becomes one of another."""
    found = _conversion(column, old, new)
    return _of_readable_json(column, found) if old == "json" else found


def _conversion(column: Name, old: str, new: str) -> Conversion:
    old_base, new_base = (each.split("(")[0] for each in (old, new))
    if _holds_all(old, new):
        return Conversion()
    text = sql("({} #>> '{{}}')", column) if old_base in ("json", "jsonb") else sql("{}::text", column)
    if new_base == "jsonb":
        return Conversion(sql("pg_catalog.to_jsonb({})", column))
    if new_base == "character varying":
        return Conversion(text)
    # A text that is too long matches no pattern in reasonable time, and no type holds it.
    fits = sql(
        "pg_catalog.length({}) <= {} AND {} ~ {}", text, Value(LONGEST), text, Value(_PATTERNS[new_base])
    )
    value = sql("CASE WHEN {} THEN {} END", fits, _cast(text, new, new_base))
    # JSON's null has no text: it was null before.
    return Conversion(value, sql("{} IS NOT NULL AND ({}) IS NULL", text, value))


def _of_readable_json(column: Name, found: Conversion) -> Conversion:
    """The same, with nothing left of a document that the server cannot read: it would fail, and not be null."""
    readable = sql("{}::text ~ {}", column, Value(_READABLE_JSON))
    return Conversion(
        sql("CASE WHEN {} THEN {} END", readable, found.value or column),
        sql("CASE WHEN {} THEN {} ELSE {} IS NOT NULL END", readable, found.lost or sql("false"), column),
    )


def notes(table: TableName, changeset: ColumnChangeset) -> Iterator[Sql]:
    """Write into the rows of which a value will be lost that it was.

    An UPDATE of those rows alone, before the change: to alter `_airbyte_meta` along with it would be refused for
    every view that shows it. A statement with names takes no parameters; the note is a name and words of ours.
    """
    lost = {
        name: found
        for name, change in changeset.change.items()
        if (found := conversion(Name(name), change.original.type, change.new.type).lost) is not None
    }
    if not lost:
        return
    entries = (
        sql("CASE WHEN {} THEN {}::jsonb ELSE '[]'::jsonb END", where, Value(_note(name)))
        for name, where in lost.items()
    )
    meta = Name(META)
    before = sql(
        "CASE WHEN pg_catalog.jsonb_typeof({meta} -> 'changes') = 'array' THEN {meta} -> 'changes' "
        "ELSE '[]'::jsonb END",
        meta=meta,
    )
    yield sql(
        "UPDATE {} SET {} = pg_catalog.jsonb_set({}, '{{changes}}', {}) WHERE {}",
        table_name(table),
        meta,
        sql(
            "CASE WHEN pg_catalog.jsonb_typeof({meta}) = 'object' THEN {meta} ELSE '{{}}'::jsonb END",
            meta=meta,
        ),
        join(" || ", [before, *entries]),
        join(" OR ", (sql("({})", each) for each in lost.values())),
    )


def change_columns(table: TableName, changeset: ColumnChangeset, cascade: Part) -> Sql:
    """All changes in one statement."""
    actions = [
        *(sql("ADD COLUMN {}", POSTGRES.definition(*each)) for each in changeset.add.items()),
        *(sql("DROP COLUMN {}{}", Name(each), cascade) for each in changeset.drop),
        *(action for each in changeset.change.items() for action in _change(*each)),
    ]
    return sql("ALTER TABLE {} {}", table_name(table), listed(actions))


def disturbed(changeset: ColumnChangeset) -> list[str]:
    """The columns that go, or whose type changes: a view that uses one of them is in the way."""
    retyped = (name for name, each in changeset.change.items() if each.original.type != each.new.type)
    return [*changeset.drop, *retyped]


def refusal(table: TableName, *said: str | None) -> ConfigError:
    """The error where something is in the way: one of REFUSALS, whose texts name objects and never hold a row."""
    return ConfigError(
        f"The columns of {table} cannot be changed to what the catalog requires: {'; '.join(filter(None, said))}.",
        remedy="Drop these objects, run the sync, and create them again; or set drop_cascade, and syncs will drop "
        "dependent views.",
    )


def _change(name: str, change: ColumnTypeChange) -> Iterator[Sql]:
    column = Name(name)
    if change.original.nullable != change.new.nullable:
        verb = sql("DROP") if change.new.nullable else sql("SET")
        yield sql("ALTER COLUMN {} {} NOT NULL", column, verb)
    if change.original.type != change.new.type:
        value = conversion(column, change.original.type, change.new.type).value
        using = NOTHING if value is None else sql(" USING {}", value)
        yield sql("ALTER COLUMN {} TYPE {}{}", column, Type(change.new.type), using)


def _note(name: str) -> str:
    """The entry in `changes`: the column stands for its field, whose name a changeset does not know."""
    return json.dumps([{"field": name, "change": ChangeKind.NULLED, "reason": ChangeReason.TYPECAST}])


def _holds_all(old: str, new: str) -> bool:
    """Whether the new type holds every value of the old one, as it is."""
    old_base, new_base = (each.split("(")[0] for each in (old, new))
    if old_base not in _WIDER.get(new_base, ()):
        return False
    if new_base != "numeric" or new == new_base or old_base != new_base:
        return True
    if old == old_base:
        return False
    (old_precision, old_scale), (precision, scale) = map(_digits, (old, new))
    return old_scale == scale and old_precision <= precision


def _digits(of: str) -> tuple[int, int]:
    """Precision and scale of a numeric that has both."""
    precision, scale = (int(each) for each in of[len("numeric(") : -1].split(","))
    return precision, scale


def _cast(text: Sql, new: str, new_base: str) -> Sql:
    if new_base.startswith("time "):
        # From a date with time and offset, timetz takes only the time and the offset.
        return sql("substring({} from '[0-9][0-9]:.*$')::{}", text, Type(new))
    number = sql("{}::numeric", text)
    if new_base == "bigint":
        return sql(
            "CASE WHEN {number} = pg_catalog.trunc({number}) "
            "AND {number} BETWEEN -9223372036854775808 AND 9223372036854775807 THEN {number}::bigint END",
            number=number,
        )
    if new_base == "numeric" and new != new_base:
        precision, scale = _digits(new)
        return sql(
            "CASE WHEN pg_catalog.abs(pg_catalog.round({number}, {scale})) < {bound} "
            "THEN {number}::{type} END",
            number=number,
            scale=Value(scale),
            bound=sql("1e{}", Value(precision - scale)),
            type=Type(new),
        )
    return sql("{}::{}", text, Type(new))
