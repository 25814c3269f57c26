"""How DuckDB chooses among rows of one key: by row numbers and QUALIFY, which is faster than the shared way. Pure.

Tables that are compared stand in one FROM. In a subquery the alias of an outer table would mean a JSON column of that
name, if the inner table has one: `t.id` is then the member `id` of the column `t`.
"""

from collections.abc import Iterable, Sequence

from connectors.contract import Recipe
from connectors.duckdb.columns import DUCKDB
from connectors.duckdb.sql import DuckDbStatements
from connectors.sql.merging import order
from connectors.sql.statements import S, T, all_names, of, qualified
from connectors.sql.text import NOTHING, Name, Part, Sql, join, listed, names, sql
from dataflow.types import TableName


def dedupe(statements: DuckDbStatements, table: TableName, recipe: Recipe) -> Sql:
    """Remove all rows but the latest of each primary key; with hard deletes that one too if it deletes."""
    deleted = statements.deletes(recipe, S)
    return sql(
        "DELETE FROM {} WHERE rowid IN (\n  SELECT s.rowid FROM {} s\n  QUALIFY {} > 1{}\n)",
        statements.table(table),
        statements.table(table),
        _rank(recipe),
        sql(" OR {}", deleted) if deleted else NOTHING,
    )


def merge(
    statements: DuckDbStatements, source: TableName, target: TableName, recipe: Recipe
) -> Sequence[Sql]:
    """Two statements: remove the rows of each key of which the source has a later one, then insert that one.

    Not MERGE: it updates every duplicate the target has of a key, and so keeps them.
    """
    return (
        _remove_outdone(statements, source, target, recipe),
        _insert_latest(statements, source, target, recipe),
    )


def _remove_outdone(
    statements: DuckDbStatements, source: TableName, target: TableName, recipe: Recipe
) -> Sql:
    # The names of the columns are left behind at once: the row number's name could be one of them.
    keys, ordering = recipe.primary_key, order(recipe)
    key_names = [f"k{n}" for n in range(len(keys))]
    order_names = [f"o{n}" for n in range(len(ordering))]
    latest_first = _descending(map(Name, order_names))
    return sql(
        "DELETE FROM {target} WHERE rowid IN (\n"
        "  SELECT r FROM (\n"
        "    SELECT t.rowid, {of_target} FROM {target} t SEMI JOIN {source} s ON {same_key}\n"
        "    UNION ALL\n"
        "    SELECT NULL, {of_source} FROM {source} s\n"
        "  ) AS ranked (r, {names})\n"
        # If two are equally late, the target's counts: a repeated merge then changes nothing.
        "  QUALIFY r IS NOT NULL\n"
        "  AND first_value(r) OVER (PARTITION BY {keys} ORDER BY {latest_first}, r NULLS LAST) IS NULL\n"
        ")",
        target=statements.table(target),
        source=statements.table(source),
        of_target=qualified(T, [*keys, *ordering]),
        of_source=qualified(S, [*keys, *ordering]),
        same_key=_same_key(recipe),
        names=names([*key_names, *order_names]),
        keys=names(key_names),
        latest_first=latest_first,
    )


def _insert_latest(statements: DuckDbStatements, source: TableName, target: TableName, recipe: Recipe) -> Sql:
    deleted = statements.deletes(recipe, S)
    return sql(
        "INSERT INTO {target} ({names})\n"
        "SELECT {of_source} FROM {source} s WHERE s.rowid IN (\n"
        "  SELECT s.rowid FROM {source} s ANTI JOIN {target} t ON {same_key}\n"
        "  QUALIFY {rank} = 1{not_deleted}\n"
        ")",
        target=statements.table(target),
        source=statements.table(source),
        names=names(all_names(recipe.columns)),
        of_source=qualified(S, all_names(recipe.columns)),
        same_key=_same_key(recipe),
        rank=_rank(recipe),
        not_deleted=sql(" AND NOT ({})", deleted) if deleted else NOTHING,
    )


def _rank(recipe: Recipe) -> Sql:
    return sql(
        "row_number() OVER (PARTITION BY {} ORDER BY {})",
        qualified(S, recipe.primary_key),
        _descending(of(S, name) for name in order(recipe)),
    )


def _descending(expressions: Iterable[Part]) -> Sql:
    return listed(DUCKDB.latest_first(each) for each in expressions)


def _same_key(recipe: Recipe) -> Sql:
    return join(" AND ", (DUCKDB.same(of(S, name), of(T, name)) for name in recipe.primary_key))
