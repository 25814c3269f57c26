"""The statements by which a temp table's rows get into the final table. Pure.

The servers copy every row that a window function sees. So it sees the columns that choose, and the chosen rows are
looked up afterwards, in the order in which they lie. The final table's rows of a key are looked up by its index.
"""

from collections.abc import Mapping, Sequence

from connectors.contract import Recipe
from connectors.mysql.sql import MysqlStatements, in_order
from connectors.sql.merging import order
from connectors.sql.statements import S, T, all_names, of, qualified
from connectors.sql.text import NOTHING, Name, Sql, join, listed, names, sql
from dataflow.types import RAW_ID, TableName

# The latest row of each key of the temp table. Its columns are renamed: one of them could have a name of ours.
LATEST = Name("latest")


def fill(statements: MysqlStatements, source: TableName, target: TableName, recipe: Recipe) -> Sql:
    """Insert the source's latest row of each key into a target that holds no row."""
    return _insert(statements, source, target, recipe, NOTHING)


def merge(statements: MysqlStatements, source: TableName, target: TableName, recipe: Recipe) -> Sequence[Sql]:
    """Two statements: remove the rows of each key of which the source has a later one, then insert that one."""
    same_key = _same_key(statements, recipe)
    replaced = sql(
        "\n"
        "  SELECT r FROM (\n"
        "    SELECT {row_of_t} AS r, max({later}) OVER (PARTITION BY {row}) AS stays\n"
        "    FROM {latest} STRAIGHT_JOIN {target} AS t ON {same_key}\n"
        "  ) AS of_keys\n"
        "  WHERE stays = 0\n",
        row_of_t=statements.row_id(T),
        later=_is_as_late(recipe),
        row=_row(recipe),
        latest=_latest(statements, source, recipe),
        target=statements.table(target),
        same_key=same_key,
    )
    # What is left of a key is later, or the row itself.
    others = sql(
        "    LEFT JOIN {} AS t ON {}\n    WHERE {} IS NULL\n",
        statements.table(target),
        same_key,
        statements.row_id(T),
    )
    return statements.delete_rows_of(target, replaced), _insert(statements, source, target, recipe, others)


def _insert(
    statements: MysqlStatements, source: TableName, target: TableName, recipe: Recipe, others: Sql
) -> Sql:
    """Insert the latest row of each key, unless `others` leaves it out or it deletes its key."""
    every = all_names(recipe.columns)
    deleted = statements.deletes(recipe, S)
    chosen = sql("SELECT {} AS r FROM {}\n{}", _row(recipe), _latest(statements, source, recipe), others)
    return sql(
        "INSERT INTO {target} ({names})\nSELECT {values} FROM (\n    {chosen}) AS chosen\n"
        "STRAIGHT_JOIN {source} AS s ON {row_of_s} = chosen.r{alive}",
        target=statements.table(target),
        names=names(every),
        values=qualified(S, every),
        chosen=in_order(chosen, Name("r")),
        source=statements.table(source),
        row_of_s=statements.row_id(S),
        alive=NOTHING if deleted is None else sql("\nWHERE NOT ({})", deleted),
    )


def _latest(statements: MysqlStatements, source: TableName, recipe: Recipe) -> Sql:
    """The columns that choose, of the latest row of each key, with their alias."""
    kinds = {column.name: column.kind for column in recipe.columns}
    columns = [*zip(recipe.primary_key, _keys(recipe), strict=True), *_order(recipe).items()]
    return sql(
        "(\n"
        "      SELECT {renamed} FROM (\n"
        "        SELECT {columns}, row_number() OVER (PARTITION BY {keys} ORDER BY {latest_first}) AS place\n"
        "        FROM {source} AS s\n"
        "      ) AS ranked\n"
        # MySQL would make an index to find the places that equal 1.
        "      WHERE place < 2\n"
        "    ) AS {latest}",
        renamed=listed(new for _, new in columns),
        columns=listed(sql("{} AS {}", of(S, name), new) for name, new in columns),
        keys=statements.of_one_key(recipe, S),
        latest_first=listed(statements.latest_first(of(S, name), kinds.get(name)) for name in order(recipe)),
        source=statements.table(source),
        latest=LATEST,
    )


def _same_key(statements: MysqlStatements, recipe: Recipe) -> Sql:
    pairs = zip(recipe.primary_key, _keys(recipe), strict=True)
    return join(" AND ", (statements.dialect.same(of(T, name), _of_latest(key)) for name, key in pairs))


def _is_as_late(recipe: Recipe) -> Sql:
    """The condition, which is never null, that a row of the target is the latest row itself, or later than it."""
    found = sql("true")
    for name, new in reversed([*_order(recipe).items()]):
        there, comes = of(T, name), _of_latest(new)
        found = sql(
            # A null is the oldest.
            "(coalesce({there} > {comes}, {there} IS NOT NULL) OR {there} <=> {comes} AND {found})",
            there=there,
            comes=comes,
            found=found,
        )
    return found


def _keys(recipe: Recipe) -> Sequence[Name]:
    """What the columns of the key are called in `_latest`."""
    return [Name(f"k{number}") for number in range(len(recipe.primary_key))]


def _order(recipe: Recipe) -> Mapping[str, Name]:
    """The columns that make a row later than another, with what they are called in `_latest`."""
    return {name: Name(f"o{number}") for number, name in enumerate(order(recipe))}


def _row(recipe: Recipe) -> Sql:
    """What identifies the latest row."""
    return _of_latest(_order(recipe)[RAW_ID])


def _of_latest(name: Name) -> Sql:
    return of(LATEST, *name.parts)
