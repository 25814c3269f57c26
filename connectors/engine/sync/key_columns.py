"""Finds which keys and cursors a table would not keep, if it took on the types that are declared now. Alters nothing.

A key's or cursor's column may become wider. If it became narrower, or if rows wait that were written before a column
was a key, distinct rows of the source could become one: the stream's life refuses that.
"""

from collections.abc import Collection, Mapping

from connectors.contract import Client, ColumnUtils
from dataflow.evolution import ColumnType
from dataflow.narrowing import narrowed
from dataflow.types import Kind, TableName
from machines.operations import KeyFacts, Recipe
from machines.stream import StreamLife

Narrower = tuple[tuple[str, Kind | None], ...]


def keys_of_final(columns: ColumnUtils, life: StreamLife, found: Mapping[str, ColumnType]) -> KeyFacts | None:
    """What the final table, which has these columns by their names, would not keep; None when it keeps all."""
    held = {
        name: [kind for kind in Kind if columns.column_type(kind).type == each.type]
        for name, each in found.items()
    }
    narrower = _narrower(columns, life, held)
    return KeyFacts(narrower=narrower) if narrower else None


def keys_of_temp(
    columns: ColumnUtils, client: Client, life: StreamLife, temp: TableName, by: Recipe
) -> KeyFacts | None:
    """What the temp table, which was opened by that recipe, would not keep; None when it keeps all.

    Its rows are read only where a column is a key or cursor now and was none before.
    """
    narrower = _narrower(columns, life, {each.name: (each.kind,) for each in by.columns})
    new = {*life.recipe.primary_key, life.recipe.cursor} - {*by.primary_key, by.cursor}
    there = {each.name for each in by.columns}
    lost = tuple(
        each.field
        for each in life.tables.columns
        if each.name in new & there and client.has_lost_value(temp, each)
    )
    return KeyFacts(narrower=narrower, lost=lost) if narrower or lost else None


def _narrower(columns: ColumnUtils, life: StreamLife, held: Mapping[str, Collection[Kind]]) -> Narrower:
    return tuple(narrowed(life.tables.columns, life.stream.roles, held, columns.limits).items())
