"""What the memory destination is made of, and where its tables live while its process does."""

from collections.abc import Mapping
from typing import Any, ClassVar

from connectors.memory.buffer import MemoryBuffer
from connectors.memory.client import INTERNAL_NAMESPACE, Database, MemoryClient
from connectors.memory.columns import MemoryColumns
from connectors.memory.config import DELETION_MODES, MemoryConfig, configure
from dataflow.errors import DataflowError, InternalError

DATABASES: dict[str, Database] = {}


class MemoryConnector:
    """The memory destination with its options."""

    columns = MemoryColumns()
    internal_namespace = INTERNAL_NAMESPACE

    def __init__(self, config: MemoryConfig) -> None:
        self._config = config
        self._database = DATABASES.setdefault(config.database, Database())

    @property
    def default_namespace(self) -> str:
        return self._config.schema

    def client(self) -> MemoryClient:
        return MemoryClient(self._database, deletes=self._config.cdc_deletion_mode == DELETION_MODES[0])

    def insert_buffer(self, client: MemoryClient) -> MemoryBuffer:
        return MemoryBuffer(client)

    def explain(self, error: Exception) -> DataflowError:
        return InternalError(
            f"{type(error).__name__} in the memory destination.",
            remedy="Report this, with the log of this sync.",
        )

    def close(self) -> None:
        """Nothing is held open."""


class MemoryDefinition:
    """The memory destination before it is configured."""

    name: ClassVar[str] = "memory"

    def spec(self) -> Mapping[str, Any]:
        properties = {
            "database": {"type": "string", "title": "Database", "default": "memory", "order": 0},
            "schema": {"type": "string", "title": "Default schema", "default": "public", "order": 1},
            "cdc_deletion_mode": {
                "type": "string",
                "title": "CDC deletion mode",
                "enum": list(DELETION_MODES),
                "default": DELETION_MODES[0],
                "order": 2,
            },
        }
        return {
            "connectionSpecification": {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "title": "Memory Destination Spec",
                "type": "object",
                "properties": properties,
            },
            "supportsIncremental": True,
            "supported_destination_sync_modes": ["overwrite", "append", "append_dedup"],
        }

    def connector(self, options: Mapping[str, Any], run: str) -> MemoryConnector:
        return MemoryConnector(configure(options))


DEFINITION = MemoryDefinition()
