"""What an error of DuckDB's is reported as: real ones where they can be made here, else DuckDB's own words."""

import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.duckdb.connector import DuckDbConnector
from connectors.duckdb.errors import explain
from dataflow.errors import ConfigError, DataflowError, InternalError, TransientError
from dataflow.types import Array, Column
from tests.connectors.duckdb.stage import FINAL, ID_TEST, connector, fill, query, row

HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A database file that nobody has open."""
    with duckdb.connect(tmp_path / "lake.duckdb") as connection:
        connection.execute("CREATE TABLE t AS SELECT 1")
    return tmp_path / "lake.duckdb"


@pytest.fixture
def holder(lake: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that has the file open."""
    command = [sys.executable, "-c", HOLD, str(lake)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


def refusal(to: DuckDbConnector) -> DataflowError:
    """How the connector explains that its file cannot be opened."""
    client = to.client()
    with pytest.raises(duckdb.Error) as caught:
        client.lock(FINAL, "run 1")
    client.close()
    return to.explain(caught.value)


def test_a_file_that_this_process_has_open_by_other_means_is_refused(lake: Path) -> None:
    with duckdb.connect(lake):
        told = refusal(connector(lake.parent))

    assert isinstance(told, ConfigError)
    assert "already open in this process" in str(told)


def test_a_file_in_use_is_refused_and_the_process_named(
    lake: Path, holder: "subprocess.Popen[bytes]"
) -> None:
    told = refusal(connector(lake.parent))

    assert isinstance(told, ConfigError)
    assert f"(PID {holder.pid})" in told.message
    assert "python" in told.message


def test_a_file_whose_holder_is_just_ending_is_waited_for(
    lake: Path, holder: "subprocess.Popen[bytes]"
) -> None:
    to = connector(lake.parent)
    client = to.client()
    ending = subprocess.Popen(["/bin/sh", "-c", f"sleep 0.5; kill -9 {holder.pid}"])

    client.lock(FINAL, "run 1")
    assert query(client, "FROM t") == [(1,)]

    ending.wait()
    client.close()
    to.close()


def test_a_file_that_is_no_database_is_refused(lake: Path) -> None:
    lake.write_text("a letter home, longer than nothing")

    told = refusal(connector(lake.parent))

    assert isinstance(told, ConfigError)
    assert "is not a DuckDB database" in told.message


def test_a_damaged_file_is_refused(lake: Path) -> None:
    content = bytearray(lake.read_bytes())
    content[5000] ^= 1
    lake.write_bytes(content)

    told = refusal(connector(lake.parent))

    assert isinstance(told, ConfigError)
    assert "damaged" in told.message


def test_a_file_of_a_later_format_is_refused(lake: Path) -> None:
    content = bytearray(lake.read_bytes())
    content[12:20] = struct.pack("<Q", 1_000_000)
    content[:8] = struct.pack("<Q", checksum(bytes(content[8:4096])))
    lake.write_bytes(content)

    told = refusal(connector(lake.parent))

    assert isinstance(told, ConfigError)
    assert "another version of DuckDB" in told.message


def checksum(content: bytes) -> int:
    """DuckDB's, of a block of its file."""
    found = 5381
    for (word,) in struct.iter_unpack("<Q", content):
        found ^= word * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    return found


def test_a_folder_that_went_away_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    to = connector(folder)
    shutil.rmtree(folder)

    told = refusal(to)

    assert isinstance(told, ConfigError)
    assert "No such file or directory" in told.message


def test_a_full_disk_is_reported(lake: Path) -> None:
    # A limit on the size of files does what a full disk does; it must not hit this process.
    program = """
import resource, signal, sys
from dataflow.runtime import SYSTEM
from connectors.duckdb import DEFINITION
to = DEFINITION.connector({"destination_path": sys.argv[1]}, "run 1", SYSTEM)
client = to.client()
with client.transaction():
    pass
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))
try:
    with client.transaction():
        client.connection.cursor.execute("CREATE TABLE lake.big AS SELECT uuid() AS u FROM range(2000000)")
except Exception as error:
    print(type(to.explain(error)).__name__, to.explain(error))
with client.transaction():
    print(client.connection.cursor.execute("SELECT count(*) FROM duckdb_tables()").fetchall())
"""
    found = subprocess.run(
        [sys.executable, "-c", program, str(lake)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )

    assert found.stdout.splitlines()[0].startswith("ConfigError The disk is full")
    assert found.stdout.splitlines()[1] == "[(1,)]"


def test_a_conflict_between_transactions_is_passing(tmp_path: Path) -> None:
    to = connector(tmp_path)
    one, two = to.client(), to.client()
    fill(to, one, FINAL, ID_TEST, [row(1)])

    def collide() -> None:
        with one.transaction(), two.transaction():
            one.trim_table(FINAL, None)
            two.trim_table(FINAL, None)

    with pytest.raises(duckdb.Error) as caught:
        collide()

    assert isinstance(to.explain(caught.value), TransientError)
    one.close()
    two.close()
    to.close()


def test_two_that_make_the_same_table_are_in_conflict(tmp_path: Path) -> None:
    to = connector(tmp_path)
    one, two = to.client(), to.client()

    def collide() -> None:
        with one.transaction(), two.transaction():
            one.create_table(FINAL, ID_TEST, ())
            two.create_table(FINAL, ID_TEST, ())

    with pytest.raises(duckdb.Error) as caught:
        collide()

    assert isinstance(to.explain(caught.value), TransientError)
    one.close()
    two.close()
    to.close()


@pytest.mark.parametrize(
    ("theirs", "ours", "part"),
    [
        ("CREATE INDEX i ON users (id)", "ALTER TABLE users ALTER id SET DATA TYPE BIGINT", "index"),
        ("CREATE INDEX i ON users (id)", "ALTER TABLE users DROP COLUMN test", "index"),
        ("CREATE INDEX i ON users (id)", "ALTER TABLE users DROP COLUMN id", "index"),
        (
            "CREATE UNIQUE INDEX i ON users (id); CREATE TABLE f (id VARCHAR)",
            "ALTER TABLE users RENAME TO u",
            "index",
        ),
        ("DROP TABLE users; CREATE VIEW users AS SELECT 1", "CREATE TABLE users (id BIGINT)", "A view"),
        ("DROP TABLE users; CREATE VIEW users AS SELECT 1", "DROP TABLE IF EXISTS users", "A view"),
        ("DROP TABLE users; CREATE VIEW users AS SELECT 1", "INSERT INTO users VALUES (1)", "A view"),
    ],
)
def test_what_people_made_of_a_table_is_reported_as_theirs(
    tmp_path: Path, theirs: str, ours: str, part: str
) -> None:
    to = connector(tmp_path)
    client = to.client()
    fill(to, client, FINAL, ID_TEST, [row(1)])
    query(client, theirs)

    with pytest.raises(duckdb.Error) as caught:
        query(client, ours)

    told = to.explain(caught.value)
    assert isinstance(told, ConfigError)
    assert part in told.message
    client.close()
    to.close()


def test_a_value_that_was_refused_is_not_shown(tmp_path: Path) -> None:
    to = connector(tmp_path)
    client = to.client()

    with pytest.raises(duckdb.Error) as caught:
        fill(to, client, FINAL, (Column("j", "j", Array()),), [row(1, j='{"password": open sesame')])

    told = to.explain(caught.value)
    assert "sesame" in str(caught.value)
    assert isinstance(told, InternalError)
    assert "sesame" not in str(told)
    client.close()
    to.close()


@pytest.mark.parametrize(
    ("raised", "meant", "part"),
    [
        (
            duckdb.IOException('IO Error: Cannot open file "/lake.duckdb": Permission denied'),
            ConfigError,
            "/lake.duckdb cannot be opened: Permission denied",
        ),
        (
            duckdb.IOException('IO Error: Could not write file "/lake.duckdb": No space left on device'),
            ConfigError,
            "disk is full",
        ),
        (
            duckdb.IOException("IO Error: Could not read from file: Input/output error"),
            TransientError,
            "read",
        ),
        (
            duckdb.IOException('IO Error: Failed to download extension "motherduck" at URL "http://..."'),
            ConfigError,
            "extension motherduck is not installed",
        ),
        (duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate"), ConfigError, "memory"),
        (
            duckdb.FatalException("FATAL Error: database has been invalidated"),
            TransientError,
            "closed the database",
        ),
        (duckdb.HTTPException("HTTP Error: 503"), TransientError, "server"),
        (duckdb.BinderException("Binder Error: secret"), InternalError, "unforeseen BinderException"),
        (ValueError("secret"), InternalError, "unforeseen ValueError"),
    ],
)
def test_an_error_is_reported_as(raised: Exception, meant: type[DataflowError], part: str) -> None:
    told = explain(raised)

    assert type(told) is meant
    assert part in told.message
    assert "secret" not in str(told)
    assert told.remedy


def test_an_error_of_ours_stays_as_it_is() -> None:
    ours = ConfigError("Mind the gap.")

    assert explain(ours) is ours


def test_what_is_not_recognised_is_a_defect() -> None:
    unknown: Any = RuntimeError()

    assert isinstance(explain(unknown), InternalError)
