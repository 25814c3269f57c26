"""A client of MariaDB that has a ledger and a journal, and nothing else: what the shared layer gives for a dialect."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, cast

import pymysql
from pymysql.constants import CLIENT

from connectors.contract import Atomic, Client, Connector
from connectors.sql.journal import SqlJournal
from connectors.sql.ledger import SqlLedger
from connectors.sql.text import Name, Param, Sql, sql
from dataflow.runtime import Runtime
from dataflow.types import TableName
from tests.connectors.sql.mariadb import MARIADB

# A quote of MariaDB's and a sign that stands for a parameter, so that nothing goes unquoted.
INTERNAL_NAMESPACE = "internal`100%s"


class MariaDbClient:
    """The ledger's and the journal's Session, on one connection."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._connection: Any = None
        self.ledger = SqlLedger(self, INTERNAL_NAMESPACE, MARIADB)
        self.journal = SqlJournal(self, INTERNAL_NAMESPACE, MARIADB)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._open.begin()
        try:
            yield
            self._open.commit()
        except BaseException:
            self._open.rollback()
            raise

    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        with self._open.cursor() as cursor:
            cursor.execute(MARIADB.render(statement), parameters)
            return list(cursor.fetchall())

    def changed(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> int:
        with self._open.cursor() as cursor:
            return int(cursor.execute(MARIADB.render(statement), parameters))

    def execute_many(self, statement: Sql, rows: Sequence[Mapping[str, Any]]) -> None:
        with self._open.cursor() as cursor:
            cursor.executemany(MARIADB.render(statement), rows)

    def table(self, table: TableName) -> Name:
        return Name(table.namespace, table.name)

    def new_name(self, table: TableName) -> Name:
        """With its namespace, since the connection has no default one."""
        return self.table(table)

    def column_names(self, table: TableName) -> Collection[str]:
        found = sql(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = {} AND table_name = {}",
            Param("namespace"),
            Param("name"),
        )
        rows = self.execute(found, {"namespace": table.namespace, "name": table.name})
        return [name for (name,) in rows]

    def create_namespace(self, namespace: str) -> None:
        self.execute(sql("CREATE DATABASE IF NOT EXISTS {}", Name(namespace)))

    def recover(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def close(self) -> None:
        self.recover()

    @property
    def _open(self) -> Any:
        if self._connection is None:
            self._connection = pymysql.connect(
                unix_socket=self._socket,
                user="root",
                charset="utf8mb4",
                autocommit=True,
                # An UPDATE says how many rows it found; else, how many it made different.
                client_flag=CLIENT.FOUND_ROWS,
                # Else a ledger row that is looked for, and is not there yet, is locked with its neighbours.
                init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
            )
        return self._connection


class MariaDbConnector:
    """What the kit's suites of the ledger and the journal ask of a connector."""

    default_namespace = "shop"
    internal_namespace = INTERNAL_NAMESPACE
    atomic = Atomic.ROWS

    def __init__(self, socket: str) -> None:
        self._socket = socket

    def client(self) -> Client:
        return cast("Client", MariaDbClient(self._socket))

    def insert_buffer(self, client: Client) -> None:
        """There is none: no test of the ledger or of the journal brings rows."""

    def close(self) -> None:
        """Its clients share nothing."""


class MariaDbDefinition:
    """Makes such connectors."""

    name: ClassVar[str] = "mariadb"
    contract: ClassVar[int] = 3

    def spec(self) -> Mapping[str, Any]:
        return {}

    def connector(self, options: Mapping[str, Any], run: str, runtime: Runtime) -> Connector:
        return cast("Connector", MariaDbConnector(options["socket"]))
