"""What is committed survives a kill, and what is not is gone. Real processes, really killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.connectors.duckdb.stage import FINAL, connector, numbers, query

ROOT = Path(__file__).parents[3]

# Writes rows 0, 1, ... in a transaction each, tells each number after its commit, and stays in the last one.
WRITER = """
import signal, sys
from tests.connectors.duckdb.stage import FINAL, ID_TEST, batch, connector, fill, row
from pathlib import Path
to = connector(Path(sys.argv[1]))
client = to.client()
client.lock(FINAL, "run 1")
fill(to, client, FINAL, ID_TEST, [])
buffer = to.insert_buffer(client)
for number in range(int(sys.argv[2])):
    with client.transaction():
        buffer.insert(FINAL, ID_TEST, [batch(ID_TEST, [row(number, id="x" * int(sys.argv[3]))])])
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


def run_and_kill(program: str, *arguments: str) -> None:
    command = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
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
    assert query(client, "SELECT DISTINCT length(id) FROM users") == [(1_000_000,)]
    client.close()
    to.close()


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
