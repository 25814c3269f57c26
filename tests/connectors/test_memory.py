"""The memory connector keeps the contract."""

from typing import Any, ClassVar
from uuid import uuid4

import pytest

from connectors.memory import DATABASES, DEFINITION
from connectors.testkit import Capabilities, ContractSuite, Destination
from dataflow.types import TableName


class TestMemory(ContractSuite):
    capabilities: ClassVar = Capabilities(foreign_tables=False)

    @pytest.fixture
    def destination(self) -> Destination:
        name = uuid4().hex

        def read(table: TableName) -> list[dict[str, Any]]:
            with DATABASES[name].busy:
                return [dict(row) for row in DATABASES[name].content.tables[table].rows]

        return Destination(
            definition=DEFINITION,
            options={"database": name},
            soft_delete={"cdc_deletion_mode": "Soft delete"},
            read=read,
            tables=lambda: set(DATABASES[name].content.tables),
        )
