"""The client of the Postgres destination: one connection, and the operations on tables. Composes no statement.

Needs no right beyond those of the schema's user: no extension, no temporary table, no function.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from attrs import define, field, frozen
from psycopg.sql import SQL, Composed, Placeholder

from connectors.contract import Recipe
from connectors.ledger import Ledger, SqlLedger
from connectors.postgres.columns import METADATA_TYPES
from connectors.postgres.sql import PostgresSql, lock_key, merge_columns
from dataflow.errors import ConfigError, TransientError
from dataflow.evolution import ColumnChangeset, ColumnType, TableSchema
from dataflow.types import META, METADATA_COLUMNS, Column, TableName

Row = tuple[Any, ...]

# What a session must not inherit from the server's defaults, as pg_dump sees it. Waiting for a lock is
# bounded, and so is sitting on one; a load may take as long as it takes.
SETTINGS: Mapping[str, str] = {
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "statement_timeout": "0",
    "transaction_timeout": "0",
    "lock_timeout": "60s",
    "idle_in_transaction_session_timeout": "10min",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
# The first versions of the server that know a setting, where it is not all of them.
SINCE: Mapping[str, int] = {"transaction_timeout": 170000}


@frozen(kw_only=True)
class Access:
    """How to reach the server: libpq's parameters, and how long to wait for a stream's lock, in seconds."""

    parameters: Mapping[str, Any] = field(repr=False)
    lock_wait: float = 5.0
    lock_poll: float = 0.2

    def connect(self, **more: str) -> "psycopg.Connection[Row]":
        """A new connection whose session has our settings. Raises the driver's errors."""
        connection = psycopg.connect(**{**self.parameters, **more}, autocommit=True, prepare_threshold=None)
        try:
            # What a waiting transaction reads must be what the other has just committed: the ledger's fence needs it.
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            connection.execute(_settings(connection.info.server_version))
            with suppress(psycopg.errors.InvalidParameterValue):
                # Not every system can; where it can, the server ends a killed run's statement, and its locks.
                connection.execute("SET client_connection_check_interval = '5s'")
        except BaseException:
            connection.close()
            raise
        return connection


def _settings(version: int) -> Composed:
    known = ((name, value) for name, value in SETTINGS.items() if version >= SINCE.get(name, 0))
    return SQL("SELECT {}").format(
        SQL(", ").join(SQL("set_config({}, {}, false)").format(*each) for each in known)
    )


@define
class Locks:
    """The final tables that this client keeps other runs from, on a connection of its own."""

    _access: Access
    _owners: dict[TableName, str] = field(factory=dict)
    _connection: "psycopg.Connection[Row] | None" = None

    def take(self, table: TableName, owner: str) -> None:
        """Lock a table for a run. ConfigError when a live run holds it; TransientError when that run is ending."""
        if table in self._owners:
            return
        self.renew()
        self._lock(table, owner)
        self._owners[table] = owner

    def renew(self) -> None:
        """Take again what was lost with the connection, if it was lost."""
        if not self._alive():
            self._connection = None
            for table, owner in self._owners.items():
                self._lock(table, owner)

    def release(self) -> None:
        """Give all locks up."""
        connection, self._connection, self._owners = self._connection, None, {}
        if connection is not None:
            connection.close()

    def _alive(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            self._connection.close()
            return False
        return True

    def _lock(self, table: TableName, owner: str) -> None:
        if self._connection is None:
            self._connection = self._access.connect(application_name=f"dataflow {owner}")
        key, end = lock_key(table), time.monotonic() + self._access.lock_wait
        while not self._tried(self._connection, key):
            if time.monotonic() >= end:
                raise _locked(table, self._holder(self._connection, key))
            time.sleep(self._access.lock_poll)

    @staticmethod
    def _tried(connection: "psycopg.Connection[Row]", key: int) -> bool:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone()
        return row == (True,)

    @staticmethod
    def _holder(connection: "psycopg.Connection[Row]", key: int) -> Row | None:
        return connection.execute(
            "SELECT application_name, pid, backend_start FROM pg_stat_activity JOIN pg_locks USING (pid) "
            "WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
            "AND (pg_locks.classid::bigint << 32 | pg_locks.objid::bigint) = %s "
            "AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [key],
        ).fetchone()


def _locked(table: TableName, holder: Row | None) -> ConfigError | TransientError:
    doing = f"locking {table}"
    if holder is None:
        return TransientError(f"Another run held the lock of {table}, and has just let it go.", doing=doing)
    name, pid, since = holder
    # Who may not look at other roles' sessions is not told since when.
    started = f", connected since {since:%Y-%m-%d %H:%M:%S} UTC" if since else ""
    return ConfigError(
        f'Another run is writing to {table}: "{name}", server process {pid}{started}.',
        doing=doing,
        remedy="Let it end, or stop it, then sync again. Only one sync may write to a table at a time.",
    )


class PostgresClient:
    """Both halves of the contract. Connects when it is first used."""

    def __init__(self, access: Access, sql: PostgresSql, internal_namespace: str) -> None:
        self._access = access
        self._sql = sql
        self._locks = Locks(access)
        self._connection: psycopg.Connection[Row] | None = None
        self._ledger = SqlLedger(self, [internal_namespace], SQL(" FOR UPDATE"))

    # -- the connection

    @property
    def ledger(self) -> Ledger:
        return self._ledger

    @property
    def connection(self) -> "psycopg.Connection[Row]":
        """The connection of this client, for its insert buffer."""
        if self._connection is None:
            self._connection = self._access.connect()
            self._locks.renew()
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self.connection.transaction():
            yield

    def lock(self, table: TableName, owner: str) -> None:
        self._locks.take(table, owner)

    def recover(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def close(self) -> None:
        self.recover()
        self._locks.release()

    def execute(self, statement: Composed, parameters: Mapping[str, Any] | None = None) -> Sequence[Row]:
        cursor = self.connection.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else ()

    def parameter(self, name: str) -> Placeholder:
        return Placeholder(name)

    # -- tables

    def create_namespace(self, namespace: str) -> None:
        # IF NOT EXISTS would ask for the right to create it even where it exists.
        if not self._tell(self._sql.namespace_exists(), {"namespace": namespace}):
            self.execute(self._sql.create_namespace(namespace))

    def table_exists(self, table: TableName) -> bool:
        return bool(self._tell(self._sql.table_exists(), _named(table)))

    def table_is_empty(self, table: TableName) -> bool:
        return bool(self._tell(self._sql.table_is_empty(table)))

    def count_rows(self, table: TableName) -> int:
        return int(self._tell(self._sql.count_rows(table)))

    def create_table(self, table: TableName, columns: Sequence[Column], primary_key: Sequence[str]) -> None:
        # The index on the key comes with the first merge, so that no row is loaded through it.
        self.execute(self._sql.create_table(table, columns))

    def expect_meta(self, table: TableName, meta: str) -> None:
        if self.has_default(table, META, meta):
            return
        # Whoever reads the table now is not made to wait, nor to queue behind us: then it is sent with each row.
        with suppress(psycopg.errors.LockNotAvailable), self.connection.transaction():
            self.execute(SQL("SET LOCAL lock_timeout = '100ms'").format())
            self.execute(self._sql.set_default(table, META, meta))
            self.execute(SQL("SET LOCAL lock_timeout = {}").format(SETTINGS["lock_timeout"]))

    def has_default(self, table: TableName, column: str, value: str) -> bool:
        """Whether a jsonb column has this default."""
        return bool(self._tell(self._sql.has_default(), _named(table) | {"column": column, "value": value}))

    def drop_table(self, table: TableName) -> None:
        self.execute(self._sql.drop_table(table))

    def trim_table(self, table: TableName, after: str | None) -> int:
        statement = self._sql.trim_table(table, everything=after is None)
        return self.connection.execute(statement, None if after is None else {"after": after}).rowcount

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        return self.connection.execute(self._sql.copy_table(source, target, columns)).rowcount

    def merge_table(self, source: TableName, target: TableName, recipe: Recipe) -> None:
        self.execute(self._sql.analyze(source, merge_columns(recipe)))
        first = self.table_is_empty(target)
        if not first:
            self._provide_index(target, recipe)
            if self._tell(self._sql.never_analyzed(), _named(target)):
                self.execute(self._sql.analyze(target, recipe.primary_key))
        for nulls in self._null_keys(source, recipe):
            for statement in self._sql.merge(source, target, recipe, nulls):
                self.execute(statement)
        if first:
            self._provide_index(target, recipe)

    def dedupe_table(self, table: TableName, recipe: Recipe) -> None:
        self.execute(self._sql.analyze(table, merge_columns(recipe)))
        for statement in self._sql.dedupe_table(table, recipe):
            self.execute(statement)
        # The table is about to become the final one, where the next merge looks for the index.
        self._provide_index(table, recipe)

    def overwrite_table(self, source: TableName, target: TableName) -> None:
        for statement in self._sql.overwrite_table(source, target):
            self.execute(statement)

    # -- evolution

    def discover_schema(self, table: TableName) -> TableSchema:
        rows = self.execute(self._sql.discover_schema(), _named(table))
        found = {name: ColumnType(kind, nullable) for name, kind, nullable in rows}
        _check_metadata(table, found)
        return TableSchema({name: kind for name, kind in found.items() if name not in METADATA_COLUMNS})

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        if not changeset.is_noop:
            self.execute(self._sql.apply_changeset(table, changeset))

    # -- what they share

    def _tell(self, statement: Composed, parameters: Mapping[str, Any] | None = None) -> Any:
        return self.execute(statement, parameters)[0][0]

    def _null_keys(self, source: TableName, recipe: Recipe) -> list[frozenset[str]]:
        """Which columns of the key are null together: never any, and the combinations that the source has."""
        rows = self.execute(self._sql.null_keys(source, recipe))
        names = recipe.primary_key
        found = [frozenset(n for n, null in zip(names, row, strict=True) if null) for row in rows]
        return [frozenset(), *found]

    def _provide_index(self, table: TableName, recipe: Recipe) -> None:
        """Afterwards an index leads to the rows of a key. One that somebody else made will do."""
        key = recipe.primary_key
        indexes: dict[str, list[str]] = dict(self.execute(self._sql.key_indexes(), _named(table)))
        if any(set(columns[: len(key)]) == set(key) for columns in indexes.values()):
            return
        # One of the same name is ours, on a key the stream had before.
        self.execute(self._sql.drop_key_index(table))
        self.execute(self._sql.create_key_index(table, key))


def _named(table: TableName) -> dict[str, str]:
    return {"namespace": table.namespace, "name": table.name}


def _check_metadata(table: TableName, found: Mapping[str, ColumnType]) -> None:
    if not found.keys() >= METADATA_TYPES.keys():
        raise ConfigError(
            f"The target table ({table}) already exists in the destination, but does not contain Airbyte's internal "
            "columns. Airbyte can only sync to Airbyte-controlled tables.",
            remedy="To fix this error, you must either delete the target table or add a prefix in the connection "
            "configuration in order to sync to a separate table in the destination.",
        )
    other = [name for name, kind in METADATA_TYPES.items() if found[name].type != kind.type]
    if other:
        wanted = ", ".join(f"{name} {METADATA_TYPES[name].type}" for name in other)
        raise ConfigError(
            f"The target table ({table}) was made by another version of a destination: its internal columns are "
            "not of the types used here.",
            remedy=f"Change them to {wanted} with ALTER TABLE, or delete the table, or add a prefix.",
        )
