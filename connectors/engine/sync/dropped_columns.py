"""Finds out whether a statement failed because somebody dropped a column that it names. Looks; changes nothing.

The database's error alone does not say whose fault it is: a wrong statement of a connector fails in the same way.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from connectors.engine.sync.transactions import Transactions
from dataflow.errors import ConfigError, DataflowError, InternalError
from dataflow.types import Column, TableName


@contextmanager
def expecting_columns(
    transactions: Transactions, target: Callable[[], TableName], columns: Sequence[Column]
) -> Iterator[None]:
    """Around work on a table that this run has brought to these columns, with the client of these transactions.

    `target` gives the name that the table has after the work, which may rename it. An InternalError of the work becomes
    a ConfigError if one of the columns is no longer there.
    """
    try:
        yield
    except InternalError as error:
        table = target()
        missing = _missing(transactions, table, columns)
        if not missing:
            raise
        raise ConfigError(
            f"A column of {table} was renamed or dropped during the sync: {', '.join(missing)}.",
            doing=error.doing,
            attempts=error.attempts,
            remedy="Rename it back, or let the next sync add it again.",
        ) from error


def _missing(transactions: Transactions, table: TableName, columns: Sequence[Column]) -> Sequence[str]:
    client = transactions.client

    def look() -> Sequence[str]:
        if not client.table_exists(table):
            return ()
        there = client.discover_schema(table).columns
        return [each.name for each in columns if each.name not in there]

    with suppress(DataflowError):
        return transactions.once("inspecting a table", look)
    return ()
