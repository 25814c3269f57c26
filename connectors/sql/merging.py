"""The statements that choose among rows of one key: which is the latest, and how it gets into a table. Pure.

They join the tables by their keys. Written with EXISTS, the same would take quadratic time in several databases.
A database that has a faster way of its own does not use this module.
"""

from collections.abc import Mapping, Sequence

from connectors.contract import Recipe
from connectors.sql.statements import S, Statements, T, all_names, of, qualified
from connectors.sql.text import NOTHING, Name, Part, Sql, join, listed, names, sql
from dataflow.types import CDC_POSITIONS, EXTRACTED_AT, RAW_ID, TableName


def order(recipe: Recipe) -> Sequence[str]:
    """The columns that make a row later than another of its key, the most significant first."""
    positions = [each.name for field in CDC_POSITIONS for each in recipe.columns if each.field == field]
    cursor = [recipe.cursor] if recipe.cursor is not None else []
    return list(dict.fromkeys([*cursor, *positions, EXTRACTED_AT, RAW_ID]))


def dedupe(statements: Statements, table: TableName, recipe: Recipe) -> Sql:
    """Remove all rows but the latest of each primary key; with hard deletes that one too if it deletes."""
    deleted = statements.deletes(recipe, S)
    found = sql(
        "\n"
        "  SELECT r FROM (\n"
        "    SELECT {row_of_s} AS r, row_number() OVER (PARTITION BY {keys} ORDER BY {latest_first}) AS place{mark}\n"
        "    FROM {table} AS s\n"
        "  ) AS ranked\n"
        "  WHERE place > 1{or_deleted}\n",
        table=statements.table(table),
        row_of_s=statements.row_id(S),
        keys=statements.of_one_key(recipe, S),
        latest_first=_latest_first(statements, recipe, {name: of(S, name) for name in order(recipe)}),
        mark=NOTHING if deleted is None else sql(", {} AS deleted", deleted),
        or_deleted=NOTHING if deleted is None else sql(" OR deleted"),
    )
    return statements.delete_rows_of(table, found)


def merge(statements: Statements, source: TableName, target: TableName, recipe: Recipe) -> Sequence[Sql]:
    """Two statements: remove the rows of each key of which the source has a later one, then insert that one."""
    ranked = _ranked(statements, source, target, recipe)
    deleted = statements.deletes(recipe, S)
    every = all_names(recipe.columns)
    return (
        statements.delete_rows_of(target, sql("SELECT r FROM {} WHERE latest IS NULL", ranked)),
        sql(
            "INSERT INTO {} ({})\nSELECT {} FROM {} AS s\n"
            "WHERE {}{} IN (SELECT new FROM {} WHERE place = 1 AND new IS NOT NULL)",
            statements.table(target),
            names(every),
            qualified(S, every),
            statements.table(source),
            NOTHING if deleted is None else sql("NOT ({}) AND ", deleted),
            statements.row_id(S),
            ranked,
        ),
    )


def _ranked(statements: Statements, source: TableName, target: TableName, recipe: Recipe) -> Sql:
    """The rows of every key that comes: `r` identifies those that are there, `new` those that come.

    `place` counts within a key from the latest on; `latest` is that row if it is there already.
    """
    # The columns are renamed at once: one of them could have a name of ours.
    keys, ordering = recipe.primary_key, order(recipe)
    key_names = [Name(f"k{number}") for number in range(len(keys))]
    order_names = {name: Name(f"o{number}") for number, name in enumerate(ordering)}
    renamed = [*key_names, *order_names.values()]
    return sql(
        "(\n"
        "  SELECT r, new, row_number() OVER of_key AS place, first_value(r) OVER of_key AS latest\n"
        "  FROM (\n"
        "    SELECT {row_of_t} AS r, NULL AS new, {of_target} FROM {target} AS t\n"
        "    WHERE {row_of_t} IN (SELECT {row_of_t} FROM {source} AS s JOIN {target} AS t ON {same_key})\n"
        "    UNION ALL\n"
        "    SELECT NULL, {row_of_s}, {of_source} FROM {source} AS s\n"
        "  ) AS of_both\n"
        # If two are equally late, the target's counts: a repeated merge then changes nothing.
        "  WINDOW of_key AS (PARTITION BY {keys} ORDER BY {latest_first}, r IS NULL)\n"
        ") AS ranked",
        row_of_t=statements.row_id(T),
        row_of_s=statements.row_id(S),
        keys=listed(key_names),
        latest_first=_latest_first(statements, recipe, order_names),
        of_target=listed(
            sql("{} AS {}", of(T, column), name)
            for column, name in zip([*keys, *ordering], renamed, strict=True)
        ),
        of_source=qualified(S, [*keys, *ordering]),
        target=statements.table(target),
        source=statements.table(source),
        same_key=join(" AND ", (statements.dialect.same(of(S, key), of(T, key)) for key in keys)),
    )


def _latest_first(statements: Statements, recipe: Recipe, expressions: Mapping[str, Part]) -> Sql:
    kinds = {column.name: column.kind for column in recipe.columns}
    return listed(statements.latest_first(each, kinds.get(name)) for name, each in expressions.items())
