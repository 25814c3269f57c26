"""One connection to a Postgres server. Composes no statement."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from connectors.postgres.quoting import query
from connectors.postgres.sessions import Access, Row
from connectors.postgres.sessions import Connection as ServerConnection
from connectors.postgres.sql import PostgresStatements
from connectors.sql.text import Sql
from dataflow.runtime.requests import COMMIT, request


class PostgresConnection:
    """A connection that writes. It is made when it is first used, and `connected` is called then."""

    def __init__(
        self, access: Access, statements: PostgresStatements, connected: Callable[[], None] = lambda: None
    ) -> None:
        self.dialect = statements.dialect
        self.statements = statements
        self.requests = access.runtime.requests
        self._access = access
        self._connected = connected
        self._connection: ServerConnection | None = None

    @property
    def open(self) -> ServerConnection:
        """The driver's own connection, for COPY and for savepoints."""
        if self._connection is None:
            self._connection = self._access.connect()
            self._connected()
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        connection = self.open
        self._access.blockers.pop(connection.info.backend_pid, None)
        try:
            with connection.transaction():
                yield
                self.requests.sending(COMMIT)
            self.requests.answered(COMMIT)
        except psycopg.errors.LockNotAvailable as error:
            if holder := self._access.blockers.get(connection.info.backend_pid):
                error.add_note(str(holder))
            raise

    def execute(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> Sequence[Row]:
        sent = query(statement)
        with request(self.requests, sent.decode()):
            cursor = self.open.execute(sent, parameters)
        return cursor.fetchall() if cursor.description else ()

    def changed(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> int:
        sent = query(statement)
        with request(self.requests, sent.decode()):
            return self.open.execute(sent, parameters).rowcount

    def execute_many(self, statement: Sql, rows: Sequence[Mapping[str, Any]]) -> None:
        sent = query(statement)
        with request(self.requests, sent.decode()), self.open.cursor() as cursor:
            cursor.executemany(sent, rows)

    def recover(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class PostgresReader(PostgresConnection):
    """A connection whose transactions only read. Overrides how it is opened."""

    @property
    def open(self) -> ServerConnection:
        if self._connection is None:
            self._connection = self._access.connect()
            self._connection.read_only = True
        return self._connection
