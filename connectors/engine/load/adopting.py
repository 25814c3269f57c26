"""The stream of a load that another process has opened: what its recipe in the ledger says. Pure."""

from dataflow.catalog import Append, Dedupe, DestinationStream, ImportType, Replace, Strategy
from dataflow.types import Field, StreamName
from machines.operations import Recipe


def stream_of(name: StreamName, recipe: Recipe) -> DestinationStream:
    """The stream as the load's opener wanted it, with the columns and the generation of the recipe."""
    return DestinationStream(
        name=name,
        fields=tuple(Field(column.field, column.type) for column in recipe.columns),
        import_type=_import_type(recipe),
        generation_id=recipe.generation_id,
    )


def _import_type(recipe: Recipe) -> ImportType:
    if recipe.strategy is Strategy.APPEND:
        return Append()
    if recipe.strategy.truncates:
        return Replace()
    fields = {column.name: column.field for column in recipe.columns}
    return Dedupe(
        primary_key=tuple(fields[name] for name in recipe.primary_key),
        cursor=fields[recipe.cursor] if recipe.cursor is not None else None,
    )
