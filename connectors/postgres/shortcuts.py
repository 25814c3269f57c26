"""What only saves time: the index on the key, the default of `_airbyte_meta`, statistics. None of it ends a sync.

Each is tried in a savepoint. What the server refuses is left undone, and said in words until somebody asks for them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, TypeVar

import psycopg
from attrs import define, field
from psycopg import errors

from connectors.contract import Recipe
from connectors.postgres.connection import PostgresConnection
from connectors.postgres.inspection import ServerInspection, Session
from connectors.sql.text import Sql, Value, sql
from dataflow.types import META, Kind, TableName

T = TypeVar("T")

# The server has no index of more columns.
MOST_COLUMNS = 32
# Errors of these classes name objects, and quote no row.
_QUOTABLE = ("42", "54")


class Savepoints(Session, Protocol):
    """A session whose transactions lie within each other."""

    @property
    def connection(self) -> PostgresConnection:
        """The connection."""
        ...

    @property
    def server(self) -> ServerInspection:
        """What the client asks."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """A savepoint, within a transaction."""
        ...


@define
class Shortcuts:
    """For one client, within its transactions."""

    _client: Savepoints
    _given_up: dict[str, None] = field(factory=dict)

    def take_warnings(self) -> Sequence[str]:
        """What was left undone since this was last asked, each once."""
        given_up, self._given_up = self._given_up, {}
        return tuple(given_up)

    def analyze(self, table: TableName, columns: Sequence[str]) -> None:
        """Let the planner know how the values of some columns are distributed."""
        with self._attempt(f"The columns of {table} were not analyzed, so merges may be slow"):
            self._client.execute(self._client.statements.analyze(table, columns))

    def set_default(self, table: TableName, meta: str, lock_limit: str) -> None:
        """Let the rows of a table have this `_airbyte_meta` where none is sent with them."""
        undone = f"The default of {META} in {table} could not be set, so it is sent with each row"
        # A reader of the table is not made to wait, nor to queue behind us, and no one needs to act on it.
        with self._attempt(undone, silent=(errors.LockNotAvailable,)):
            self._client.execute(sql("SET LOCAL lock_timeout = '100ms'"))
            self._client.execute(self._client.statements.set_default(table, META, meta))
            self._client.execute(sql("SET LOCAL lock_timeout = {}", Value(lock_limit)))

    def provide_index(self, table: TableName, recipe: Recipe) -> None:
        """Afterwards an index leads to the rows of a key, if the server has one that can. Somebody else's will do."""
        key = recipe.primary_key[:MOST_COLUMNS]
        ours = self._client.statements.key_index(table)
        for name, method, columns in self._client.server.key_indexes(table):
            if method == "btree" and set(columns[: len(key)]) == set(key):
                return
            if method == "hash" and name == ours and columns[0] in key:
                return
        undone = f"The index on the key of {table} could not be created, so merges read the whole table"
        with self._attempt(undone):
            # One of the same name is ours, on a key the stream had before.
            self._client.execute(self._client.statements.drop_key_index(table))
            if not self._tried(self._client.statements.create_key_index(table, key)):
                self._client.execute(self._client.statements.create_hash_index(table, _longest(recipe)))

    def inserting(self, table: TableName, work: Callable[[], T]) -> T:
        """Do what inserts rows. If a key is too long for an index of ours, the index is dropped, and it is done
        again.
        """
        try:
            with self._client.transaction():
                return work()
        except errors.ProgramLimitExceeded as error:
            # If a key fits on no page, the server does not say which index it is too long for.
            if error.diag.constraint_name not in (None, self._client.statements.key_index(table)):
                raise
        self._client.execute(self._client.statements.drop_key_index(table))
        return work()

    def _tried(self, create: Sql) -> bool:
        """Whether an index could be made of the keys that there are."""
        try:
            with self._client.transaction():
                self._client.execute(create)
        except errors.ProgramLimitExceeded:
            return False
        return True

    @contextmanager
    def _attempt(self, undone: str, silent: tuple[type[psycopg.Error], ...] = ()) -> Iterator[None]:
        try:
            with self._client.transaction():
                yield
        except psycopg.Error as error:
            if self._client.connection.open.broken or error.sqlstate is None:
                raise
            if not isinstance(error, silent):
                self._given_up[f"{undone}: {_reason(error)}."] = None


def _longest(recipe: Recipe) -> str:
    """The column of the key that a hash serves best: a text, if there is one, which is long and distinguishes rows."""
    kinds: Mapping[str, Any] = {each.name: each.kind for each in recipe.columns}
    texts = (name for name in recipe.primary_key if kinds[name] is Kind.STRING)
    return next(texts, recipe.primary_key[0])


def _reason(error: psycopg.Error) -> str:
    message = error.diag.message_primary
    quotable = message and error.sqlstate and error.sqlstate[:2] in _QUOTABLE
    return message if message and quotable else f"{type(error).__name__} (SQLSTATE {error.sqlstate})"
