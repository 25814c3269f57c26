"""The statements that change a table's columns, and how a value of one type becomes one of another. Pure.

No value makes a change fail: what the new type cannot hold becomes null, and its row's `_airbyte_meta` says so.
All columns change in one ALTER TABLE, so that a table is rewritten at most once, and not at all for a wider type.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen
from psycopg import errors
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from connectors.postgres.quoting import definition, listed, table_name, type_name
from dataflow.errors import ConfigError
from dataflow.evolution import ColumnChangeset, ColumnTypeChange
from dataflow.types import META, ChangeKind, ChangeReason, TableName

# What the text of a value must look like for a type to hold it, as Postgres reads it. Only dates that exist
# match, so that no cast can fail: there is no safe cast before Postgres 16, and a function would need a right.
_DATE = (
    "(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    "|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
)
# The server reads no more than 128 characters of a date with time, whatever its digits say.
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,30})?)?"
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

    value: Composed | None = None
    lost: Composed | None = None


def conversion(column: Identifier, old: str, new: str) -> Conversion:
    """How a value of one type becomes one of another."""
    found = _conversion(column, old, new)
    return _of_readable_json(column, found) if old == "json" else found


def _conversion(column: Identifier, old: str, new: str) -> Conversion:
    old_base, new_base = (each.split("(")[0] for each in (old, new))
    if _holds_all(old, new):
        return Conversion()
    text = SQL("({} #>> '{{}}')" if old_base in ("json", "jsonb") else "{}::text").format(column)
    if new_base == "jsonb":
        return Conversion(SQL("pg_catalog.to_jsonb({})").format(column))
    if new_base == "character varying":
        return Conversion(text)
    # A text that is too long matches no pattern in reasonable time, and no type holds it.
    fits = SQL("pg_catalog.length({}) <= {} AND {} ~ {}").format(
        text, LONGEST, text, Literal(_PATTERNS[new_base])
    )
    value = SQL("CASE WHEN {} THEN {} END").format(fits, _cast(text, new, new_base))
    # JSON's null has no text: it was null before.
    return Conversion(value, SQL("{} IS NOT NULL AND ({}) IS NULL").format(text, value))


def _of_readable_json(column: Identifier, found: Conversion) -> Conversion:
    """The same, with nothing left of a document that the server cannot read: it would fail, and not be null."""
    readable = SQL("{}::text ~ {}").format(column, Literal(_READABLE_JSON))
    return Conversion(
        SQL("CASE WHEN {} THEN {} END").format(readable, found.value or column),
        SQL("CASE WHEN {} THEN {} ELSE {} IS NOT NULL END").format(
            readable, found.lost or SQL("false"), column
        ),
    )


def notes(table: TableName, changeset: ColumnChangeset) -> Iterator[Composed]:
    """Write into the rows of which a value will be lost that it was.

    An UPDATE of those rows alone, before the change: to alter `_airbyte_meta` along with it would be refused for
    every view that shows it. A statement with names takes no parameters; the note is a name and words of ours.
    """
    lost = {
        name: found
        for name, change in changeset.change.items()
        if (found := conversion(Identifier(name), change.original.type, change.new.type).lost) is not None
    }
    if not lost:
        return
    entries = (
        SQL("CASE WHEN {} THEN {}::jsonb ELSE '[]'::jsonb END").format(where, Literal(_note(name)))
        for name, where in lost.items()
    )
    meta = Identifier(META)
    before = SQL(
        "CASE WHEN pg_catalog.jsonb_typeof({meta} -> 'changes') = 'array' THEN {meta} -> 'changes' ELSE '[]'::jsonb END"
    ).format(meta=meta)
    yield SQL("UPDATE {} SET {} = pg_catalog.jsonb_set({}, '{{changes}}', {}) WHERE {}").format(
        table_name(table),
        meta,
        SQL("CASE WHEN pg_catalog.jsonb_typeof({meta}) = 'object' THEN {meta} ELSE '{{}}'::jsonb END").format(
            meta=meta
        ),
        SQL(" || ").join([before, *entries]),
        SQL(" OR ").join(SQL("({})").format(each) for each in lost.values()),
    )


def change_columns(table: TableName, changeset: ColumnChangeset, cascade: Composable) -> Composed:
    """All changes in one statement."""
    actions = [
        *(SQL("ADD COLUMN {}").format(definition(*each)) for each in changeset.add.items()),
        *(SQL("DROP COLUMN {}{}").format(Identifier(each), cascade) for each in changeset.drop),
        *(action for each in changeset.change.items() for action in _change(*each)),
    ]
    return SQL("ALTER TABLE {} {}").format(table_name(table), listed(actions))


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


def _change(name: str, change: ColumnTypeChange) -> Iterator[Composed]:
    column = Identifier(name)
    if change.original.nullable != change.new.nullable:
        verb = SQL("DROP" if change.new.nullable else "SET")
        yield SQL("ALTER COLUMN {} {} NOT NULL").format(column, verb)
    if change.original.type != change.new.type:
        value = conversion(column, change.original.type, change.new.type).value
        using = SQL("") if value is None else SQL(" USING {}").format(value)
        yield SQL("ALTER COLUMN {} TYPE {}{}").format(column, type_name(change.new), using)


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


def _cast(text: Composed, new: str, new_base: str) -> Composed:
    if new_base.startswith("time "):
        # From a date with time and offset, timetz takes only the time and the offset.
        return SQL("substring({} from '[0-9][0-9]:.*$')::{}").format(text, SQL(new))
    number = SQL("{}::numeric").format(text)
    if new_base == "bigint":
        return SQL(
            "CASE WHEN {number} = pg_catalog.trunc({number}) "
            "AND {number} BETWEEN -9223372036854775808 AND 9223372036854775807 THEN {number}::bigint END"
        ).format(number=number)
    if new_base == "numeric" and new != new_base:
        precision, scale = _digits(new)
        return SQL(
            "CASE WHEN pg_catalog.abs(pg_catalog.round({number}, {scale})) < {bound} "
            "THEN {number}::{type} END"
        ).format(number=number, scale=scale, bound=SQL("1e{}").format(precision - scale), type=SQL(new))
    return SQL("{}::{}").format(text, SQL(new))
