"""The Postgres destination: what its options make of it. Runs no statement."""

from collections.abc import Callable
from contextlib import ExitStack

from attrs import evolve

from connectors.contract import Atomic, Connector, Statement
from connectors.contract.options import DeletionMode
from connectors.postgres.buffer import PostgresBuffer
from connectors.postgres.certificates import certificates
from connectors.postgres.client import PostgresClient
from connectors.postgres.columns import NAMING, PostgresColumns
from connectors.postgres.config import PostgresConfig, connection_parameters
from connectors.postgres.connection import PostgresReader
from connectors.postgres.errors import DARK, explain
from connectors.postgres.rehearsal import rehearse
from connectors.postgres.sessions import Access
from connectors.postgres.sql import PostgresStatements
from connectors.sql.detours import detour
from connectors.sql.errors import TRY_AGAIN
from dataflow.errors import DataflowError, TransientError
from dataflow.names import physical_name
from dataflow.runtime import Runtime


class PostgresConnector:
    """The Postgres destination with its options. `run` names this process to other sessions of the server."""

    rows_together = None
    # The server works on one while we encode the other; with three of them nothing was faster on two cores.
    atomic = Atomic.EVERYTHING
    streams_at_once = 2

    def __init__(self, config: PostgresConfig, run: str, runtime: Runtime) -> None:
        self.runtime = runtime
        self._config = config
        self._closing = ExitStack()
        files = certificates(config, self._closing)
        self._access = Access(
            runtime=runtime,
            parameters=connection_parameters(config, run, files),
            detour=detour(
                config.tunnel,
                (config.host, config.port),
                lambda at: {"hostaddr": at.host, "port": str(at.port)},
                self._closing,
                runtime,
            ),
            lock_timeout=config.lock_timeout,
            statement_timeout=config.statement_timeout,
        )
        self.columns = PostgresColumns(unconstrained=config.unconstrained_number)
        self._statements = PostgresStatements(
            dialect=self.columns.dialect,
            hard_deletes=config.cdc_deletion_mode is DeletionMode.HARD,
            drop_cascade=config.drop_cascade,
        )

    @property
    def default_namespace(self) -> str:
        return physical_name(self._config.schema, NAMING)

    @property
    def internal_namespace(self) -> str:
        return physical_name(self._config.internal_schema, NAMING)

    def client(self) -> PostgresClient:
        return PostgresClient(self._access, self._statements, self.internal_namespace)

    def insert_buffer(self, client: PostgresClient) -> PostgresBuffer:
        return PostgresBuffer(client)

    def rehearse(self, note: Callable[[Statement], None]) -> Connector:
        return rehearse(self, self.client, lambda: PostgresReader(self._access, self._statements), note)

    def explain(self, error: Exception) -> DataflowError:
        meant = explain(
            error,
            user=self._config.username,
            database=self._config.database,
            internal=self.internal_namespace,
        )
        if isinstance(meant, TransientError) and self._access.network.dark:
            return evolve(meant, remedy=DARK + TRY_AGAIN)
        return meant

    def close(self) -> None:
        self._closing.close()
