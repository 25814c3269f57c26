"""A SQLite file for whole syncs."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.whole.command import Destination
from tests.whole.places import Facts, Files, Place

FACTS = Facts()


def place(_: pytest.FixtureRequest) -> Place:
    """Files."""
    return Files(sqlite_destination)


def sqlite_destination(folder: Path) -> Destination:
    """A SQLite file that does not exist yet."""
    path = folder / "it.sqlite"

    def query(statement: str) -> Sequence[Sequence[Any]]:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute(statement).fetchall()

    def execute(statement: str) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement)

    return Destination(
        name="sqlite",
        config={"destination_path": str(path)},
        folder=folder,
        query=query,
        execute=execute,
        # As SQLite calls a file's one schema too; the tables of other namespaces have a dot in their names.
        namespace="main",
        listing="SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%.%'",
        ledger='"airbyte_internal._airbyte_streams"',
    )
