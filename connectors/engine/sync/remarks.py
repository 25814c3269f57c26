"""What a performed part has to say to a person, in sentences for the log and the journal. Looks at nothing."""

from dataflow.types import Kind, TableName
from machines.parts import Atomic


def was_emptied(temp: TableName) -> str:
    """Rows that a STATE covers are gone from temp, and the table is not."""
    return (
        f"the temp table {temp} was emptied, although a STATE covers rows of it. The sync continues without them; "
        "refresh the stream to load them again."
    )


def to_be_widened(field: str, kind: Kind) -> str:
    """The ledger says that a column needs another kind."""
    return f'the next sync makes the column of "{field}" one of the kind {kind}'


def may_be_at_work(atomic: Atomic) -> str:
    """A claim could not end what earlier ones sent: what a statement of theirs may yet do, in this class."""
    creates = (
        "the database does not say whether a statement of an earlier run is still at work: it may yet create an empty "
        "temp table, which the next claim drops"
    )
    if atomic is Atomic.TABLE:
        return creates
    return (
        f"{creates}, or change the table's columns, which the next sync changes back, without the values of a column "
        "that was dropped"
    )
