"""The MySQL destination: what its options make of it. Runs no statement."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from attrs import evolve

from connectors.contract import Atomic, Connector, Statement
from connectors.contract.options import DeletionMode
from connectors.mysql.buffer import MysqlBuffer
from connectors.mysql.client import MysqlClient
from connectors.mysql.columns import MysqlColumns
from connectors.mysql.config import NO_LIMIT, MysqlConfig, url_parameters
from connectors.mysql.connection import Access, MysqlConnection, MysqlReader
from connectors.mysql.errors import explain
from connectors.mysql.locks import StreamLocks
from connectors.mysql.security import driver_parameters
from connectors.mysql.sql import MysqlStatements
from connectors.sql.detours import detour
from connectors.sql.rehearsal import rehearse
from dataflow.errors import DataflowError
from dataflow.names import physical_name
from dataflow.runtime import Runtime
from dataflow.runtime.requests import UNWATCHED


class MysqlConnector:
    """The MySQL destination with its options."""

    columns = MysqlColumns()
    rows_together = None
    atomic = Atomic.ROWS
    streams_at_once = 2

    def __init__(self, config: MysqlConfig, run: str, runtime: Runtime) -> None:
        self.runtime = runtime
        self._config = config
        self._closing = ExitStack()
        self._access = Access(
            runtime=runtime,
            parameters=_parameters(config, run),
            lock_timeout=config.lock_timeout,
            detour=detour(
                config.tunnel,
                (config.host, config.port),
                lambda at: {"host": at.host, "port": at.port},
                self._closing,
                runtime,
            ),
        )
        self._statements = MysqlStatements(hard_deletes=config.cdc_deletion_mode is DeletionMode.HARD)

    @property
    def default_namespace(self) -> str:
        return physical_name(self._config.database, self.columns.naming)

    @property
    def internal_namespace(self) -> str:
        return physical_name(self._config.internal_database, self.columns.naming)

    def client(self) -> MysqlClient:
        return self._client(MysqlConnection(self._access, self._statements))

    def insert_buffer(self, client: MysqlClient) -> MysqlBuffer:
        return MysqlBuffer(client.connection)

    def rehearse(self, note: Callable[[Statement], None]) -> Connector:
        return rehearse(self, lambda: self._client(MysqlReader(self._access, self._statements)), note)

    def explain(self, error: Exception) -> DataflowError:
        return explain(error)

    def close(self) -> None:
        self._closing.close()

    def _client(self, connection: MysqlConnection) -> MysqlClient:
        # What the locks send outlives no connection.
        unwatched = evolve(
            self._access,
            runtime=evolve(self.runtime, requests=UNWATCHED),
            # The session with the locks is idle for as long as the sync takes.
            idle_timeout=NO_LIMIT,
        )
        locks = StreamLocks(
            MysqlConnection(unwatched, self._statements), self.internal_namespace, self.runtime
        )
        return MysqlClient(connection, locks, self.internal_namespace)


def _parameters(config: MysqlConfig, run: str) -> dict[str, Any]:
    there = {"unix_socket": config.host} if config.host.startswith("/") else {"host": config.host}
    return {
        "connect_timeout": 30,
        **url_parameters(config.jdbc_url_params or ""),
        **there,
        "port": config.port,
        "user": config.username,
        "password": config.password or "",
        "program_name": f"dataflow {run}",
        **driver_parameters(config.ssl_mode, config.host, wanted=config.ssl),
    }
