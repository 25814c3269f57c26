"""A rehearsal on a SQLite file says what a sync then sends, and leaves the file, or that there is none, as it was."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connectors.engine.dry_run.doctor import examine
from connectors.engine.dry_run.plan import Plan, plan
from connectors.engine.sync.undoing import TRIED
from connectors.sql.ledger_rows import TABLE as LEDGER
from connectors.sqlite import DEFINITION
from connectors.sqlite.connection import SqliteConnection
from connectors.testkit.harness.messages import INTEGER, STRING, catalog, record, state, stream, users
from dataflow.catalog import Strategy, read_catalog
from dataflow.errors import TransientError
from dataflow.runtime import SYSTEM
from dataflow.types import TableName
from tests.connectors.rehearsals import statements, sync

APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
OTHER = {"id": INTEGER, "name": INTEGER, "more": STRING}
USERS = TableName("main", "users")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "it.sqlite"


def synced(file: Path, *streams: Mapping[str, Any], sent: Sequence[bytes] = ()) -> None:
    with closing(DEFINITION.connector({"destination_path": str(file)}, "real", SYSTEM)) as connector:
        sync(connector, *streams, sent=sent)


def planned(file: Path, *streams: Mapping[str, Any]) -> Plan:
    with closing(DEFINITION.connector({"destination_path": str(file)}, "plan", SYSTEM)) as connector:
        return plan(connector, read_catalog(catalog(*streams)))


def cut_off(file: Path) -> None:
    synced(file, users(APPEND, 1))
    synced(file, users(DEDUP, 2), sent=[record("users", id=1, name="a", updated=1), state("users", 1)])


def everything(file: Path) -> Mapping[str, bytes]:
    return {each.name: each.read_bytes() for each in file.parent.iterdir()}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What SQLite is sent from now on, but questions, the ledger's own rows and what is tried and undone."""
    texts: list[str] = []
    provided = SqliteConnection.open

    def keep(text: str) -> None:
        changes = not text.startswith(("--", "SELECT", "PRAGMA", "BEGIN", "COMMIT", "ROLLBACK"))
        ours = TRIED in text or (f'{LEDGER}"' in text and not text.startswith("CREATE"))
        if changes and not ours:
            texts.append(text)

    def recording(self: SqliteConnection) -> sqlite3.Connection:
        connection: sqlite3.Connection = provided.__get__(self)
        connection.set_trace_callback(keep)
        return connection

    monkeypatch.setattr(SqliteConnection, "open", property(recording))
    return texts


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("before", [None, DEDUP])
def test_what_is_rehearsed_is_what_is_sent(
    file: Path, before: Strategy | None, strategy: Strategy, request: pytest.FixtureRequest
) -> None:
    if before is not None:
        cut_off(file)
    wanted = stream("users", strategy, OTHER, generation=3)

    rehearsed = statements(planned(file, wanted))
    sent: list[str] = request.getfixturevalue("sent")
    synced(file, wanted)

    assert rehearsed == sent


def test_a_missing_file_stays_missing(file: Path) -> None:
    planned_path = planned(file, users(DEDUP)).streams[0].path
    with closing(DEFINITION.connector({"destination_path": str(file)}, "doctor", SYSTEM)) as connector:
        findings = examine(connector).findings

    assert (planned_path[-1], findings) == ("done", ())
    assert list(file.parent.iterdir()) == []


def test_not_a_byte_of_the_file_changes(file: Path) -> None:
    cut_off(file)
    before = everything(file)

    planned(file, users(Strategy.DEDUP_TRUNCATE, 3))

    assert everything(file) == before


def test_what_another_process_has_written_but_not_moved_into_the_file_is_seen(file: Path) -> None:
    synced(file, users(APPEND, 1))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("ALTER TABLE users ADD COLUMN more TEXT")
        connection.commit()

        (stream_plan,) = planned(file, users(APPEND, 1)).streams

    assert "more" in stream_plan.final.columns


def test_what_another_process_is_about_to_write_is_not_taken_for_written(file: Path) -> None:
    synced(file, users(APPEND, 1))
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("ALTER TABLE users ADD COLUMN more TEXT")
        # More than the cache holds, so that the file has it before the COMMIT.
        connection.execute("CREATE TABLE large AS SELECT zeroblob(1000000) AS it")

        with pytest.raises(TransientError, match="is writing"):
            planned(file, users(APPEND, 1))


def test_views_indexes_triggers_and_tables_of_others_are_no_obstacle(file: Path) -> None:
    synced(file, users(APPEND, 1))
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(
            "CREATE VIEW adults AS SELECT * FROM users; CREATE INDEX by_name ON users (name);"
            "CREATE TRIGGER loud AFTER INSERT ON users BEGIN SELECT unknown(); END;"
            "CREATE TABLE theirs (id INTEGER PRIMARY KEY AUTOINCREMENT); CREATE VIRTUAL TABLE found USING fts5(a);"
        )

    rehearsed = planned(file, users(Strategy.APPEND_TRUNCATE, 2))

    assert rehearsed.streams[0].path[-1] == "done"


def test_a_plan_reports_what_is_built_on_a_table_and_that_it_is_built_again(
    file: Path, request: pytest.FixtureRequest
) -> None:
    synced(file, users(APPEND, 1))
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(
            "CREATE INDEX by_name ON users (name); CREATE TRIGGER loud AFTER INSERT ON users BEGIN SELECT 1; END;"
        )
    wanted = users(Strategy.APPEND_TRUNCATE, 2)

    rehearsed = planned(file, wanted)
    sent: list[str] = request.getfixturevalue("sent")
    synced(file, wanted)

    assert rehearsed.streams[0].final.statistics.dependents == ("index by_name", "trigger loud")
    assert statements(rehearsed) == sent
    assert "CREATE INDEX by_name ON users (name)" in sent


def test_a_plan_foresees_that_a_trigger_holds_a_column(file: Path) -> None:
    synced(file, stream("users", APPEND, OTHER))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TRIGGER loud AFTER INSERT ON users BEGIN SELECT new.more; END")

    (planned_stream,) = planned(file, users(APPEND, 1)).streams

    assert "trigger loud" in planned_stream.failure


def test_a_plan_reports_who_writes_and_stops_nobody(file: Path) -> None:
    synced(file, users(APPEND, 1))
    with closing(DEFINITION.connector({"destination_path": str(file)}, "live", SYSTEM)) as connector:
        with closing(connector.client()) as client:
            client.lock(USERS, "live")
            (during,) = planned(file, users(APPEND, 1)).streams
        (after,) = planned(file, users(APPEND, 1)).streams

    assert during.writer is not None
    assert (during.writer.run, "live is writing to it" in during.failure) == ("live", True)
    assert (after.writer, after.failure) == (None, "")


def test_a_table_is_found_by_its_mark_whatever_its_namespace(file: Path) -> None:
    tables = [TableName("a.b", "x_tmp.y"), TableName("main", "sqlite_tmp"), TableName("main", "c%.tmp")]
    with (
        closing(DEFINITION.connector({"destination_path": str(file)}, "real", SYSTEM)) as connector,
        closing(connector.client()) as client,
        client.transaction(),
    ):
        for table in [*tables, USERS, TableName("tmp", "users")]:
            client.create_table(table, (), ())
        found = client.tables_named("tmp")

    assert set(found) == set(tables)
