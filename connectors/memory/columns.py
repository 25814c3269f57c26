"""How Airbyte's columns look in memory: every kind is its own type."""

from dataflow.evolution import ColumnType
from dataflow.names import NamingRules
from dataflow.types import Kind, Limits


class MemoryColumns:
    """Names are kept as they are, up to 255 bytes; every kind has a type of its own name."""

    naming = NamingRules(max_bytes=255, plain=False, ignore_case=False)
    limits = Limits()

    def column_type(self, kind: Kind) -> ColumnType:
        """The kind's own name."""
        return ColumnType(str(kind))
