"""The databases that the demonstration can fill: where they are, and what is in their tables afterwards.

It reads only; whatever is in a table has come through the destination.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pymysql
from attrs import frozen

from tests.servers.databases import fresh_database
from tests.servers.embedded import EmbeddedPostgres
from tests.servers.mysql import mysql

Rows = list[tuple[Any, ...]]
# Runs a query; answers with the columns' names and the rows.
Ask = Callable[[str], tuple[list[str], Rows]]
OURS = "_airbyte_"


@frozen
class Table:
    """What a look at a table shows."""

    name: str
    columns: Sequence[str]
    rows: Rows
    """The first few, by id."""
    total: int
    distinct_ids: int


@frozen
class Target:
    """A database to fill."""

    destination: str
    """The command that fills it."""
    config: Mapping[str, Any]
    where: str
    """For a person who wants to look at it."""
    ask: Ask

    def table(self, stream: str, columns: int = 5, rows: int = 3) -> Table:
        """Look at a table: its size, and the first of its rows and of its own columns."""
        namespace = self.config.get("schema") or self.config["database"]
        full_name = f'"{namespace}"."{stream}"'
        every_column, _ = self.ask(f"SELECT * FROM {full_name} LIMIT 0")
        shown = [column for column in every_column if not column.startswith(OURS)][:columns]
        # As text, since DuckDB's client needs one more library for times with a zone.
        listed = ", ".join(
            f'CAST("{name}" AS varchar) AS "{name}"' for name in [*shown, "_airbyte_extracted_at"]
        )
        names, first = self.ask(f"SELECT {listed} FROM {full_name} AS it ORDER BY it.id LIMIT {rows}")
        _, [(total, distinct)] = self.ask(f"SELECT count(*), count(DISTINCT id) FROM {full_name}")
        return Table(stream, names, first, total, distinct)


@contextmanager
def duckdb_file(folder: Path) -> Iterator[Target]:
    """A DuckDB database in a file of the folder."""
    path = folder / "demo.duckdb"

    def ask(query: str) -> tuple[list[str], Rows]:
        with duckdb.connect(path, read_only=True) as connection:
            answer = connection.execute(query)
            return [column[0] for column in answer.description or ()], answer.fetchall()

    yield Target("destination-duckdb", {"destination_path": str(path), "schema": "main"}, str(path), ask)


@contextmanager
def embedded_postgres(_folder: Path) -> Iterator[Target]:
    """A PostgreSQL server of our own, which ends with the demonstration."""
    with EmbeddedPostgres() as server, fresh_database(server.address) as database:

        def ask(query: str) -> tuple[list[str], Rows]:
            with psycopg.connect(database.dsn) as connection:
                answer = connection.execute(query.encode())
                return [column.name for column in answer.description or ()], answer.fetchall()

        yield Target("destination-postgres", database.destination_config(), database.dsn, ask)


@contextmanager
def mysql_server(_folder: Path) -> Iterator[Target]:
    """A MariaDB or MySQL server of our own, which ends with the demonstration."""
    with mysql() as socket:

        def ask(query: str) -> tuple[list[str], Rows]:
            with (
                closing(
                    pymysql.connect(
                        unix_socket=str(socket), user="root", ssl_disabled=True, sql_mode="ANSI_QUOTES"
                    )
                ) as connection,
                connection.cursor() as cursor,
            ):
                cursor.execute(query.replace(" AS varchar)", " AS char)"))
                return [column[0] for column in cursor.description or ()], list(cursor.fetchall())

        config = {"host": str(socket), "database": "demo", "username": "root", "ssl": False}
        yield Target("destination-mysql", config, str(socket), ask)


TARGETS = {"duckdb": duckdb_file, "mysql": mysql_server, "postgres": embedded_postgres}
