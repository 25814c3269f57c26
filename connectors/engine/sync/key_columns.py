"""Keeps a stream from starting where its keys would lose values in the columns that are declared now. Alters nothing.

A key's or cursor's column may become wider. If it became narrower, or if rows wait that were written before a column
was a key, distinct rows of the source could become one.
"""

from collections.abc import Collection, Mapping

from connectors.contract import Client, ColumnUtils
from connectors.engine.sync.unfit import lost_keys, narrowing
from dataflow.evolution import ColumnType
from dataflow.narrowing import narrowed
from dataflow.types import Kind, TableName
from machines.operations import Recipe
from machines.stream import StreamLife


def refuse_narrowing(columns: ColumnUtils, life: StreamLife, found: Mapping[str, ColumnType]) -> None:
    """Refuse a stream whose final table has columns, by their names, that its keys would make narrower.

    TransientError where the columns can stay as they are: the life records this in the ledger. Otherwise ConfigError.
    """
    held = {
        name: [kind for kind in Kind if columns.column_type(kind).type == each.type]
        for name, each in found.items()
    }
    _refuse(columns, life, life.tables.final, held)


def refuse_lost_keys(
    columns: ColumnUtils, client: Client, life: StreamLife, temp: TableName, by: Recipe
) -> None:
    """Refuse a stream that goes on with a temp table of another key or of other types, where rows could become one.

    Errors as above; ConfigError too where a row has lost its value of a column that is a key only now.
    """
    _refuse(columns, life, temp, {each.name: (each.kind,) for each in by.columns})
    new = {*life.recipe.primary_key, life.recipe.cursor} - {*by.primary_key, by.cursor}
    there = {each.name for each in by.columns}
    lost = [
        each for each in life.tables.columns if each.name in new & there and client.has_lost_value(temp, each)
    ]
    if lost:
        raise lost_keys(life.stream.name, temp, lost)


def _refuse(
    columns: ColumnUtils, life: StreamLife, table: TableName, held: Mapping[str, Collection[Kind]]
) -> None:
    found = narrowed(life.tables.columns, life.stream.roles, held, columns.limits)
    if not found:
        return
    kinds = {field: kind for field, kind in found.items() if kind is not None}
    life.needs = kinds if len(kinds) == len(found) else {}
    raise narrowing(life.stream.name, table, found)
