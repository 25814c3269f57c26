"""Why a stream fails whose columns do not hold what decides its rows, and which would. Names fields, never a value."""

from collections.abc import Mapping, Sequence

from connectors.contract import ColumnUtils
from dataflow.errors import ConfigError, DataflowError, TransientError
from dataflow.keys import Role, Unfit, disordered
from dataflow.stream_tables import StreamTables
from dataflow.types import Kind, StreamName

# The rest is counted.
NAMED = 5
DOING = "reading the input"


def needs(unfit: Sequence[Unfit]) -> Mapping[str, Kind]:
    """The kinds of column that would hold all of these fields' values; none at all where one of them has none."""
    found = {each.field: each.needed for each in unfit if each.needed is not None}
    return found if len(found) == len(unfit) else {}


def refusal(stream: StreamName, unfit: Sequence[Unfit], columns: ColumnUtils) -> DataflowError:
    """The error of a stream of which these fields are unfit."""
    message = f"Stream {stream} cannot be written: {' '.join(complaints(unfit, columns))}"
    if wider := needs(unfit):
        kinds = [f'"{name}" becomes {columns.column_type(kind)}' for name, kind in wider.items()]
        return TransientError(
            message,
            doing=DOING,
            remedy="These records were not written, because distinct rows of the source could have been merged into "
            f"one. The ledger remembers what they need ({', '.join(kinds)}). Run the sync again: it widens the columns "
            "and loads the records.",
        )
    return ConfigError(
        message,
        doing=DOING,
        remedy="These records were not written, because distinct rows of the source could have been merged into one. "
        "Choose another primary key or cursor, or the sync mode append; or let the source declare a type that holds "
        "such "
        "values, as a string does, and refresh the stream.",
    )


def complaints(unfit: Sequence[Unfit], columns: ColumnUtils) -> Sequence[str]:
    """What is wrong with each of these fields, as sentences."""
    named = [_complaint(each, columns) for each in unfit[:NAMED]]
    if len(unfit) > NAMED:
        named.append(f"{len(unfit) - NAMED} more of its fields have the same problem.")
    return named


def expect_order(tables: StreamTables, roles: Mapping[str, Role]) -> None:
    """Raises ConfigError when a field is to order rows whose column became one of texts."""
    for name, role in roles.items():
        if disordered(tables.column(name).type, role):
            raise ConfigError(
                f'Stream {tables.stream} cannot use "{name}" as its {role}: its column became one of texts, which held '
                "the values of an earlier primary key. As texts, 9 comes after 10.",
                doing="naming the tables",
                remedy="Nothing was changed. Choose another cursor, or the sync mode append. If text order is right, "
                "let the source declare the field as a string.",
            )


def _complaint(unfit: Unfit, columns: ColumnUtils) -> str:
    misfits = " and ".join(unfit.misfits)
    return f'the {unfit.role} "{unfit.field}" is {columns.column_type(unfit.kind)}, and received {misfits}.'
