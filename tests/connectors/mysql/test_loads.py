"""Several processes write the shards of one load into MySQL, side by side."""

from tests.connectors.load_workers import SideBySideSuite


class TestSideBySide(SideBySideSuite):
    pass
