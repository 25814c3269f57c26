"""The ledger in tables of an SQL database: a row for each entry, and one for each flush that is not yet folded into
its entry. Decides nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from connectors.contract.ledger import LedgerEntry, Owner
from connectors.sql.dialect import Dialect
from connectors.sql.ledger_format import CHECKPOINT_BEFORE, FIRST_NAMES, SECOND_NAMES, Found, LedgerFormat
from connectors.sql.ledger_rows import (
    CHECKPOINT,
    FLUSH_NAMES,
    KEY,
    NAMES,
    OWNER_NAMES,
    entry_of,
    flush_of,
    key_of,
    owner_of,
    row_of,
    row_of_flush,
    table_of,
)
from connectors.sql.loads import SqlLoads
from connectors.sql.session import Session
from connectors.sql.text import Name, Param, Sql, all_given, given, listed, names, sql
from dataflow.errors import ConfigError
from dataflow.stream_tables import OwnedTable
from dataflow.types import StreamName, TableName
from machines.flushes import FlushRow


class SqlLedger(SqlLoads):
    """A ledger in an SQL database, whose dialect may have locks for the row that a SELECT finds.

    Its statements are composed once: each transaction of a sync executes two or three of them.
    """

    def __init__(self, session: Session, internal_namespace: str, dialect: Dialect) -> None:
        self._format = LedgerFormat(session, internal_namespace, dialect)
        super().__init__(_LedgerSession(session, dialect, self._format.entries), internal_namespace, dialect)

    def prepare(self) -> None:
        """Create the ledger if it is missing, or bring one of an earlier version to today's format."""
        self._format.prepare()

    def hold(self, table: TableName) -> LedgerEntry | None:
        """Select and lock the table's row, and move its flushes into it."""
        rows = self._session.execute(self._select, key_of(table))
        found = [flush_of(row) for row in self._flush_rows(self._select_flushes, key_of(table))]
        if found:
            self._session.execute(self._delete_flushes, key_of(table))
        if not rows:
            return None
        entry = entry_of(dict(zip(NAMES, rows[0], strict=True)))
        if found:
            entry = entry.with_flushes(found)
            self.save(entry)
        return entry

    def share(self, table: TableName) -> Owner | None:
        """Select the owner, and lock the row with the dialect's shared lock."""
        for row in self._session.execute(self._select_owner, key_of(table)):
            return owner_of(table, dict(zip(OWNER_NAMES, row, strict=True)))
        return None

    def flushed(self, table: TableName, row: FlushRow[str]) -> bool:
        """Insert the flush's row, unless there is one of its key."""
        return bool(self._session.changed(self._insert_flush, row_of_flush(table, row)))

    def save(self, entry: LedgerEntry) -> None:
        """Update the table's row, or insert its first."""
        values = row_of(entry)
        if not self._session.changed(self._update, values):
            self._session.execute(self._insert, values)

    def like(self, table: TableName, stream: StreamName) -> Sequence[OwnedTable]:
        """Lock the format's row, and select by names that are compared without regard to case."""
        self._session.execute(self._lock)
        rows = self._session.execute(
            self._select_like, {"final_name": table.name, "stream_name": stream.name}
        )
        return [
            OwnedTable(
                final=TableName(*final), stream=StreamName(namespace, name) if name is not None else None
            )
            for *final, namespace, name in rows
        ]

    def entries(self) -> Sequence[LedgerEntry]:
        """Select every row, also of a ledger that is not yet in today's format."""
        match self._format.found():
            case Found.NOTHING | Found.EMPTIED:
                return ()
            case Found.FIRST:
                return self._entries_before(self._format.format, FIRST_NAMES)
            case Found.SECOND:
                return self._entries_before(self._format.entries, SECOND_NAMES)
            case Found.TODAYS:
                return self._entries_with_flushes()

    def _entries_before(self, place: TableName, columns: Sequence[str]) -> Sequence[LedgerEntry]:
        """The entries of an earlier format, which has no flushes beside them."""
        return [entry_of({**row, CHECKPOINT: row[CHECKPOINT_BEFORE]}) for row in self._all(place, columns)]

    def _entries_with_flushes(self) -> Sequence[LedgerEntry]:
        # The flushes first: those that are folded between the two statements are in their entries, and passed over.
        found: dict[TableName, list[FlushRow[str]]] = {}
        for row in self._all(self._format.flushes, FLUSH_NAMES):
            found.setdefault(table_of(row), []).append(flush_of(row))
        entries = map(entry_of, self._all(self._format.entries, NAMES))
        return [entry.with_flushes(found.get(entry.table, ())) for entry in entries]

    def _all(self, place: TableName, columns: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        table = self._session.table(place)
        statement = sql("SELECT {} FROM {} ORDER BY {}", names(columns), table, names(KEY))
        return [dict(zip(columns, row, strict=True)) for row in self._session.execute(statement)]

    def _flush_rows(self, statement: Sql, parameters: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        return [
            dict(zip(FLUSH_NAMES, row, strict=True)) for row in self._session.execute(statement, parameters)
        ]

    @cached_property
    def _select(self) -> Sql:
        return sql("SELECT {} FROM {} WHERE {}{}", names(NAMES), self._entries, _THIS, self._dialect.row_lock)

    @cached_property
    def _select_owner(self) -> Sql:
        lock = self._dialect.shared_row_lock
        return sql("SELECT {} FROM {} WHERE {}{}", names(OWNER_NAMES), self._entries, _THIS, lock)

    @cached_property
    def _select_flushes(self) -> Sql:
        # With the lock, a database with snapshots reads what was committed while the entry's lock was waited for.
        lock = self._dialect.row_lock
        return sql("SELECT {} FROM {} WHERE {}{}", names(FLUSH_NAMES), self._flushes, _THIS, lock)

    @cached_property
    def _delete_flushes(self) -> Sql:
        return sql("DELETE FROM {} WHERE {}", self._flushes, _THIS)

    @cached_property
    def _insert_flush(self) -> Sql:
        return self._dialect.insert_new(self._flushes, names(FLUSH_NAMES), listed(map(Param, FLUSH_NAMES)))

    @cached_property
    def _lock(self) -> Sql:
        return self._format.lock()

    @cached_property
    def _select_like(self) -> Sql:
        return sql(
            "SELECT {} FROM {} WHERE {} > 0 AND (lower({}) = lower({}) OR {} = {})",
            names(NAMES[:4]),
            self._entries,
            Name("epoch"),
            Name("final_name"),
            Param("final_name"),
            Name("stream_name"),
            Param("stream_name"),
        )

    @cached_property
    def _update(self) -> Sql:
        settable = listed(map(given, NAMES[2:]))
        return sql("UPDATE {} SET {} WHERE {}", self._entries, settable, _THIS)

    @cached_property
    def _insert(self) -> Sql:
        return sql("INSERT INTO {} ({}) VALUES ({})", self._entries, names(NAMES), listed(map(Param, NAMES)))

    @property
    def _entries(self) -> Name:
        return self._session.table(self._format.entries)

    @property
    def _flushes(self) -> Name:
        return self._session.table(self._format.flushes)


class _LedgerSession:
    """The statements of a ledger that was prepared: an error says if its tables are no longer as they were."""

    def __init__(self, session: Session, dialect: Dialect, entries: TableName) -> None:
        self._session = session
        self._dialect = dialect
        self._entries = entries
        self.table = session.table
        self.new_name = session.new_name
        self.column_names = session.column_names

    def execute_many(self, statement: Sql, rows: Sequence[Mapping[str, Any]]) -> None:
        """As the session does."""
        with self._expected():
            self._session.execute_many(statement, rows)

    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        """As the session does."""
        with self._expected():
            return self._session.execute(statement, parameters)

    def changed(self, statement: Sql, parameters: Mapping[str, Any] | None = None) -> int:
        """As the session does."""
        with self._expected():
            return self._session.changed(statement, parameters)

    @contextmanager
    def _expected(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if not self._dialect.names_what_is_gone(error):
                raise
            raise ConfigError(
                f"The ledger in {self._entries} is no longer in this version's format: a table or a column of it is "
                "gone.",
                remedy="All acknowledged records are safe. If another version has upgraded the ledger since this run "
                "began, run the sync again with that version. If somebody changed the ledger's tables, undo it.",
            ) from error


_THIS = all_given(KEY)
