r"""Postgres in the benchmark: our destination from a pipe, and psql's `\copy` of ready rows as the limit."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from tests.bench.process import Cost, load, run
from tests.bench.workload import Workload
from tests.servers.embedded import EmbeddedPostgres
from tests.servers.wheel import installation, server_user

READY = "ready"


class PostgresBench:
    """One server and one workload."""

    def __init__(self, server: EmbeddedPostgres, work: Workload, folder: Path) -> None:
        self._address = server.address
        self._work = work
        self._folder = folder
        self._psql = installation(server_user()) / "bin" / "psql"
        self._tables = [Identifier("bench", name) for name in work.streams]
        self._config = folder / "postgres.json"
        self._config.write_text(json.dumps(self._address.destination_config()))

    def destination_config(self) -> dict[str, Any]:
        """The configuration that leads a destination here."""
        return self._address.destination_config()

    def prepare_limit(self) -> None:
        r"""Load once, keep the rows as files in the formats of `\copy`, and an identical empty table."""
        self.ours()
        (table,) = self._tables
        with self._connect() as connection:
            connection.execute(SQL("DROP TABLE IF EXISTS {}").format(Identifier(READY)))
            connection.execute(
                SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(Identifier(READY), table)
            )
            for form in ("binary", "csv"):
                statement = SQL("COPY {} TO STDOUT (FORMAT {})").format(table, SQL(form))
                with self._ready(form).open("wb") as file, connection.cursor().copy(statement) as rows:
                    for block in rows:
                        file.write(block)

    def ours(self, *options: str) -> Cost:
        """Our destination, into its own empty table."""
        self._empty(*self._tables)
        return load("postgres", self._config, self._work, *options)

    def unjournalled(self) -> Cost:
        """Our destination, keeping no journal."""
        self._empty(*self._tables)
        return run(("tests.bench.unjournalled", "postgres"), self._config, self._work)

    def journalled(self) -> Cost:
        """Our destination, keeping its journal in the database as always, and in a file too."""
        return self.ours("--journal", str(self._folder / "journal.jsonl"))

    def on_top(self) -> Cost:
        """Our destination, onto what is there."""
        with self._connect() as connection:
            connection.execute("CHECKPOINT")
        return load("postgres", self._config, self._work)

    def copy(self, form: str) -> Cost:
        r"""`\copy` of ready rows into an identical final table."""
        self._empty(Identifier(READY))
        started = time.perf_counter()
        subprocess.run(
            [
                *(str(self._psql), "-X", "-q", "-d", self._address.dsn),
                *("-c", f"\\copy {READY} from '{self._ready(form)}' (format {form})"),
            ],
            check=True,
        )
        return Cost(time.perf_counter() - started, 0, 0)

    def grow(self, rows: int) -> None:
        """Fill the final table with rows of other keys, by its own id beyond those of the workload."""
        (table,) = self._tables
        grown = SQL(
            "INSERT INTO {} SELECT gen_random_uuid(), now(), '{{}}', 1, 100000000 + n, 'grown', 1.5, true, now() "
            "FROM generate_series(1, {}) AS n"
        ).format(table, rows)
        with self._connect() as connection:
            connection.execute(grown)
            connection.execute(SQL("ANALYZE {}").format(table))

    def _ready(self, form: str) -> Path:
        return self._folder / f"{self._work.name}.{form}"

    def _empty(self, *tables: Identifier) -> None:
        with self._connect() as connection:
            for table in tables:
                found = connection.execute("SELECT to_regclass(%s)", [table.as_string()]).fetchone()
                if found and found[0]:
                    connection.execute(SQL("TRUNCATE {}").format(table))
            connection.execute("CHECKPOINT")

    def _connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(self._address.dsn, autocommit=True)


def server() -> EmbeddedPostgres:
    """A server with PostgreSQL's own defaults: what is committed is on disk."""
    return EmbeddedPostgres(fsync="on", full_page_writes="on")
