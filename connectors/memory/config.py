"""The options of the memory destination. Checks them; creates nothing."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from connectors.contract import Atomic
from connectors.contract.options import DeletionMode
from connectors.contract.specification import option, read, specification


@frozen(kw_only=True)
class MemoryConfig:
    """The options by their keys. Made by `configure`, which checks them."""

    database: str = field(
        default="memory",
        metadata=option(
            "Database",
            "Its name within this process; destinations with the same name share it.",
            minLength=1,
        ),
    )
    schema: str = field(
        default="public",
        metadata=option(
            "Default schema", "The schema for tables of streams without a namespace.", minLength=1
        ),
    )
    cdc_deletion_mode: DeletionMode = field(
        default=DeletionMode.HARD,
        metadata=option(
            "CDC deletion mode",
            "Whether a row deleted in the source is removed, or replaced by the values of the deletion's record, with "
            "_ab_cdc_deleted_at set.",
        ),
    )

    atomic: Atomic = field(
        default=Atomic.EVERYTHING,
        metadata=option(
            "Atomicity",
            "What of an operation one commit holds: everything, rows and the ledger, one statement, or one table.",
        ),
    )

    @property
    def hard_deletes(self) -> bool:
        """Whether a record that deletes a row removes it."""
        return self.cdc_deletion_mode is DeletionMode.HARD


def configure(options: Mapping[str, Any]) -> MemoryConfig:
    """The checked options. Raises ConfigError with every complaint about them."""
    return read(MemoryConfig, options)


def spec() -> Mapping[str, Any]:
    """The protocol's ConnectorSpecification."""
    return specification(
        MemoryConfig,
        "Memory Destination Spec",
        documentation="https://docs.airbyte.com/understanding-airbyte/airbyte-protocol",
        groups={},
    )
