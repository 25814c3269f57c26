"""What is asked of a client besides, if each statement commits by itself.

SQLite keeps more, so this works as it is. The comments say what to replace for a database that does not.
"""

from collections.abc import Sequence

from connectors.sql import Name, Param, names, sql
from connectors.template.skeleton.package.client import SkeletonClient
from dataflow.types import RAW_ID, Column, TableName


class SkeletonClientOfParts(SkeletonClient):
    """A merge by key may come again as it is, and so may an overwrite: a source that is gone is not asked for again.

    `overwrite_table` must be one statement.
    """

    def end_others(self, table: TableName, claim: str) -> bool:
        """Replace it if your database can end the sessions of another run, and say True once they have ended."""
        return False

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        """It may come again, so it leaves out the rows that are there."""
        copy = self.statements.copy_rows(source, target, columns)
        unless = sql(
            "{} WHERE s.{} NOT IN (SELECT {} FROM {})",
            copy,
            names([RAW_ID]),
            Name(RAW_ID),
            self.statements.table(target),
        )
        return self.changed(unless)

    def rename_table(self, table: TableName, name: TableName) -> None:
        """Wait for statements that have the table open, if your database does not."""
        self.execute(self.statements.rename_table(table, name))

    def holds_rows(self, table: TableName, first: str, last: str) -> bool:
        """Asked when an insert's answer was lost."""
        found = sql(
            "SELECT 1 FROM {} WHERE {} BETWEEN {} AND {} LIMIT 1",
            self.statements.table(table),
            Name(RAW_ID),
            Param("first"),
            Param("last"),
        )
        return bool(self.execute(found, {"first": first, "last": last}))
