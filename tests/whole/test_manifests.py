"""Many records of each workload through each connector: rows, distinct ids and sums are what was generated."""

import io
import json
import os
import uuid
from pathlib import Path

import pytest

from connectors.engine.process.runner import Destination as InProcess
from connectors.engine.process.write_options import WriteOptions
from connectors.memory import DEFINITION
from connectors.memory.connector import DATABASES
from dataflow.runtime import SYSTEM
from dataflow.types import TableName
from tests.bench.workload import Workload, workload
from tests.whole.command import Destination
from tests.whole.places import names_where

# The wide ones are five times as dear.
RECORDS = {"narrow": 50_000, "wide": 10_000}
LOADS = [(schema, mode) for schema in ("narrow", "wide") for mode in ("append", "dedup")]


def expected(load: Workload, mode: str) -> tuple[int, int, int]:
    """Rows, distinct ids, sum of the amounts in cents."""
    told = load.expected
    rows = told["records"] if mode == "append" else told["distinct_ids"]
    return rows, told["distinct_ids"], told["dedup_amount_cents" if mode == "dedup" else "amount_cents"]


@pytest.mark.parametrize("destination", names_where(lambda facts: facts.takes_rows_in_bulk), indirect=True)
@pytest.mark.parametrize(("schema", "mode"), LOADS)
def test_a_database_holds_what_the_manifest_says(destination: Destination, schema: str, mode: str) -> None:
    load = workload(schema, mode, RECORDS[schema])
    running = destination.start_write(json.loads(load.catalog.read_text()))
    running.process.communicate(load.messages.read_bytes(), timeout=300)

    table = f'"bench"."{load.stream}"'
    (found,) = destination.query(
        f"SELECT count(*), count(DISTINCT id), CAST(sum(amount) * 100 AS bigint) FROM {table}"
    )

    assert running.process.returncode == 0
    assert tuple(found) == expected(load, mode)


@pytest.mark.parametrize(("schema", "mode"), LOADS)
def test_memory_holds_what_the_manifest_says(tmp_path: Path, schema: str, mode: str) -> None:
    load = workload(schema, mode, RECORDS[schema])
    name = uuid.uuid4().hex
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"database": name}))
    destination = InProcess(DEFINITION, io.BytesIO(), SYSTEM)

    with load.messages.open("rb") as source:
        code = destination.write(config, load.catalog, os.dup(source.fileno()), WriteOptions())

    rows = DATABASES.pop(name).content.tables[TableName("bench", load.stream)].rows
    found = len(rows), len({row["id"] for row in rows}), int(sum(row["amount"] or 0 for row in rows) * 100)
    assert code == 0
    assert found == expected(load, mode)
