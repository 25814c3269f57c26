"""A shadow of a SQLite file to rehearse on: its structure, its ledger, and one row of each of our tables. Writes into a
file of its own, in a folder of its own; the database is opened for reading, and one that is missing stays missing.
"""

import sqlite3
import tempfile  # noqa: TID251 - a file of its own
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from connectors.contract import Statement
from connectors.sql.file_locks import StreamLocks
from connectors.sql.ledger_rows import TABLES as LEDGER_TABLES
from connectors.sql.refusals import in_use
from connectors.sql.text import NOTHING, Name, Place, Sql, Value, listed, names, sql
from connectors.sqlite.client import INTERNAL_NAMESPACE, SqliteClient
from connectors.sqlite.columns import SQLITE, SqliteColumns
from connectors.sqlite.sql import Built, SqliteStatements, full_name
from dataflow.runtime import Runtime
from dataflow.types import RAW_ID, TableName

# What the database is called beside its shadow.
_ORIGINAL = "_airbyte_original"
_LEDGER = tuple(full_name(TableName(INTERNAL_NAMESPACE, name)) for name in LEDGER_TABLES)
_CHANGES = ("ALTER", "CREATE", "DELETE", "DROP", "INSERT", "UPDATE")


class Shadow:
    """The shadow, copied when it is first used. Safe to use from several threads."""

    def __init__(self, original: Path, runtime: Runtime) -> None:
        self.original = original
        self.runtime = runtime
        self._folder = tempfile.TemporaryDirectory(prefix="dataflow-shadow-")
        self._copying = runtime.threads.lock()
        self._copied = False
        # The shadow does without them: what they call need not be there. Known once it is provided.
        self.triggers: Sequence[Built] = ()
        self.file = Path(self._folder.name) / original.name

    def provide(self) -> None:
        """Afterwards there is a shadow, if there is a database. Raises SQLite's errors."""
        with self._copying:
            if not self._copied and self.original.exists():
                with closing(sqlite3.connect(self.file, isolation_level=None, uri=True)) as shadow:
                    self.triggers = _copy(self.original, shadow)
            self._copied = True

    def close(self) -> None:
        """Leave nothing of it. May be called twice."""
        self._folder.cleanup()


class RehearsedClient(SqliteClient):
    """A client of the shadow: does all that it is asked to, and says it."""

    def __init__(self, shadow: Shadow, sql: SqliteStatements, note: Callable[[Statement], None]) -> None:
        super().__init__(shadow.file, sql, shadow.runtime)
        self._locks = StreamLocks(shadow.original, SqliteColumns.naming, shadow.runtime)
        self._shadow = shadow
        self._note = note

    def lock(self, table: TableName, owner: str) -> None:
        """Refuses where the lock is taken, and takes none."""
        if holder := self._locks.taken(table):
            raise in_use(table, holder)

    def built(self) -> Sequence[Built]:
        # One that was built again by the rehearsal is in both.
        return sorted({*super().built(), *self._shadow.triggers})

    @property
    def _open(self) -> sqlite3.Connection:
        new = self._connection is None
        if new:
            self._shadow.provide()
        connection = super()._open
        if new:
            # Reported by SQLite itself, with the values in their places.
            connection.set_trace_callback(self._traced)
        return connection

    def _traced(self, text: str) -> None:
        if text.startswith(_CHANGES):
            self._note(Statement(text=text))


def _copy(file: Path, shadow: sqlite3.Connection) -> Sequence[Built]:
    """Make the shadow; the triggers that were left out."""

    def do(statement: Sql, *values: str) -> list[tuple[str, ...]]:
        return shadow.execute(SQLITE.render(statement), values).fetchall()

    original = Name(_ORIGINAL)
    do(sql("PRAGMA legacy_alter_table = ON"))
    do(sql("ATTACH {} AS {}", Place(), original), _address(file))
    # The tables first, and what stands on them after. SQLite's own come by themselves, and so do virtual ones' parts.
    made = do(
        sql(
            "SELECT sql FROM {}.sqlite_master WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*' "
            "AND sql NOT LIKE 'CREATE VIRTUAL %' AND type IN ('table', 'index', 'view') "
            "ORDER BY type <> 'table', type",
            original,
        )
    )
    for (statement,) in made:
        shadow.execute(statement)
    marked = do(
        sql(
            "SELECT name FROM {}.sqlite_master AS t WHERE type = 'table' AND (name IN ({}) "
            "OR {} IN (SELECT c.name FROM pragma_table_info(t.name, {}) AS c))",
            original,
            listed(map(Value, _LEDGER)),
            Value(RAW_ID),
            Value(_ORIGINAL),
        )
    )
    for (name,) in marked:
        # Whether a table is empty decides what becomes of it; one row is enough to know.
        limit = NOTHING if name in _LEDGER else sql(" LIMIT 1")
        columns = do(
            sql("SELECT name FROM pragma_table_info({}, {}) ORDER BY cid", Place(), Place()), name, _ORIGINAL
        )
        do(
            sql(
                "INSERT INTO main.{name} ({columns}) SELECT {columns} FROM {original}.{name}{limit}",
                original=original,
                name=Name(name),
                columns=names(column for (column,) in columns),
                limit=limit,
            )
        )
    triggers = do(
        sql("SELECT type, name, tbl_name, sql FROM {}.sqlite_master WHERE type = 'trigger'", original)
    )
    do(sql("DETACH {}", original))
    return [Built(*each) for each in triggers]


def _address(file: Path) -> str:
    """The file, to be read only. A file that nobody writes to is read without making a log beside it.

    A writer has a log of either kind there: ours is `-wal`, that of programs with SQLite's default `-journal`.
    """
    logs = (file.with_name(f"{file.name}-{kind}") for kind in ("wal", "journal"))
    still = "" if any(log.exists() for log in logs) else "&immutable=1"
    return f"{file.absolute().as_uri()}?mode=ro{still}"
