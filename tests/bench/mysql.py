"""MariaDB in the benchmark: our destination from a pipe, and the server's own LOAD DATA of ready rows as the limit."""

import json
import os
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pymysql

from tests.bench.process import Cost, feed, load
from tests.bench.workload import Workload
from tests.servers.wheel import server_user

DATABASE = "bench"
READY = f"{DATABASE}.ready"


class MysqlBench:
    """One server and one workload."""

    def __init__(self, socket: Path, work: Workload, folder: Path) -> None:
        self._socket = socket
        self._work = work
        self._folder = folder
        self._table = f"{DATABASE}.{work.stream}"
        self._rows = folder / "rows"
        self._config = folder / "mysql.json"
        self._config.write_text(json.dumps(self.destination_config()))
        # The server writes the file of ready rows.
        user = server_user()
        if user is not None:
            os.chown(folder, user.uid, user.gid)

    def destination_config(self) -> dict[str, Any]:
        """The configuration that leads a destination here."""
        return {"host": str(self._socket), "database": DATABASE, "username": "root", "ssl": False}

    def prepare_limit(self) -> None:
        """Keep a row for each record as a file; load once, and make an identical empty table, with its indexes."""
        feed(
            ("cat", str(self._work.messages)), ("connectors.mysql",), self._config, self._catalog_of_appends()
        )
        self._execute(
            f"SELECT * FROM {self._table} INTO OUTFILE '{self._rows}' CHARACTER SET utf8mb4",
            f"DROP DATABASE {DATABASE}",
            "DROP DATABASE airbyte_internal",
        )
        self.ours()
        self._execute(f"CREATE TABLE {READY} LIKE {self._table}")

    def ours(self) -> Cost:
        """Our destination, into its own empty table."""
        self._empty(self._table)
        return load("mysql", self._config, self._work)

    def load_data(self) -> Cost:
        """LOAD DATA of the ready rows, which the server reads from a file, into an identical final table."""
        self._empty(READY)
        started = time.perf_counter()
        self._execute(f"LOAD DATA INFILE '{self._rows}' INTO TABLE {READY} CHARACTER SET utf8mb4")
        return Cost(time.perf_counter() - started, 0, 0)

    def on_top(self) -> Cost:
        """Our destination, onto what is there."""
        # This writes the table to disk, as a checkpoint does.
        self._execute(f"FLUSH TABLES {self._table} FOR EXPORT", "UNLOCK TABLES")
        return load("mysql", self._config, self._work)

    def grow(self, rows: int) -> None:
        """Fill the final table with rows of other keys, by its own id beyond those of the workload."""
        self._execute(
            f"INSERT INTO {self._table} SELECT concat('00000000-0000-7000-8000-', lpad(seq, 12, '0')), now(), '{{}}', "
            f"1, 100000000 + seq, 'grown', 1.5, 1, now() FROM {DATABASE}.seq_1_to_{rows}",
            f"ANALYZE TABLE {self._table}",
        )

    def _catalog_of_appends(self) -> Path:
        catalog = json.loads(self._work.catalog.read_text())
        for entry in catalog["streams"]:
            entry.update(destination_sync_mode="append", primary_key=[])
        path = self._folder / "appends.catalog.json"
        path.write_text(json.dumps(catalog))
        return path

    def _empty(self, table: str) -> None:
        found = "SELECT 1 FROM information_schema.tables WHERE concat(table_schema, '.', table_name) = "
        if self._execute(f"{found}'{table}'"):
            self._execute(f"TRUNCATE TABLE {table}")

    def _execute(self, *statements: str) -> Sequence[Any]:
        """Execute them in turn; the rows of the last one."""
        with closing(self._connect()) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            found: Sequence[Any] = cursor.fetchall()
            return found

    def _connect(self) -> Any:
        return pymysql.connect(
            unix_socket=str(self._socket), user="root", charset="utf8mb4", autocommit=True, ssl_disabled=True
        )
