"""How a table of DuckDB's comes to be what a changeset asks for: in place, or in a new table once. Sends no statement.

What a transaction did is in DuckDB's log until the next checkpoint, and the process that opens the file after a crash
does it again. For rows the log holds what they were; for ALTER ... USING it holds the expression, which is then
computed before DuckDB has the functions it names, and the file cannot be opened. So types change in place only by a
cast of DuckDB's core; otherwise the table is made again.
"""

from collections.abc import Mapping, Sequence
from string import ascii_lowercase, ascii_uppercase

from connectors.duckdb.columns import DUCKDB, conversion, is_plain_cast, text_of
from connectors.sql.text import NOTHING, Name, Param, Part, Sql, Type, join, names, sql
from dataflow.evolution import ColumnChangeset, ColumnTypeChange
from dataflow.types import META

# Each ALTER makes a new description of the table, and the transaction keeps them all: what they take grows with the
# square of their number. Two thousand took 1.7 GB.
_MANY = 100


def is_extensive(changeset: ColumnChangeset) -> bool:
    """Whether the columns that come, go or change are so numerous that `remake` is cheaper."""
    return len(changeset.add) + len(changeset.drop) + len(changeset.change) > _MANY


def is_refused_beside_indexes(changeset: ColumnChangeset) -> bool:
    """Whether DuckDB refuses a part of `alter` if the table has an index: all but new columns."""
    freed = any(change.new.nullable and not change.original.nullable for change in changeset.change.values())
    return bool(changeset.drop) or freed or bool(retyped(changeset) and not rewritten(changeset))


def alter(table: Name, changeset: ColumnChangeset) -> Sequence[Sql]:
    """What of the changeset touches no row, and types that change in place. One statement a change.

    A column whose name changes only its case is renamed.
    """
    renamed = _renamed(changeset)
    add = {name: kind for name, kind in changeset.add.items() if name not in renamed.values()}
    drop = [name for name in changeset.drop if name not in renamed]
    changes = [
        *(sql("RENAME COLUMN {} TO {}", Name(old), Name(new)) for old, new in renamed.items()),
        *(sql("ADD COLUMN {}", DUCKDB.definition(name, kind)) for name, kind in add.items()),
        *(sql("DROP COLUMN {}", Name(name)) for name in drop),
        *(
            sql("ALTER COLUMN {} DROP NOT NULL", Name(name))
            for name, change in _changes(changeset).items()
            if change.new.nullable and not change.original.nullable
        ),
        *(
            sql("ALTER COLUMN {} SET DATA TYPE {}", Name(name), Type(change.new.type))
            for name, change in retyped(changeset).items()
            if not rewritten(changeset)
        ),
    ]
    return [sql("ALTER TABLE {} {}", table, change) for change in changes]


def rewritten(changeset: ColumnChangeset) -> Mapping[str, ColumnTypeChange]:
    """The columns for which the table must be made again: none, or all whose type changes, so that it is done once."""
    changed = retyped(changeset)
    in_place = all(is_plain_cast(change.original.type, change.new.type) for change in changed.values())
    return {} if in_place else changed


def retyped(changeset: ColumnChangeset) -> Mapping[str, ColumnTypeChange]:
    """The columns whose type changes, by their new names."""
    changes = _changes(changeset)
    return {name: change for name, change in changes.items() if change.original.type != change.new.type}


def remake(table: Name, changeset: ColumnChangeset) -> Sql:
    """Make the table again, with all that the changeset asks for. Its constraints are lost.

    $notes is as for `rewrite`, and only there if any column's type changes.
    """
    changed, renamed = retyped(changeset), _renamed(changeset)
    stay = {name: change for name, change in changed.items() if name not in renamed.values()}
    come = [
        *(_converted(new, changed[new]) if new in changed else Name(old) for old, new in renamed.items()),
        *(
            sql("CAST(NULL AS {})", Type(kind.type))
            for name, kind in changeset.add.items()
            if name not in renamed.values()
        ),
    ]
    called = [*renamed.values(), *(name for name in changeset.add if name not in renamed.values())]
    star = sql(
        "*{}{}",
        sql(" EXCLUDE ({})", names(changeset.drop)) if changeset.drop else NOTHING,
        sql(" {}", _replace(stay, changed)) if changed else NOTHING,
    )
    columns = [sql("{} AS {}", made, Name(name)) for made, name in zip(come, called, strict=True)]
    return sql(
        "CREATE OR REPLACE TABLE {table} AS SELECT {columns} FROM {table}",
        table=table,
        columns=join(",\n  ", [star, *columns]),
    )


def rewrite(table: Name, changed: Mapping[str, ColumnTypeChange]) -> Sql:
    """Make the table again, with these columns of their new types. Its constraints are lost.

    $notes has for each of these columns, in their order, what a row notes when the column's value is lost.
    """
    return sql(
        "CREATE OR REPLACE TABLE {table} AS SELECT * {replaced} FROM {table}",
        table=table,
        replaced=_replace(changed, changed),
    )


def _replace(replaced: Mapping[str, ColumnTypeChange], changed: Mapping[str, ColumnTypeChange]) -> Sql:
    """Columns of their new types, and the note of what was lost of all that change."""
    lost = [_lost(name, change) for name, change in changed.items()]
    return sql(
        "REPLACE (\n"
        "  CASE WHEN {any_lost} THEN json_merge_patch({meta}, json_object('changes', list_concat(\n"
        "    json_extract({meta}, '$.changes[*]'),\n"
        "    list_where(CAST({notes} AS JSON[]), [{each_lost}])\n"
        "  ))) ELSE {meta} END AS {meta}{columns}\n"
        ")",
        meta=Name(META),
        notes=Param("notes"),
        any_lost=join(" OR ", lost),
        each_lost=join(", ", lost),
        columns=join(
            "",
            (sql(",\n  {} AS {}", _converted(name, change), Name(name)) for name, change in replaced.items()),
        ),
    )


def require_metadata(table: Name) -> Sequence[Sql]:
    """The constraints that the table was created with."""
    return [
        sql("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL", table, Name(name))
        for name, kind in DUCKDB.metadata_types.items()
        if not kind.nullable
    ]


def _changes(changeset: ColumnChangeset) -> Mapping[str, ColumnTypeChange]:
    """The columns that stay and change, by their new names."""
    renamed = {
        new: ColumnTypeChange(changeset.drop[old], changeset.add[new])
        for old, new in _renamed(changeset).items()
    }
    return {**changeset.change, **renamed}


def _renamed(changeset: ColumnChangeset) -> Mapping[str, str]:
    # DuckDB takes names that differ by case as one: it would refuse to add the one while the other is there.
    added = {_lower(name): name for name in changeset.add}
    return {name: added[_lower(name)] for name in changeset.drop if _lower(name) in added}


def _converted(name: str, change: ColumnTypeChange) -> Part:
    # Cast even where it is of the type already: a CASE of nulls alone would be of none.
    return sql(
        "CAST({} AS {})", conversion(Name(name), change.original.type, change.new.type), Type(change.new.type)
    )


def _lost(name: str, change: ColumnTypeChange) -> Part:
    column = Name(name)
    return sql(
        "({} IS NOT NULL AND {} IS NULL)",
        text_of(column, change.original.type),
        conversion(column, change.original.type, change.new.type),
    )


def _lower(name: str) -> str:
    return name.translate(str.maketrans(ascii_uppercase, ascii_lowercase))
