"""Why a stream fails whose columns do not hold what decides its rows. Names fields and kinds, and never a value."""

from collections.abc import Sequence

from connectors.contract import ColumnUtils
from dataflow.errors import ConfigError
from dataflow.keys import Unfit
from dataflow.types import StreamName

# The rest is counted.
NAMED = 5


def refusal(stream: StreamName, unfit: Sequence[Unfit], columns: ColumnUtils) -> ConfigError:
    """The error of a stream of which these fields are unfit."""
    told = [_complaint(each, columns) for each in unfit[:NAMED]]
    if len(unfit) > NAMED:
        told.append(f"{len(unfit) - NAMED} more of its fields are like it.")
    return ConfigError(
        f"Stream {stream} cannot be written: {' '.join(told)}",
        doing="reading the input",
        remedy="These records were not written, since rows that the source tells apart could have become one. Choose "
        "another primary key or cursor, or the sync mode append; or let the source declare a type that holds such "
        "values, as a string does, and refresh the stream.",
    )


def _complaint(unfit: Unfit, columns: ColumnUtils) -> str:
    misfits = " and ".join(unfit.misfits)
    return (
        f'the {unfit.role} "{unfit.field}" is {columns.column_type(unfit.kind)}, and {misfits} came for it.'
    )
