"""DuckDB in the benchmark: our destination from a pipe, and DuckDB's own read_json of the same lines as the limit."""

import json
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.process import Cost, load
from tests.bench.workload import Workload

# What a correct load writes, by DuckDB alone: typed columns and the metadata, without a look at any cell.
READ_JSON = """
import duckdb, json, sys
database, lines, schema = sys.argv[1:4]
types = {"integer": "BIGINT", "number": "DECIMAL(38,9)", "string": "VARCHAR", "boolean": "BOOLEAN",
         "object": "JSON", "array": "JSON", "date": "DATE", "date-time": "TIMESTAMPTZ"}
fields = {name: types[spec.get("format") or spec["type"][1]] for name, spec in json.loads(schema).items()}
data = "STRUCT(" + ", ".join(f'"{n}" {t}' for n, t in fields.items()) + ")"
columns = "".join(f', record.data."{n}"' for n in fields)
connection = duckdb.connect(database)
connection.execute("SET TimeZone = 'UTC'")
connection.execute(f'''
CREATE TABLE final AS
SELECT uuid() AS _airbyte_raw_id, to_timestamp(record.emitted_at / 1000) AS _airbyte_extracted_at,
       '{{"sync_id":1,"changes":[]}}'::JSON AS _airbyte_meta, 1::BIGINT AS _airbyte_generation_id{columns}
FROM read_json(?, format = 'newline_delimited', columns = {{'type': 'VARCHAR', 'record':
     'STRUCT(stream VARCHAR, emitted_at BIGINT, data {data})'}})
WHERE type = 'RECORD'
''', [lines])
connection.close()
"""


class DuckDbBench:
    """One workload, into a new file each time."""

    def __init__(self, work: Workload, folder: Path) -> None:
        self._work = work
        self._folder = folder
        self._path = folder / "bench.duckdb"
        self._config = folder / "duckdb.json"
        self._config.write_text(json.dumps({"destination_path": str(self._path)}))

    def ours(self, *options: str) -> Cost:
        """Our destination, into a new file."""
        self._fresh()
        return load("duckdb", self._config, self._work, *options)

    def read_json(self) -> Cost:
        """DuckDB's own reader, into a new file."""
        self._fresh()
        (entry,) = json.loads(self._work.catalog.read_text())["streams"]
        schema = json.dumps(entry["stream"]["json_schema"]["properties"])
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", READ_JSON, str(self._path), str(self._work.messages), schema], check=True
        )
        return Cost(time.perf_counter() - started, 0, 0)

    def _fresh(self) -> None:
        for file in self._folder.glob("bench.duckdb*"):
            file.unlink()
