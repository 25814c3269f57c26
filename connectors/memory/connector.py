"""What the memory destination is made of, and where its tables live while its process does."""

from collections.abc import Callable

from connectors.contract import Atomic, Statement
from connectors.memory.buffer import MemoryBuffer
from connectors.memory.client import MemoryClient
from connectors.memory.columns import MemoryColumns
from connectors.memory.config import MemoryConfig
from connectors.memory.database import Database
from connectors.memory.ledger import INTERNAL_NAMESPACE
from dataflow.errors import DataflowError, InternalError
from dataflow.runtime import Runtime

DATABASES: dict[str, Database] = {}


class MemoryConnector:
    """The memory destination with its options."""

    columns = MemoryColumns()
    internal_namespace = INTERNAL_NAMESPACE
    rows_together = None
    streams_at_once = 1

    def __init__(self, config: MemoryConfig, runtime: Runtime) -> None:
        self.runtime = runtime
        self._config = config
        self._database = DATABASES.setdefault(config.database, Database(runtime.threads.lock()))

    @property
    def atomic(self) -> Atomic:
        return self._config.atomic

    @property
    def default_namespace(self) -> str:
        return self._config.schema

    @property
    def database(self) -> Database:
        """The database itself, for code that reads its tables past every client."""
        return self._database

    def forget(self) -> None:
        """Let the database go, with all that is in it."""
        DATABASES.pop(self._config.database, None)

    def client(self) -> MemoryClient:
        return MemoryClient(
            self._database, self.atomic, self.runtime.requests, deletes=self._config.hard_deletes
        )

    def insert_buffer(self, client: MemoryClient) -> MemoryBuffer:
        return MemoryBuffer(client)

    def rehearse(self, note: Callable[[Statement], None]) -> "MemoryConnector":
        """Content never changes, it is replaced: a holder of a copy changes nothing here."""
        rehearsing = MemoryConnector(self._config, self.runtime)
        rehearsing._database = Database(
            self.runtime.threads.lock(), self._database.content, owners=dict(self._database.owners)
        )
        return rehearsing

    def explain(self, error: Exception) -> DataflowError:
        return InternalError(
            f"{type(error).__name__} in the memory destination.",
            remedy="Report this, with the log of this sync.",
        )

    def close(self) -> None:
        """Nothing is held open."""
