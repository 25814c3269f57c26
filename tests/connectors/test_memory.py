"""The memory connector keeps the contract."""

from typing import ClassVar

import pytest

from connectors.testkit import Capabilities, ContractSuite, Destination
from tests.connectors.memory import memory_destination


class TestMemory(ContractSuite):
    capabilities: ClassVar = Capabilities(
        concurrent_transactions=False, foreign_tables=False, ledger_table=False
    )

    @pytest.fixture
    def destination(self) -> Destination:
        return memory_destination()
