"""The database as a rehearsal sees it: opened for reading. One that is missing stays missing, and has no tables."""

from pathlib import Path

import duckdb

from connectors.duckdb.columns import DUCKDB
from connectors.duckdb.database import ROW_GROUP, Database
from connectors.duckdb.sql import attach, attach_to_read, use
from connectors.sql.text import Sql
from dataflow.errors import ConfigError


class ReadDatabase(Database):
    """An instance of DuckDB that reads the file. Overrides how it is opened."""

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._config.on_motherduck:
            raise ConfigError(
                "A sync to MotherDuck cannot be planned: there is no file to inspect.",
                remedy="Use a copy of the database in a file.",
            )
        return super()._open() if self._config.in_memory else _open_to_read(Path(self._config.database))


def _open_to_read(file: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    try:
        connection.execute(DUCKDB.render(use(_attach(connection, file))))
    except BaseException:
        connection.close()
        raise
    return connection


def _attach(connection: duckdb.DuckDBPyConnection, file: Path) -> str:
    # The names that a sync gives it: DuckDB's own for the file, or another if the instance cannot have that one.
    name, other = file.name.partition(".")[0], f"{file.stem}_db"
    try:
        connection.execute(DUCKDB.render(_attached_as(file, name)))
    except duckdb.BinderException:
        connection.execute(DUCKDB.render(_attached_as(file, other)))
        return other
    return name


def _attached_as(file: Path, name: str) -> Sql:
    return attach_to_read(str(file), name) if file.exists() else attach(":memory:", ROW_GROUP, name)
