"""The DuckDB connector: a destination in a file, in memory, or at MotherDuck. Puts its parts together, no more."""

from collections.abc import Callable

from connectors.contract import Atomic, Connector, Statement
from connectors.duckdb.buffer import DuckDbInsertBuffer
from connectors.duckdb.client import INTERNAL_NAMESPACE, DuckDbClient
from connectors.duckdb.columns import DuckDbColumns
from connectors.duckdb.config import Config
from connectors.duckdb.database import ROW_GROUP, Database
from connectors.duckdb.errors import explain
from connectors.duckdb.rehearsal import ReadDatabase
from connectors.sql.rehearsal import rehearse
from dataflow.errors import DataflowError
from dataflow.runtime import Runtime


class DuckDbConnector:
    """Connector for one database; its clients share one DuckDB instance."""

    rows_together = ROW_GROUP
    atomic = Atomic.EVERYTHING
    streams_at_once = 1

    def __init__(self, config: Config, runtime: Runtime) -> None:
        self.runtime = runtime
        self._config = config
        self._database = Database(config, runtime)
        self.columns = DuckDbColumns()

    @property
    def default_namespace(self) -> str:
        return self._config.schema

    @property
    def internal_namespace(self) -> str:
        return INTERNAL_NAMESPACE

    def client(self) -> DuckDbClient:
        return DuckDbClient(self._database, self.runtime.requests)

    def insert_buffer(self, client: DuckDbClient) -> DuckDbInsertBuffer:
        return DuckDbInsertBuffer(client.connection)

    def rehearse(self, note: Callable[[Statement], None]) -> Connector:
        database = ReadDatabase(self._config, self.runtime)
        return rehearse(self, lambda: DuckDbClient(database), note, database.close)

    def explain(self, error: Exception) -> DataflowError:
        return explain(error)

    def close(self) -> None:
        self._database.close()
