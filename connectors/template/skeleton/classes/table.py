"""What is asked of a client besides, if one commit holds one table with its properties.

SQLite keeps more, so this works as it is. The comments say what to replace for a database that does not.
"""

from collections.abc import Sequence

from connectors.sql import Name, names, sql
from connectors.template.skeleton.package.client import SkeletonClient
from dataflow.types import RAW_ID, Column, TableName


class SkeletonClientOfParts(SkeletonClient):
    """A merge by key may come again as it is, and so may an overwrite: a source that is gone is not asked for again.

    `overwrite_table` must be one commit.
    """

    def end_others(self, table: TableName, claim: str) -> bool:
        """Replace it if your database can end the sessions of another run, and say True once they have ended."""
        return False

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        """It may come again, so it leaves out the rows that are there. A commit may bear the source's name instead."""
        copy = self.statements.copy_rows(source, target, columns)
        unless = sql(
            "{} WHERE s.{} NOT IN (SELECT {} FROM {})",
            copy,
            names([RAW_ID]),
            Name(RAW_ID),
            self.statements.table(target),
        )
        return self.changed(unless)
