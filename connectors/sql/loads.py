"""The ledger's tables of loads in an SQL database: a row for each shard, and one for each file. Decides nothing."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Any

from connectors.sql.dialect import Dialect, Holds, InternalColumn
from connectors.sql.ledger_rows import KEY, KEY_COLUMNS, key_of
from connectors.sql.session import Session
from connectors.sql.text import Name, Param, Sql, all_given, given, listed, names, sql
from dataflow.errors import ConfigError
from dataflow.types import TableName
from machines.loads import LoadedFile, ShardRow

SHARD_TABLE = "_airbyte_shards"
FILE_TABLE = "_airbyte_files"

_SHARD_COLUMNS = (
    *KEY_COLUMNS,
    InternalColumn("number", Holds.INTEGER, nullable=False),
    InternalColumn("load", Holds.TEXT, nullable=False),
    InternalColumn("spec", Holds.TEXT, nullable=False),
    InternalColumn("millisecond", Holds.INTEGER, nullable=False),
    InternalColumn("rows", Holds.INTEGER),
)
# A file's name and URI may be longer than what is in a key, so a hash of both is.
_FILE_COLUMNS = (
    *KEY_COLUMNS,
    InternalColumn("file", Holds.KEY, nullable=False),
    InternalColumn("name", Holds.TEXT, nullable=False),
    InternalColumn("uri", Holds.TEXT, nullable=False),
    InternalColumn("size", Holds.INTEGER, nullable=False),
    InternalColumn("etag", Holds.TEXT, nullable=False),
    InternalColumn("load", Holds.TEXT, nullable=False),
)
SHARD_NAMES = tuple(column.name for column in _SHARD_COLUMNS)
FILE_NAMES = tuple(column.name for column in _FILE_COLUMNS)
_SHARD_KEY = SHARD_NAMES[:3]
_FILE_KEY = FILE_NAMES[:3]
_SHARD = SHARD_NAMES[2:]
_FILE = FILE_NAMES[4:]


class SqlLoads:
    """The part of a ledger that is about loads. The dialect may have locks for the row that a SELECT finds."""

    def __init__(self, session: Session, internal_namespace: str, dialect: Dialect) -> None:
        self._session = session
        self._dialect = dialect
        self._shard_place = TableName(internal_namespace, SHARD_TABLE)
        self._file_place = TableName(internal_namespace, FILE_TABLE)

    def prepare_loads(self) -> None:
        """Create what is missing of both tables."""
        self._prepare(self._shard_place, _SHARD_COLUMNS, _SHARD_KEY)
        self._prepare(self._file_place, _FILE_COLUMNS, _FILE_KEY)

    def _prepare(self, place: TableName, columns: Sequence[InternalColumn], key: Sequence[str]) -> None:
        # IF NOT EXISTS alone would demand the right to make it even where it exists.
        found = self._session.column_names(place)
        if found:
            _demand(place, [column.name for column in columns], found)
            return
        self._session.execute(
            sql(
                "CREATE TABLE IF NOT EXISTS {} ({}, PRIMARY KEY ({})){}",
                self._session.table(place),
                listed(map(self._dialect.internal_definition, columns)),
                names(key),
                self._dialect.table_options,
            )
        )

    # -- shards

    def open_shards(self, table: TableName, shards: Sequence[ShardRow]) -> None:
        """Delete what is there, and insert all of them with one statement."""
        self.forget_shards(table)
        if shards:
            self._session.execute_many(self._insert_shard, [_row_of_shard(table, shard) for shard in shards])

    def shards(self, table: TableName) -> Sequence[ShardRow]:
        """Select by the key's first columns."""
        if not self._session.column_names(self._shard_place):
            return ()
        return list(self._found(self._select_shards, key_of(table)))

    def take_shard(self, table: TableName, load: str, number: int) -> ShardRow | None:
        """Select the shard's row, and lock it with the dialect's lock."""
        wanted = {**key_of(table), "load": load, "number": number}
        return next(self._found(self._select_shard, wanted), None)

    def end_shard(self, table: TableName, load: str, number: int, rows: int) -> None:
        """Update the shard's row."""
        done = {**key_of(table), "load": load, "number": number, "rows": rows}
        self._session.execute(self._update_shard, done)

    def forget_shards(self, table: TableName) -> None:
        """Delete by the key's first columns."""
        self._session.execute(self._delete_shards, key_of(table))

    def _found(self, statement: Sql, parameters: Mapping[str, Any]) -> Iterator[ShardRow]:
        for row in self._session.execute(statement, parameters):
            yield ShardRow(**dict(zip(_SHARD, row, strict=True)))

    # -- files

    def files(self, table: TableName, name: str) -> Sequence[LoadedFile]:
        """Select by the key's first columns, and the name."""
        if not self._session.column_names(self._file_place):
            return ()
        rows = self._session.execute(self._select_files, {**key_of(table), "name": name})
        return [LoadedFile(**dict(zip(_FILE, row, strict=True))) for row in rows]

    def add_files(self, table: TableName, name: str, files: Sequence[LoadedFile]) -> None:
        """Update the rows of those that there are, and insert the others, each with one statement."""
        known = {file.uri for file in self.files(table, name)}
        changed = [_row_of_file(table, name, file) for file in files if file.uri in known]
        new = [_row_of_file(table, name, file) for file in files if file.uri not in known]
        if changed:
            self._session.execute_many(self._update_file, [_without(row, "name", "uri") for row in changed])
        if new:
            self._session.execute_many(self._insert_file, new)

    def forget_files(self, table: TableName) -> None:
        """Delete by the key's first columns."""
        if self._session.column_names(self._file_place):
            self._session.execute(self._delete_files, key_of(table))

    # -- statements

    @cached_property
    def _insert_shard(self) -> Sql:
        return _insert(self._shard_table, SHARD_NAMES)

    @cached_property
    def _select_shards(self) -> Sql:
        return sql(
            "SELECT {} FROM {} WHERE {} ORDER BY {}",
            names(_SHARD),
            self._shard_table,
            _OF_THIS,
            Name("number"),
        )

    @cached_property
    def _select_shard(self) -> Sql:
        lock = self._dialect.row_lock
        return sql("SELECT {} FROM {} WHERE {}{}", names(_SHARD), self._shard_table, _THIS_SHARD, lock)

    @cached_property
    def _update_shard(self) -> Sql:
        return sql("UPDATE {} SET {} WHERE {}", self._shard_table, given("rows"), _THIS_SHARD)

    @cached_property
    def _delete_shards(self) -> Sql:
        return sql("DELETE FROM {} WHERE {}", self._shard_table, _OF_THIS)

    @cached_property
    def _select_files(self) -> Sql:
        return sql(
            "SELECT {} FROM {} WHERE {} ORDER BY {}",
            names(_FILE),
            self._file_table,
            _OF_THIS_NAME,
            Name("uri"),
        )

    @cached_property
    def _insert_file(self) -> Sql:
        return _insert(self._file_table, FILE_NAMES)

    @cached_property
    def _update_file(self) -> Sql:
        settable = listed(map(given, ("size", "etag", "load")))
        return sql("UPDATE {} SET {} WHERE {}", self._file_table, settable, _THIS_FILE)

    @cached_property
    def _delete_files(self) -> Sql:
        return sql("DELETE FROM {} WHERE {}", self._file_table, _OF_THIS)

    @property
    def _shard_table(self) -> Name:
        return self._session.table(self._shard_place)

    @property
    def _file_table(self) -> Name:
        return self._session.table(self._file_place)


def _row_of_shard(table: TableName, shard: ShardRow) -> dict[str, Any]:
    return key_of(table) | {name: getattr(shard, name) for name in _SHARD}


def _row_of_file(table: TableName, name: str, file: LoadedFile) -> dict[str, Any]:
    hashed = sha256(f"{len(name)}:{name}{file.uri}".encode()).hexdigest()
    return key_of(table) | {"file": hashed, "name": name} | {each: getattr(file, each) for each in _FILE}


def _without(row: Mapping[str, Any], *left_out: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in left_out}


def _insert(table: Name, columns: Sequence[str]) -> Sql:
    return sql("INSERT INTO {} ({}) VALUES ({})", table, names(columns), listed(map(Param, columns)))


def _demand(place: TableName, wanted: Sequence[str], found: Collection[str]) -> None:
    missing = [name for name in wanted if name not in found]
    if missing:
        raise ConfigError(
            f"The table {place} is not the one in which this destination keeps its loads: it lacks "
            f"{', '.join(missing)}.",
            doing="inspecting the ledger",
            remedy="If another version made it, use that version. If it is something else, rename it. Nothing was "
            "changed.",
        )


_OF_THIS = all_given(KEY)
_THIS_SHARD = all_given((*KEY, "load", "number"))
_OF_THIS_NAME = all_given((*KEY, "name"))
_THIS_FILE = all_given(_FILE_KEY)
