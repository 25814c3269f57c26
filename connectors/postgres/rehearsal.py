"""What a dry run on a Postgres server has of its own: the locks that statements take, and questions about foreseen
tables.

The rest is `connectors.sql.rehearsal`. The server is asked in read-only transactions.
"""

from collections.abc import Callable, Sequence
from typing import cast

from attrs import define, evolve, field

from connectors.contract import Client, ColumnUtils, Connector, Recipe, Statement
from connectors.postgres import evolution
from connectors.postgres.client import PostgresClient
from connectors.postgres.columns import POSTGRES
from connectors.postgres.connection import PostgresReader
from connectors.postgres.inspection import ServerInspection, Session
from connectors.postgres.merging import Merging
from connectors.postgres.sessions import Connection as ServerConnection
from connectors.postgres.shortcuts import Savepoints, Shortcuts
from connectors.postgres.statistics import default_grants
from connectors.postgres.swap import Belongings, Grant
from connectors.sql.client import SqlClient
from connectors.sql.foresight import Foresight, RehearsedClient
from connectors.sql.rehearsal import RehearsedConnection, RehearsedConnector, RehearsedInspection
from connectors.sql.text import sql
from dataflow.evolution import ColumnChangeset
from dataflow.types import TableName

# The documentation's table of lock modes, for the statements that are sent here.
_LOCKS: Sequence[tuple[str, str]] = (
    ("ALTER INDEX", "SHARE UPDATE EXCLUSIVE"),
    ("ALTER TABLE", "ACCESS EXCLUSIVE"),
    ("ANALYZE", "SHARE UPDATE EXCLUSIVE"),
    ("CREATE INDEX", "SHARE"),
    ("COMMENT ON TABLE", "SHARE UPDATE EXCLUSIVE"),
    ("DELETE", "ROW EXCLUSIVE"),
    ("DROP", "ACCESS EXCLUSIVE"),
    ("INSERT", "ROW EXCLUSIVE"),
    ("UPDATE", "ROW EXCLUSIVE"),
)


@define
class Expected:
    """What all clients of one rehearsal expect, beside its foresight.

    `indexed` and `analyzed` are keys and tables for which the statements were noted. `views` are those that a statement
    drops, by its text.
    """

    foresight: Foresight
    indexed: set[tuple[TableName, frozenset[str]]] = field(factory=set)
    analyzed: set[TableName] = field(factory=set)
    views: dict[str, TableName] = field(factory=dict)

    def noted(self, statement: Statement) -> Statement:
        """The statement, with its lock and the view that it drops."""
        locks = (lock for verb, lock in _LOCKS if statement.text.startswith(verb))
        return evolve(statement, lock=next(locks, ""), drops=self.views.get(statement.text))


class ReadConnection(RehearsedConnection):
    """Adds the driver's own connection, for savepoints."""

    def __init__(self, real: PostgresReader, note: Callable[[Statement], None]) -> None:
        super().__init__(real, note)
        self._reader = real

    @property
    def open(self) -> ServerConnection:
        """The driver's own connection."""
        return self._reader.open


class RehearsedServer(ServerInspection):
    """The server's answers, as far as what is foreseen does not change them. Overrides the questions that it does."""

    def __init__(self, session: Session, expected: Expected) -> None:
        super().__init__(session)
        self._expected = expected

    def has_default(self, table: TableName, column: str, value: str) -> bool:
        return not self._made(table) and super().has_default(table, column, value)

    def never_analyzed(self, table: TableName) -> bool:
        """Once: a table of which this is true is analyzed then."""
        if table in self._expected.analyzed:
            return False
        self._expected.analyzed.add(table)
        return super().never_analyzed(table)

    def worth_looking_up(self, source: TableName, target: TableName) -> bool:
        """It is not foreseen how many keys there will be."""
        return False

    def see_all_rows(self, table: TableName) -> None:
        if not self._made(table):
            super().see_all_rows(table)

    def views_in_the_way(self, table: TableName, changeset: ColumnChangeset) -> list[tuple[str, TableName]]:
        if self._made(table):
            return []
        views = super().views_in_the_way(table, changeset)
        statements = self._session.statements
        self._expected.views |= {POSTGRES.render(statements.drop_view(*each)): each[1] for each in views}
        return views

    def require_no_view(self, table: TableName, changeset: ColumnChangeset) -> None:
        """ConfigError as the server gives it, which is not sent the change."""
        views = () if self._session.statements.drop_cascade else self.views_in_the_way(table, changeset)
        if views:
            shown = (
                f"{kind.lower()} {view} uses a column that is dropped or changed" for kind, view in views
            )
            raise evolution.refusal(table, *shown)

    def belongings(self, table: TableName) -> Belongings:
        # A table that is not there was made by a statement that was noted.
        if not self._made(table) and self._session.column_names(table):
            return super().belongings(table)
        ((owner,),) = self._session.execute(sql("SELECT current_user"))
        given = self._session.execute(default_grants(), {"namespace": table.namespace})
        return Belongings(owner=owner, grants=frozenset(Grant(*each) for each in given))

    def null_keys(self, source: TableName, merging: Merging) -> list[frozenset[str]]:
        return [frozenset()] if self._made(source) else super().null_keys(source, merging)

    def _made(self, table: TableName) -> bool:
        return self._expected.foresight.made(table)


class RehearsedShortcuts(Shortcuts):
    """Overrides what asks for an index that was noted."""

    def __init__(self, client: Savepoints, expected: Expected) -> None:
        super().__init__(client)
        self._expected = expected

    def provide_index(self, table: TableName, recipe: Recipe) -> None:
        index = (table, frozenset(recipe.primary_key))
        if index not in self._expected.indexed:
            super().provide_index(table, recipe)
            self._expected.indexed.add(index)


class RehearsedRun(RehearsedClient):
    """Overrides `lock`, whose errors say what the server shows of the other run."""

    def __init__(self, real: PostgresClient, expected: Expected, columns: ColumnUtils) -> None:
        super().__init__(real, expected.foresight, columns)
        self._client = real

    def lock(self, table: TableName, owner: str) -> None:
        """Refuse if a live run holds the lock, and take none."""
        self._client.require_free(table)


def rehearse(
    real: Connector,
    client: Callable[[], PostgresClient],
    reader: Callable[[], PostgresReader],
    note: Callable[[Statement], None],
) -> Connector:
    """A rehearsal of a connector: each client of it is made by `client`, and given a connection by `reader`."""
    expected = Expected(Foresight(note))

    def rehearsed() -> Client:
        it = client()
        _foresee(it, it, ReadConnection(reader(), lambda each: note(expected.noted(each))), expected)
        return cast("Client", RehearsedRun(it, expected, real.columns))

    return cast("Connector", RehearsedConnector(real, rehearsed, lambda: None))


def _foresee(
    client: PostgresClient, shared: SqlClient, connection: ReadConnection, expected: Expected
) -> None:
    """Let a client, which is also the `shared` one, send no change and answer as if it had."""
    shared.connection = connection
    shared.inspection = RehearsedInspection(connection, expected.foresight)
    client.server = RehearsedServer(client, expected)
    client.shortcuts = RehearsedShortcuts(client, expected)
