"""A client that rehearses on a Postgres server: asks it in read-only transactions, and says what it would have sent.

The statements are composed by the client's own code. What they would have changed is foreseen here, as far as the
client asks about it again: which tables there are, their columns, whether they are empty, and their key's index.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import psycopg
from attrs import define, evolve, field, frozen

from connectors.contract import Recipe, Statement, Statistics
from connectors.contract.ledger import LedgerEntry
from connectors.postgres import evolution
from connectors.postgres.client import PostgresClient
from connectors.postgres.columns import POSTGRES
from connectors.postgres.inspection import Inspection, Session
from connectors.postgres.locks import gone, refusal
from connectors.postgres.merging import Merging
from connectors.postgres.quoting import query
from connectors.postgres.sessions import Access, Row
from connectors.postgres.sql import PostgresStatements
from connectors.postgres.statistics import any_up_to, default_grants
from connectors.postgres.swap import Belongings, Grant
from connectors.sql.ledger import SqlLedger
from connectors.sql.text import NOTHING, Sql, sql
from dataflow.evolution import ColumnChangeset, TableSchema
from dataflow.types import Column, TableName

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


_QUESTIONS = ("SELECT", "WITH")


@frozen
class Foreseen:
    """A table as it would be by now. `made`: the rehearsal made it, and what has its name now is another."""

    schema: TableSchema
    empty: bool
    made: bool = False


@define
class Foresight:
    """What all clients of one rehearsal have changed in it, and the receiver of its notes. None: a table that is no
    more.
    """

    note: Callable[[Statement], None]
    tables: dict[TableName, Foreseen | None] = field(factory=dict)
    indexed: set[tuple[TableName, frozenset[str]]] = field(factory=set)
    analyzed: set[TableName] = field(factory=set)

    def made(self, table: TableName) -> bool:
        """Whether the rehearsal made the table: the server knows nothing of it."""
        foreseen = self.tables.get(table)
        return foreseen is not None and foreseen.made


class RehearsedLedger(SqlLedger):
    """The ledger, read without locking it; there need be none."""

    def __init__(self, client: PostgresClient, internal_namespace: str) -> None:
        super().__init__(client, internal_namespace, evolve(POSTGRES, row_lock=NOTHING))
        self._client = client

    def hold(self, table: TableName) -> LedgerEntry | None:
        # As it is: what would be prepared was not.
        return self._as_it_is.get(table)

    @cached_property
    def _as_it_is(self) -> Mapping[TableName, LedgerEntry]:
        return {entry.table: entry for entry in self.entries()}


class RehearsedInspection(Inspection):
    """The questions, whose answers take into account what is foreseen."""

    def __init__(self, session: Session, statements: PostgresStatements, foresight: Foresight) -> None:
        super().__init__(session, statements)
        self._foresight = foresight

    def has_default(self, table: TableName, column: str, value: str) -> bool:
        return not self._foresight.made(table) and super().has_default(table, column, value)

    def never_analyzed(self, table: TableName) -> bool:
        return table not in self._foresight.analyzed and super().never_analyzed(table)

    def see_all_rows(self, table: TableName) -> None:
        if not self._foresight.made(table):
            super().see_all_rows(table)

    def views_in_the_way(self, table: TableName, changeset: ColumnChangeset) -> list[tuple[str, TableName]]:
        return [] if self._foresight.made(table) else super().views_in_the_way(table, changeset)

    def belongings(self, table: TableName) -> Belongings:
        # One that was dropped is asked about again when another was made in its place.
        dropped = table in self._foresight.tables and self._foresight.tables[table] is None
        if not (dropped or self._foresight.made(table)):
            return super().belongings(table)
        ((owner,),) = self._session.execute(sql("SELECT current_user"))
        given = self._session.execute(default_grants(), {"namespace": table.namespace})
        return Belongings(owner=owner, grants=frozenset(Grant(*each) for each in given))

    def null_keys(self, source: TableName, merging: Merging) -> list[frozenset[str]]:
        return [frozenset()] if self._foresight.made(source) else super().null_keys(source, merging)


class RehearsedClient(PostgresClient):
    """The client whose changes are only foreseen."""

    def __init__(
        self, access: Access, statements: PostgresStatements, internal_namespace: str, foresight: Foresight
    ) -> None:
        super().__init__(access, statements, internal_namespace)
        self.ledger = RehearsedLedger(self, internal_namespace)
        self._foresight = foresight
        self.inspection = RehearsedInspection(self, statements, foresight)

    @property
    def connection(self) -> "psycopg.Connection[Row]":
        if self._connection is None:
            self._connection = self._access.connect()
            self._connection.read_only = True
        return self._connection

    def lock(self, table: TableName, owner: str) -> None:
        with self.transaction():
            holder = self.holder(table)
        if holder is not None and not gone(holder, self._access):
            raise refusal(table, holder, self._access)

    def execute(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> Sequence[Row]:
        if POSTGRES.render(statement).startswith(_QUESTIONS):
            return super().execute(statement, parameters)
        self._note(statement, parameters)
        return ()

    def changed(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> int:
        self.execute(statement, parameters)
        return 0

    def _note(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None, drops: TableName | None = None
    ) -> None:
        text = psycopg.ClientCursor(self.connection).mogrify(query(statement), parameters)
        locks = (lock for verb, lock in _LOCKS if text.startswith(verb))
        self._foresight.note(Statement(text=text, lock=next(locks, ""), drops=drops))

    # -- what is foreseen

    def statistics(self, table: TableName) -> Statistics:
        return Statistics() if self._foresight.made(table) else super().statistics(table)

    def table_exists(self, table: TableName) -> bool:
        if table in self._foresight.tables:
            return self._foresight.tables[table] is not None
        return super().table_exists(table)

    def table_is_empty(self, table: TableName) -> bool:
        foreseen = self._foresight.tables.get(table)
        return foreseen.empty if foreseen else super().table_is_empty(table)

    def discover_schema(self, table: TableName) -> TableSchema:
        foreseen = self._foresight.tables.get(table)
        return foreseen.schema if foreseen else super().discover_schema(table)

    def prefer_looking_up(self, source: TableName, target: TableName) -> None:
        """Changes no table; and how many keys there will be to look up is not foreseen."""

    def provide_index(self, table: TableName, recipe: Recipe) -> None:
        index = (table, frozenset(recipe.primary_key))
        if index not in self._foresight.indexed:
            super().provide_index(table, recipe)
            self._foresight.indexed.add(index)

    # -- what changes it

    def create_table(self, table: TableName, columns: Sequence[Column], primary_key: Sequence[str]) -> None:
        super().create_table(table, columns, primary_key)
        kinds = {each.name: self.statements.dialect.column_type(each.kind) for each in columns}
        self._foresight.tables[table] = Foreseen(TableSchema(kinds), empty=True, made=True)

    def drop_table(self, table: TableName) -> None:
        super().drop_table(table)
        self._foresight.tables[table] = None

    def trim_table(self, table: TableName, after: str | None) -> int:
        deleted = super().trim_table(table, after)
        kept = after is not None and bool(self.execute(any_up_to(table), {"last": after})[0][0])
        self._foresee(table, empty=not kept)
        return deleted

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        copied = super().copy_table(source, target, columns)
        self._foresee(target, empty=self.table_is_empty(source) and self.table_is_empty(target))
        return copied

    def merge_table(self, source: TableName, target: TableName, recipe: Recipe) -> None:
        first = self.table_is_empty(target)
        super().merge_table(source, target, recipe)
        if not first:
            self._foresight.analyzed.add(target)
        self._foresee(target, empty=self.table_is_empty(source) and self.table_is_empty(target))

    def overwrite_table(self, source: TableName, target: TableName) -> str:
        moved = Foreseen(self.discover_schema(source), empty=self.table_is_empty(source))
        way = super().overwrite_table(source, target)
        self._foresight.tables |= {target: moved, source: None}
        return way

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        columns = {
            n: kind for n, kind in self.discover_schema(table).columns.items() if n not in changeset.drop
        }
        columns |= {n: change.new for n, change in changeset.change.items()} | dict(changeset.add)
        super().apply_changeset(table, changeset)
        self._foresee(table, schema=TableSchema(columns))

    def drop_view(self, kind: str, view: TableName) -> None:
        self._note(self.statements.drop_view(kind, view), drops=view)

    def _change_columns(self, table: TableName, changeset: ColumnChangeset) -> None:
        # The server would say so of a statement that is only noted here.
        views = () if self.statements.drop_cascade else self.inspection.views_in_the_way(table, changeset)
        if views:
            shown = (
                f"{kind.lower()} {view} uses a column that is dropped or changed" for kind, view in views
            )
            raise evolution.refusal(table, *shown)
        super()._change_columns(table, changeset)

    def _foresee(self, table: TableName, **changes: Any) -> None:
        now = self._foresight.tables.get(table) or Foreseen(
            self.discover_schema(table), empty=self.table_is_empty(table)
        )
        self._foresight.tables[table] = evolve(now, **changes)
