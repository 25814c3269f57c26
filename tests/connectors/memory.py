"""A memory destination of one's own, for tests. Its tables are read past the connector."""

from typing import Any
from uuid import uuid4

from connectors.memory import DEFINITION
from connectors.memory.connector import DATABASES
from connectors.memory.ledger import INTERNAL_NAMESPACE
from connectors.testkit import Destination
from dataflow.types import TableName
from machines.parts import Atomic


def memory_destination(atomic: Atomic = Atomic.EVERYTHING) -> Destination:
    """An empty one of this class."""
    name = uuid4().hex

    def read(table: TableName) -> list[dict[str, Any]]:
        with DATABASES[name].busy:
            return [dict(row) for row in DATABASES[name].content.tables[table].rows]

    return Destination(
        definition=DEFINITION,
        options={"database": name, "atomic": str(atomic)},
        soft_delete={"cdc_deletion_mode": "Soft delete"},
        read=read,
        tables=lambda: {t for t in DATABASES[name].content.tables if t.namespace != INTERNAL_NAMESPACE},
    )
