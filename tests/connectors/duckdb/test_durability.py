"""What is committed survives a kill, and what is not is gone. Real processes, really killed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from connectors.duckdb.client import DuckDbClient
from connectors.duckdb.columns import typed
from connectors.testkit.harness.rows import VALUES
from dataflow.evolution import TableSchema, diff
from dataflow.types import Column, Kind, Scalar
from tests.connectors.duckdb.stage import FINAL, connector, contents, fill, numbers, row
from tests.starting import installed

ROOT = Path(__file__).parents[3]

# Writes rows 0, 1, ... in a transaction each, prints each number after its commit, and stays in the last one.
WRITER = """
import signal, sys
from connectors.engine.sync.transactions import RetryPolicy, Transactions
from tests.connectors.duckdb.stage import FINAL, ID_TEST, batch, connector, fill, row
from pathlib import Path
to = connector(Path(sys.argv[1]))
writer = Transactions(to, RetryPolicy(first_wait=0), lambda *_: None)
client = writer.client
client.lock(FINAL, "run 1")
fill(to, client, FINAL, ID_TEST, [])
buffer = to.insert_buffer(client)
for number in range(int(sys.argv[2])):
    rows = batch(ID_TEST, [row(number, id="x" * int(sys.argv[3]))])
    writer.run("writing", lambda: buffer.insert(FINAL, ID_TEST, [rows]))
    print(number, flush=True)
with client.transaction():
    buffer.insert(FINAL, ID_TEST, [batch(ID_TEST, [row(999_999)])])
    print("uncommitted", flush=True)
    signal.pause()
"""

SWAPPER = """
import signal, sys
from tests.connectors.duckdb.stage import FINAL, ID_TEST, TEMP, connector, fill, row
from pathlib import Path
to = connector(Path(sys.argv[1]))
client = to.client()
fill(to, client, FINAL, ID_TEST, [row(1)])
fill(to, client, TEMP, ID_TEST, [row(2), row(3)])
with client.transaction():
    client.overwrite_table(TEMP, FINAL)
    if sys.argv[2] == "before":
        print("uncommitted", flush=True)
        signal.pause()
print("uncommitted", flush=True)
signal.pause()
"""

# A table with a column for each change of kind there is, evolved; killed in the transaction or after it.
EVOLVER = """
import signal, sys
from tests.connectors.duckdb.stage import connector, contents, fill
from tests.connectors.duckdb.test_durability import AFTER, BEFORE, FINAL, ROWS, evolve
from pathlib import Path
to = connector(Path(sys.argv[1]))
client = to.client()
fill(to, client, FINAL, BEFORE, ROWS)
with client.transaction():
    evolve(client)
    if sys.argv[2] == "before":
        print("uncommitted", flush=True)
        signal.pause()
print(len(contents(client, FINAL)), flush=True)
print("uncommitted", flush=True)
signal.pause()
"""

PAIRS = [(old, new) for old in Kind for new in Kind if old is not new]
BEFORE = tuple(Column(f"{old}_{new}", f"{old}_{new}", Scalar(old)) for old, new in PAIRS)
AFTER = tuple(Column(f"{old}_{new}", f"{old}_{new}", Scalar(new)) for old, new in PAIRS)
ROWS = [
    row(
        number,
        **{
            f"{old}_{new}": json.dumps(values[number], default=str) if old is Kind.JSON else values[number]
            for old, new in PAIRS
            for values in [VALUES[old]]
            if number < len(values)
        },
    )
    for number in range(max(map(len, VALUES.values())))
]


def evolve(client: DuckDbClient) -> None:
    client.apply_changeset(FINAL, diff(client.discover_schema(FINAL), TableSchema(typed(AFTER))))


def run_and_kill(program: str, *arguments: str) -> None:
    command = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=installed()) as process:
        assert process.stdout
        for line in process.stdout:
            if line == "uncommitted\n":
                os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def test_committed_rows_survive_a_kill_and_no_others_do(tmp_path: Path) -> None:
    run_and_kill(WRITER, str(tmp_path), "20", "10")

    to = connector(tmp_path)
    client = to.client()
    assert numbers(client, FINAL) == list(range(20))
    client.close()
    to.close()


def test_rows_survive_that_are_partly_in_the_file_and_partly_in_its_log(tmp_path: Path) -> None:
    # The log is written into the file at 64 MB.
    run_and_kill(WRITER, str(tmp_path), "90", "1000000")
    log = tmp_path / "lake.duckdb.wal"
    assert 1_000_000 < log.stat().st_size < 70_000_000

    to = connector(tmp_path)
    client = to.client()
    assert numbers(client, FINAL) == list(range(90))
    client.close()
    to.close()
    with duckdb.connect(tmp_path / "lake.duckdb") as look:
        assert look.execute("SELECT DISTINCT length(id) FROM users").fetchall() == [(1_000_000,)]


def test_a_clean_end_leaves_the_file_and_nothing_else(tmp_path: Path) -> None:
    run_and_kill(WRITER, str(tmp_path), "2", "10")
    to = connector(tmp_path)
    client = to.client()
    numbers(client, FINAL)

    client.close()
    to.close()

    assert [path.name for path in tmp_path.iterdir()] == ["lake.duckdb"]


def test_a_kill_before_the_commit_of_a_swap_leaves_the_old_table(tmp_path: Path) -> None:
    run_and_kill(SWAPPER, str(tmp_path), "before")

    to = connector(tmp_path)
    client = to.client()
    assert numbers(client, FINAL) == [1]
    client.close()
    to.close()


def test_a_kill_after_the_commit_of_a_swap_leaves_the_new_table(tmp_path: Path) -> None:
    run_and_kill(SWAPPER, str(tmp_path), "after")

    to = connector(tmp_path)
    client = to.client()
    assert numbers(client, FINAL) == [2, 3]
    client.close()
    to.close()


def test_what_a_table_was_evolved_to_survives_a_kill_to_the_last_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB does what its log holds again, before it has loaded its functions and in the machine's own time zone."""
    undisturbed = connector(tmp_path, destination_path=str(tmp_path / "undisturbed.duckdb"))
    client = undisturbed.client()
    fill(undisturbed, client, FINAL, BEFORE, ROWS)
    with client.transaction():
        evolve(client)
    expected = contents(client, FINAL)
    client.close()
    undisturbed.close()
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    run_and_kill(EVOLVER, str(tmp_path), "after")

    to = connector(tmp_path)
    client = to.client()
    assert contents(client, FINAL) == expected
    with client.transaction():
        assert client.discover_schema(FINAL) == TableSchema(typed(AFTER))
    client.close()
    to.close()


def test_an_evolution_that_was_killed_half_way_is_done_by_the_next_run(tmp_path: Path) -> None:
    run_and_kill(EVOLVER, str(tmp_path), "before")
    to = connector(tmp_path)
    client = to.client()

    with client.transaction():
        found = client.discover_schema(FINAL)
        evolve(client)
    assert found == TableSchema(typed(BEFORE))
    assert len(contents(client, FINAL)) == len(ROWS)
    client.close()
    to.close()
