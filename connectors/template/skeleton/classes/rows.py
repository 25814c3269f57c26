"""What is asked of a client besides, if one commit holds rows and the ledger, and a change of tables commits by itself.

SQLite keeps more, so this works as it is. The comments say what to replace for a database that does not.
"""

from connectors.template.skeleton.package.client import SkeletonClient
from dataflow.types import TableName


class SkeletonClientOfParts(SkeletonClient):
    """A copy and a merge may come again without an answer: the framework repeats only what was rolled back.

    `overwrite_table` must be one statement that commits by itself, for example a RENAME of both tables.
    """

    def end_others(self, table: TableName, claim: str) -> bool:
        """Replace it if your database can end the sessions of another run, and say True once they have ended."""
        return False
