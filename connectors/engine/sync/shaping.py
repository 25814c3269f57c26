"""Gives tables the columns that a stream needs, and remembers what was altered. Decides nothing about rows."""

from collections.abc import Sequence

from connectors.contract import Client, Connector
from connectors.contract.ledger import LedgerEntry
from connectors.engine.sync.work import Work
from dataflow.evolution import ColumnChangeset, TableSchema, altered, diff
from dataflow.ownership import ours
from dataflow.types import Column, TableName


class Shaping:
    """The columns of one stream's tables, on one client."""

    def __init__(self, connector: Connector, client: Client) -> None:
        self._columns = connector.columns
        self._client = client

    def ensure(
        self, entry: LedgerEntry, columns: Sequence[Column], primary_key: Sequence[str], work: Work
    ) -> None:
        """Afterwards the final table has these columns. One that the ledger does not know is not ours, and stays."""
        final = entry.table
        if self._client.table_exists(final):
            self._alter(final, ours(self._difference(final, columns), entry.columns), work)
        else:
            self._client.create_table(final, columns, primary_key)

    def bring(self, table: TableName, columns: Sequence[Column], work: Work) -> None:
        """Afterwards the table has these columns of its user's, and no other."""
        self._alter(table, self._difference(table, columns), work)

    def differs(self, table: TableName, columns: Sequence[Column]) -> bool:
        """Whether the table has other columns of its user's than these."""
        return not self._difference(table, columns).is_noop

    def _difference(self, table: TableName, columns: Sequence[Column]) -> ColumnChangeset:
        expected = TableSchema({c.name: self._columns.column_type(c.kind) for c in columns})
        return diff(self._client.discover_schema(table), expected)

    def _alter(self, table: TableName, changeset: ColumnChangeset, work: Work) -> None:
        if changeset.is_noop:
            return
        rows = self._client.statistics(table).rows
        self._client.apply_changeset(table, changeset)
        work.altered |= {(each.table, each.column): each for each in altered(table, changeset, rows)}
