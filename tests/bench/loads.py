r"""`dataflow load` in the benchmark, and what a database does itself with the same files. Compares nothing.

Every load is a process of its own, from its start to its exit, and replaces its table.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from tests.bench.columns import Files
from tests.bench.process import Cost, watched
from tests.environments import PEERS
from tests.servers.embedded import EmbeddedPostgres
from tests.servers.wheel import installation, server_user
from tests.starting import installed

COMMAND = (sys.executable, "-c", "from connectors.engine.commands import main; main()", "load")
TABLE, READY = "narrow", "ready"
# What a correct load writes, by DuckDB alone. The seconds are printed, without the start of the process.
CREATE_AS = """
import duckdb, sys, time
database, file = sys.argv[1:]
connection = duckdb.connect(database)
connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
types = {"id": "BIGINT", "name": "VARCHAR", "amount": "DECIMAL(38,9)", "active": "BOOLEAN", "created_at": "TIMESTAMPTZ"}
lines = f"read_json(?, format = 'newline_delimited', columns = {types})"
read = lines if file.endswith("ndjson") else "read_parquet(?)"
started = time.perf_counter()
connection.execute(f'''
CREATE TABLE narrow AS
SELECT uuid() AS _airbyte_raw_id, now() AS _airbyte_extracted_at, '{{"sync_id":1,"changes":[]}}'::JSON AS _airbyte_meta,
       1::BIGINT AS _airbyte_generation_id, id, name, amount::DECIMAL(38,9) AS amount, active, created_at
FROM {read}
''', [file])
connection.close()
print(time.perf_counter() - started)
"""
# dlt with Arrow batches, which it sends by COPY.
DLT = """
import json, os, sys
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
import dlt
from pyarrow.parquet import ParquetFile
where, file, folder = sys.argv[1:]
server = dlt.destinations.postgres(json.loads(where))
@dlt.resource(name="narrow", write_disposition="replace")
def rows():
    yield from ParquetFile(file).iter_batches(50_000)
pipeline = dlt.pipeline("bench", pipelines_dir=folder, dataset_name="peer", destination=server)
pipeline.run(rows(), loader_file_format="csv").raise_on_failed_jobs()
"""


@cache
def takes_workers() -> bool:
    """Whether `dataflow load` has several writers."""
    shown = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True, env=installed())
    return "--workers" in shown.stdout


def _load(file: Path, to: str, config: Path, options: Sequence[str] = ()) -> Cost:
    destination = ("--to", to, "--config", str(config))
    return watched((*COMMAND, str(file), *destination, "--stream", TABLE, "--mode", "overwrite", *options))


class PostgresLoads:
    """One server, and files to load into it."""

    def __init__(self, server: EmbeddedPostgres, files: Files, folder: Path) -> None:
        self._address = server.address
        self._files = files
        self._folder = folder
        self._psql = installation(server_user()) / "bin" / "psql"
        self._config = folder / "postgres.json"
        self._config.write_text(json.dumps(self._address.destination_config()))
        self._rows = folder / "rows.binary"

    @property
    def dsn(self) -> str:
        """The place of the server."""
        return self._address.dsn

    def prepare_limit(self) -> None:
        r"""Load once, and keep the rows as `\copy` takes them, and an identical empty table."""
        self.parquet()
        with self._connect() as connection:
            connection.execute(
                SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(Identifier(READY), Identifier(TABLE))
            )
            statement = SQL("COPY {} TO STDOUT (FORMAT binary)").format(Identifier(TABLE))
            with self._rows.open("wb") as file, connection.cursor().copy(statement) as rows:
                for block in rows:
                    file.write(block)

    def parquet(self, *options: str) -> Cost:
        """The Parquet file."""
        self._checkpoint()
        return _load(self._files.parquet, "postgres", self._config, options)

    def ndjson(self, *options: str) -> Cost:
        """The NDJSON file."""
        self._checkpoint()
        return _load(self._files.ndjson, "postgres", self._config, options)

    def copy(self) -> Cost:
        r"""`\copy` of the ready rows, on one connection."""
        with self._connect() as connection:
            connection.execute(SQL("TRUNCATE {}").format(Identifier(READY)))
        self._checkpoint()
        command = f"\\copy {READY} from '{self._rows}' (format binary)"
        return watched((str(self._psql), "-X", "-q", "-d", self.dsn, "-c", command))

    def peer(self) -> Cost:
        """The Parquet file by dlt."""
        self._checkpoint()
        # It wants a host and a password. The server listens at its socket only, and asks for none.
        where = {
            "host": "localhost",
            "query": {"host": self._address.host},
            "port": self._address.port,
            "username": self._address.user,
            "password": "none",
            "database": self._address.dbname,
        }
        python = str(PEERS.programs / "python")
        given = (json.dumps(where), str(self._files.parquet), str(self._folder / "dlt"))
        return watched((python, "-c", DLT, *given))

    def _checkpoint(self) -> None:
        with self._connect() as connection:
            connection.execute("CHECKPOINT")

    def _connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(self.dsn, autocommit=True)


class DuckDbLoads:
    """Files to load, into a new file of DuckDB each time."""

    def __init__(self, files: Files, folder: Path) -> None:
        self._files = files
        self._folder = folder
        self._path = folder / "loads.duckdb"
        self._config = folder / "duckdb.json"
        self._config.write_text(json.dumps({"destination_path": str(self._path)}))

    def parquet(self) -> Cost:
        """The Parquet file."""
        return self._ours(self._files.parquet)

    def ndjson(self) -> Cost:
        """The NDJSON file."""
        return self._ours(self._files.ndjson)

    def start(self) -> Cost:
        """A file of one row: what every load takes."""
        one = self._folder / "narrow.ndjson"
        with self._files.ndjson.open("rb") as lines:
            one.write_bytes(lines.readline())
        return self._ours(one)

    def create_as(self, file: Path) -> Cost:
        """CREATE TABLE AS of the same rows with metadata columns, without the start of the process."""
        self._fresh()
        done = subprocess.run(
            [sys.executable, "-c", CREATE_AS, str(self._path), str(file)],
            check=True,
            capture_output=True,
            text=True,
        )
        return Cost(float(done.stdout), 0, 0)

    def _ours(self, file: Path) -> Cost:
        self._fresh()
        return _load(file, "duckdb", self._config)

    def _fresh(self) -> None:
        for file in self._folder.glob("loads.duckdb*"):
            file.unlink()
