"""Files of columns for the benchmark of loads: the same narrow rows as Parquet and as NDJSON, made once per checkout.

Runs nothing against a destination.
"""

from pathlib import Path

import duckdb
from attrs import frozen

from tests.bench.workload import KEPT

# As what the generator calls narrow: a number, a text of about 12 characters, cents, a flag and a moment.
NARROW = """
SELECT i AS id,
       ['alpha', 'bravo', 'cedar', 'delta', 'ember', 'fjord', 'gamma', 'harbor'][1 + (hash(i) % 8)::INTEGER]
           || '-' || substr(md5(i::VARCHAR), 1, 6) AS name,
       ((hash(i + 1) % 101000000)::BIGINT - 1000000)::DOUBLE / 100 AS amount,
       hash(i + 2) % 2 = 0 AS active,
       TIMESTAMPTZ '2026-01-01 00:00:00Z' + to_milliseconds(i * 7) AS created_at
FROM range(1, {rows} + 1) AS numbers(i)
"""
TEXTS = "SELECT * REPLACE (strftime(created_at, '%Y-%m-%dT%H:%M:%S.%gZ') AS created_at) FROM ({narrow})"


@frozen
class Files:
    """The same rows, as files. The name of each is that of its rows' stream."""

    rows: int
    parquet: Path
    ndjson: Path


def files(rows: int) -> Files:
    """Files of this number of rows, made now if they were not made before."""
    folder = KEPT / f"files-{rows}"
    folder.mkdir(parents=True, exist_ok=True)
    made = Files(rows, folder / "narrow.parquet", folder / "narrow.ndjson")
    narrow = NARROW.format(rows=rows)
    for path, select, form in (
        (made.parquet, narrow, "FORMAT parquet"),
        (made.ndjson, TEXTS.format(narrow=narrow), "FORMAT json"),
    ):
        if not path.exists():
            written = path.with_suffix(".part")
            with duckdb.connect() as connection:
                connection.execute("SET TimeZone = 'UTC'")
                connection.execute(f"COPY ({select}) TO '{written}' ({form})")
            written.rename(path)
    return made
