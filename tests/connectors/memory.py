"""A memory destination of one's own, for tests. Its tables are read past the connector."""

from typing import Any
from uuid import uuid4

from connectors.memory.client import INTERNAL_NAMESPACE
from connectors.memory.connector import DATABASES, DEFINITION
from connectors.testkit import Destination
from dataflow.types import TableName


def memory_destination() -> Destination:
    """An empty one."""
    name = uuid4().hex

    def read(table: TableName) -> list[dict[str, Any]]:
        with DATABASES[name].busy:
            return [dict(row) for row in DATABASES[name].content.tables[table].rows]

    return Destination(
        definition=DEFINITION,
        options={"database": name},
        soft_delete={"cdc_deletion_mode": "Soft delete"},
        read=read,
        tables=lambda: {t for t in DATABASES[name].content.tables if t.namespace != INTERNAL_NAMESPACE},
    )
