"""A shadow of a SQLite file to rehearse on: its structure and its ledger, and of each table one row. Writes into a file
of its own, in a folder of its own; the database is opened for reading, and one that is missing stays missing.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from psycopg.sql import SQL, Composed, Identifier, Literal

from connectors.contract import Statement, Writer
from connectors.ledger import TABLE as LEDGER
from connectors.sqlite.client import INTERNAL_NAMESPACE, SqliteClient, StreamLocks, being_written
from connectors.sqlite.columns import compare_numbers
from connectors.sqlite.sql import NUMBERS, SqlGenerator, full_name
from dataflow.types import RAW_ID, TableName

_STRUCTURE = (
    "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
)


class Shadow:
    """The shadow's file, which is filled when it is first asked for."""

    def __init__(self, original: Path) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="dataflow-shadow-")
        self.original = original
        self.file = Path(self._folder.name) / original.name

    def fill(self) -> None:
        """Make it like the original, unless it is there. Raises SQLite's errors."""
        if not self.file.exists() and self.original.exists():
            self._copy()

    def close(self) -> None:
        """Remove the file."""
        self._folder.cleanup()

    def _copy(self) -> None:
        # Where nobody has it open there is no log beside it, and SQLite would make one even to read.
        log = self.original.with_name(f"{self.original.name}-wal")
        how = "mode=ro" if log.exists() else "immutable=1"
        with (
            closing(sqlite3.connect(f"{self.original.as_uri()}?{how}", uri=True)) as original,
            closing(sqlite3.connect(self.file)) as shadow,
        ):
            shadow.create_collation(NUMBERS, compare_numbers)
            structure = original.execute(_STRUCTURE).fetchall()
            # What stands on a table comes after it.
            for _, _, statement in sorted(structure, key=lambda each: each[0] != "table"):
                shadow.execute(statement)
            for kind, name, _ in structure:
                if kind == "table":
                    _copy_rows(original, shadow, name)
            shadow.commit()


def _copy_rows(original: sqlite3.Connection, shadow: sqlite3.Connection, name: str) -> None:
    """All rows of the ledger, and of a table of ours one: whether it is empty decides what becomes of it."""
    table = Identifier(name)
    columns = [each for (each,) in original.execute("SELECT name FROM pragma_table_info(?)", [name])]
    if name == full_name(TableName(INTERNAL_NAMESPACE, LEDGER)):
        limit = SQL("")
    elif RAW_ID in columns:
        limit = SQL(" LIMIT 1")
    else:
        return
    places = SQL(", ").join(SQL("?") for _ in columns)
    insert = SQL("INSERT INTO {} VALUES ({})").format(table, places).as_string(None)
    shadow.executemany(
        insert, original.execute(SQL("SELECT * FROM {}{}").format(table, limit).as_string(None))
    )


class RehearsedClient(SqliteClient):
    """A client of the shadow: does all that it is asked to, and says it."""

    def __init__(self, shadow: Shadow, sql: SqlGenerator, note: Callable[[Statement], None]) -> None:
        super().__init__(shadow.file, sql)
        self._shadow = shadow
        self._note = note
        self._others = StreamLocks(shadow.original)

    @property
    def _open(self) -> sqlite3.Connection:
        self._shadow.fill()
        return super()._open

    def lock(self, table: TableName, owner: str) -> None:
        if holder := self._others.holder(table):
            raise being_written(table, holder)

    def writer(self, table: TableName) -> Writer | None:
        holder = self._others.holder(table)
        return Writer(run=holder) if holder is not None else None

    def _run(self, statement: Composed, parameters: Mapping[str, Any] | None = None) -> sqlite3.Cursor:
        text = statement.as_string(None)
        if not text.startswith("SELECT"):
            for name, value in (parameters or {}).items():
                text = text.replace(f":{name}", Literal(value).as_string(None))
            self._note(Statement(text=text))
        return super()._run(statement, parameters)
