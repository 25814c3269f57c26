"""What the kit does not ask of every connector: locks of processes, views, errors and their remedies."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connectors.sqlite.client import SqliteClient
from connectors.sqlite.config import configure
from connectors.sqlite.connector import SqliteConnector, explain
from connectors.testkit.harness.rows import batch, columns, row
from dataflow.errors import ConfigError, DataflowError, InternalError, TransientError
from dataflow.evolution import ColumnChangeset, ColumnType, ColumnTypeChange
from dataflow.runtime import SYSTEM
from dataflow.types import Kind, TableName

USERS = TableName("main", "users")
TEMP = TableName("main", "users_tmp")
OF = columns(id=Kind.INTEGER)
NAMED = columns(id=Kind.INTEGER, name=Kind.STRING)
TEXT, INTEGER = ColumnType("TEXT"), ColumnType("BIGINT")
DROPPED = ColumnChangeset(drop={"name": TEXT})
CHANGED = ColumnChangeset(change={"name": ColumnTypeChange(TEXT, INTEGER)})
HOLD = """
import sys, time
from connectors.sqlite import DEFINITION
from dataflow.runtime import SYSTEM
from dataflow.types import TableName
connector = DEFINITION.connector({"destination_path": sys.argv[1]}, "theirs", SYSTEM)
client = connector.client()
client.lock(TableName("main", "users"), "run of another process")
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def connector(tmp_path: Path) -> SqliteConnector:
    return SqliteConnector(configure({"destination_path": str(tmp_path / "it.db")}), SYSTEM)


@pytest.fixture
def client(connector: SqliteConnector) -> Iterator[SqliteClient]:
    made = connector.client()
    yield made
    made.close()


def test_another_process_is_named_and_a_dead_one_is_in_nobodys_way(
    client: SqliteClient, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "it.db")], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()

        with pytest.raises(ConfigError, match="run of another process"):
            client.lock(USERS, "ours")
        holder.kill()
        holder.wait()
        client.lock(USERS, "ours")


def test_closing_leaves_nothing_beside_the_file(client: SqliteClient, tmp_path: Path) -> None:
    client.lock(USERS, "ours")
    with client.transaction():
        client.create_table(USERS, OF, ())

    client.close()

    assert [path.name for path in tmp_path.iterdir()] == ["it.db"]


def test_what_is_committed_is_on_the_disk(client: SqliteClient) -> None:
    """Acknowledged means durable: with less than FULL, a write-ahead log loses the last commits at a power failure."""
    with client.transaction():
        client.create_table(USERS, OF, ())

    settings = [
        client.connection.open.execute(f"PRAGMA {name}").fetchone()
        for name in ("journal_mode", "synchronous")
    ]
    assert settings == [("wal",), (2,)]


def test_a_view_shows_the_new_table_after_a_swap(
    connector: SqliteConnector, client: SqliteClient, tmp_path: Path
) -> None:
    with client.transaction():
        client.create_table(USERS, OF, ())
        client.create_table(TEMP, OF, ())
        rows = batch(OF, [row(1, id=7)], connector.columns.limits)
        connector.insert_buffer(client).insert(TEMP, OF, [rows])
    with closing(sqlite3.connect(tmp_path / "it.db")) as person:
        person.execute("CREATE VIEW theirs AS SELECT id FROM users")

        with client.transaction():
            client.overwrite_table(TEMP, USERS)

        assert person.execute("SELECT id FROM theirs").fetchall() == [(7,)]


def test_indexes_and_triggers_are_there_after_a_swap(client: SqliteClient, tmp_path: Path) -> None:
    with client.transaction():
        client.create_table(USERS, OF, ())
        client.create_table(TEMP, OF, ())
    with closing(sqlite3.connect(tmp_path / "it.db")) as person:
        person.executescript(
            "CREATE TABLE seen (id); CREATE UNIQUE INDEX by_id ON users (id) WHERE id > 0;"
            "CREATE TRIGGER see AFTER INSERT ON users BEGIN INSERT INTO seen VALUES (new.id); END;"
        )
        before = client.built()

        with client.transaction():
            client.overwrite_table(TEMP, USERS)

        assert client.built() == before
        assert list(map(str, before)) == ["index by_id", "trigger see"]


@pytest.mark.parametrize("changeset", [DROPPED, CHANGED], ids=["dropped", "changed"])
@pytest.mark.parametrize(
    ("built", "named"),
    [
        ("CREATE INDEX ours ON users (id, name)", "index ours"),
        ("CREATE INDEX ours ON users (id) WHERE Name > ''", "index ours"),
        ('CREATE VIEW ours AS SELECT "name" FROM users', "view ours"),
        ("CREATE TRIGGER ours AFTER INSERT ON users BEGIN SELECT new.name; END", "trigger ours"),
        ("CREATE VIEW one AS SELECT * FROM users; CREATE VIEW ours AS SELECT name FROM one", "view ours"),
    ],
)
def test_what_was_built_on_a_column_that_goes_or_changes_is_named_and_stays(
    client: SqliteClient, tmp_path: Path, changeset: ColumnChangeset, built: str, named: str
) -> None:
    with client.transaction():
        client.create_table(USERS, NAMED, ())
    with closing(sqlite3.connect(tmp_path / "it.db")) as person:
        person.executescript(built)
    before = client.built()

    with (
        pytest.raises(ConfigError, match=rf"that are dropped or changed \(name\): {named}\.") as caught,
        client.transaction(),
    ):
        client.apply_changeset(USERS, changeset)

    assert "Drop these objects" in caught.value.remedy
    assert client.built() == before


def test_what_was_built_on_other_columns_and_tables_is_in_nobodys_way(
    client: SqliteClient, tmp_path: Path
) -> None:
    with client.transaction():
        client.create_table(USERS, NAMED, ())
    with closing(sqlite3.connect(tmp_path / "it.db")) as person:
        person.executescript(
            "CREATE TABLE pets (name); CREATE INDEX pets_name ON pets (name); CREATE INDEX by_id ON users (id);"
            "CREATE VIEW everything AS SELECT * FROM users; CREATE VIEW pet AS SELECT name FROM pets;"
        )

    with client.transaction():
        client.apply_changeset(USERS, DROPPED)

    assert client.column_names(USERS)[-1] == "id"


def test_a_swap_that_would_take_a_column_from_a_view_is_refused(client: SqliteClient, tmp_path: Path) -> None:
    with client.transaction():
        client.create_table(USERS, NAMED, ())
        client.create_table(TEMP, OF, ())
    with closing(sqlite3.connect(tmp_path / "it.db")) as person:
        person.execute("CREATE VIEW theirs AS SELECT name FROM users")

    with pytest.raises(ConfigError, match="view theirs"), client.transaction():
        client.overwrite_table(TEMP, USERS)

    assert client.column_names(USERS)[-1] == "name"


def test_rows_that_a_persons_unique_index_refuses_are_reported(
    connector: SqliteConnector, client: SqliteClient, tmp_path: Path
) -> None:
    with client.transaction():
        client.create_table(USERS, OF, ())
    with closing(sqlite3.connect(tmp_path / "it.db")) as person:
        person.execute("CREATE UNIQUE INDEX one_each ON users (id)")
    twice = batch(OF, [row(1, id=7), row(2, id=7)], connector.columns.limits)

    with pytest.raises(sqlite3.IntegrityError) as caught, client.transaction():
        connector.insert_buffer(client).insert(USERS, OF, [twice])

    meaning = connector.explain(caught.value)
    assert isinstance(meaning, ConfigError)
    assert "unique index" in meaning.message


@pytest.mark.parametrize(
    ("content", "failure", "words"),
    [
        (b"no database at all" * 100, ConfigError, "not a SQLite database"),
        (None, ConfigError, "cannot be opened"),
    ],
    ids=["another file", "a folder"],
)
def test_a_file_that_cannot_be_used_is_reported(
    connector: SqliteConnector,
    client: SqliteClient,
    tmp_path: Path,
    content: bytes | None,
    failure: type[DataflowError],
    words: str,
) -> None:
    path = tmp_path / "it.db"
    path.mkdir() if content is None else path.write_bytes(content)

    with pytest.raises(sqlite3.Error) as caught, client.transaction():
        client.create_table(USERS, OF, ())

    meaning = connector.explain(caught.value)
    assert isinstance(meaning, failure)
    assert words in meaning.message
    assert meaning.remedy


def test_a_file_that_somebody_else_writes_to_for_too_long_is_a_passing_trouble(tmp_path: Path) -> None:
    with (
        closing(sqlite3.connect(tmp_path / "it.db", isolation_level=None)) as one,
        closing(sqlite3.connect(tmp_path / "it.db", isolation_level=None, timeout=0)) as other,
    ):
        one.execute("BEGIN IMMEDIATE")

        with pytest.raises(sqlite3.OperationalError) as caught:
            other.execute("BEGIN IMMEDIATE")

    assert isinstance(explain(caught.value), TransientError)


def test_a_lock_that_cannot_be_made_is_reported(connector: SqliteConnector) -> None:
    told = connector.explain(PermissionError(13, "Permission denied", "it.db-lock-1"))

    assert isinstance(told, ConfigError)
    assert "Permission denied" in told.message
    assert told.remedy


def test_an_error_that_was_not_foreseen_is_ours_and_quotes_nothing() -> None:
    told = explain(sqlite3.IntegrityError("NOT NULL constraint failed: users.s3same"))

    assert isinstance(told, InternalError)
    assert "s3same" not in str(told)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"destination_path": ""},
        {"destination_path": 7},
        {"destination_path": "/nowhere/at/all.db"},
        {"destination_path": "it.db", "schema": " "},
        {"destination_path": "it.db", "cdc_deletion_mode": "s3same"},
    ],
    ids=repr,
)
def test_options_that_cannot_be_used_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as caught:
        configure(options)

    assert "s3same" not in str(caught.value)
    assert caught.value.remedy


def test_more_columns_than_a_table_may_have_are_reported(tmp_path: Path) -> None:
    connector = SqliteConnector(configure({"destination_path": str(tmp_path / "it.db")}), SYSTEM)
    wide = columns(**{f"c{number}": Kind.INTEGER for number in range(2000)})

    with closing(connector.client()) as client, pytest.raises(sqlite3.Error) as caught, client.transaction():
        client.create_table(TableName("main", "wide"), wide, ())

    meaning = connector.explain(caught.value)
    assert isinstance(meaning, ConfigError)
    assert "more columns" in meaning.message
