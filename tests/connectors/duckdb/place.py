"""A DuckDB file for whole syncs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.whole.command import Destination
from tests.whole.places import Facts, Files, Place

FACTS = Facts(killed_by_make_test=True, takes_rows_in_bulk=True)


def place(_: pytest.FixtureRequest) -> Place:
    """Files."""
    return Files(duckdb_destination)


def duckdb_destination(folder: Path) -> Destination:
    """A DuckDB file that does not exist yet."""
    path = folder / "it.duckdb"

    def query(statement: str) -> Sequence[Sequence[Any]]:
        import duckdb

        with duckdb.connect(path) as connection:
            return connection.sql(statement).fetchall()

    def execute(statement: str) -> None:
        import duckdb

        with duckdb.connect(path) as connection:
            connection.execute(statement)

    return Destination(
        name="duckdb",
        config={"destination_path": str(path)},
        folder=folder,
        query=query,
        execute=execute,
        namespace="main",
    )
