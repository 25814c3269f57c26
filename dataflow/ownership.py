"""Decides what is remembered of a table: whose it is, and whose its columns are. Pure; reads and writes no ledger.

The ledger remembers it, in the transaction of the operation that made it so. `table_catalog` names by it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from attrs import evolve

from dataflow.errors import TransientError
from dataflow.evolution import ColumnChangeset, sparing
from dataflow.names import NamingRules, comparable
from dataflow.stream_tables import OwnedColumn, OwnedTable, StreamTables
from dataflow.types import Column, Kind, StreamName, TableName

Columns = tuple[OwnedColumn, ...]


def claimed(remembered: OwnedTable, named: StreamTables, others: Collection[TableName] = ()) -> OwnedTable:
    """The table once its stream has claimed it: with what was remembered, and what this run has named beside it.

    Tables that are repaired without a stream keep their owner. `others` are the tables that `alike` finds.

    Raises TransientError when another run has taken a name, or widened a column, after this one looked at the ledger
    and before it had the table's lock.
    """
    for other in sorted(others):
        raise TransientError(
            f"Another run has meanwhile named the table {other}, and the table {remembered.final} of stream "
            f"{named.stream} cannot exist beside it.",
            remedy="Nothing was changed. The next sync chooses other names automatically.",
        )
    names = {each.field: each.name for each in named.owned}
    fields = {each.name: each.field for each in named.owned}
    given = [
        each
        for each in remembered.columns
        if names.get(each.field, each.name) != each.name or fields.get(each.name, each.field) != each.field
    ]
    stream = remembered.stream if named.stream is None else named.stream
    if given or remembered.stream not in (None, stream):
        raise TransientError(
            f"Another run has meanwhile given names in the table {remembered.final} to "
            + (f"stream {remembered.stream}." if remembered.stream != stream else "other fields."),
            remedy="Nothing was changed. The next sync chooses other names automatically.",
        )
    kinds = {each.field: each.widened for each in named.owned}
    if any(kinds.get(each.field, each.widened) is not each.widened for each in remembered.columns):
        raise TransientError(
            f"Another run has meanwhile recorded that columns of the table {remembered.final} must be wider.",
            remedy="Nothing was changed. The next sync widens them automatically.",
        )
    joined = {each.field: each for each in remembered.columns} | {each.field: each for each in named.owned}
    return OwnedTable(final=remembered.final, stream=stream, columns=tuple(joined.values()))


def alike(
    table: TableName, stream: StreamName, remembered: Iterable[OwnedTable], rules: NamingRules
) -> Collection[TableName]:
    """The tables that may not be beside a table which its stream claims for the first time.

    They are those that the stream owns already, and those of others that the destination takes for this one.
    """
    same = comparable(table, rules)
    return {
        each.final
        for each in remembered
        if each.final != table
        and each.stream is not None
        and (each.stream == stream or comparable(each.final, rules) == same)
    }


def without(remembered: Columns, dropped: Collection[str], wanted: Sequence[Column]) -> Columns:
    """What is remembered once these columns are nowhere any more. Those that are wanted come again, and are kept."""
    gone = set(dropped) - {column.name for column in wanted}
    return tuple(each for each in remembered if each.name not in gone)


def ours(changeset: ColumnChangeset, remembered: Columns) -> ColumnChangeset:
    """The changeset that drops no column but those that are remembered: any other was made by somebody else."""
    return sparing(changeset, {each.name for each in remembered})


def widened(columns: Sequence[OwnedColumn], needs: Mapping[str, Kind]) -> tuple[OwnedColumn, ...]:
    """The columns with the kinds that the values of some fields need."""
    return tuple(evolve(each, widened=needs.get(each.field, each.widened)) for each in columns)
