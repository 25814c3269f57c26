"""Several processes write the shards of one load into Postgres, side by side."""

from tests.connectors.load_workers import SideBySideSuite
from tests.connectors.test_postgres import Postgres


class TestSideBySide(Postgres, SideBySideSuite):
    pass
