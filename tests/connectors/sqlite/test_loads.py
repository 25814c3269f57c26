"""Several processes write the shards of one load into a SQLite file, one after the other."""

from pathlib import Path

import pytest

from connectors.sqlite import DEFINITION
from connectors.template.sqlite.test_contract import Look
from connectors.testkit import Destination
from tests.connectors.load_workers import ProcessesSuite


class TestProcesses(ProcessesSuite):
    @pytest.fixture
    def destination(self, tmp_path: Path) -> Destination:
        look = Look(tmp_path / "it.sqlite")
        return Destination(
            definition=DEFINITION,
            options={"destination_path": str(tmp_path / "it.sqlite")},
            soft_delete={},
            read=look.read,
            tables=look.tables,
        )
