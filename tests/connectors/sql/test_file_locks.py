"""Locks in files: few are open, none stays, and no dead process is in the way."""

import fcntl
from pathlib import Path

import pytest

from connectors.sql.file_locks import StreamLocks
from dataflow.names import NamingRules, name_hash
from dataflow.runtime import SYSTEM
from dataflow.types import TableName

NAMING = NamingRules(max_bytes=255, plain=False, ignore_case=True)
USERS, ORDERS = TableName("main", "users"), TableName("main", "orders")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "it[1].db"


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_a_thousand_tables_are_locked_with_one_open_file(database: Path) -> None:
    before = open_files()
    ours, others = StreamLocks(database, NAMING, SYSTEM), StreamLocks(database, NAMING, SYSTEM)
    tables = [TableName("main", f"stream_{number}") for number in range(1000)]

    for table in tables:
        assert ours.take(table, "ours") is None

    assert open_files() == before + 1
    assert [others.taken(table) for table in tables] == ["ours"] * 1000
    ours.give_back()
    assert open_files() == before
    assert list(database.parent.iterdir()) == []


def test_a_table_has_one_writer_and_another_table_another(database: Path) -> None:
    first, second = StreamLocks(database, NAMING, SYSTEM), StreamLocks(database, NAMING, SYSTEM)
    first.take(USERS, "first")

    assert second.take(USERS, "second") == "first"
    assert second.take(ORDERS, "second") is None
    assert first.take(ORDERS, "first") == "second"
    assert first.take(USERS, "first") is None
    first.give_back()
    assert second.take(USERS, "second") is None
    second.give_back()
    assert list(database.parent.iterdir()) == []


def test_names_that_differ_in_case_are_one_table(database: Path) -> None:
    first, second = StreamLocks(database, NAMING, SYSTEM), StreamLocks(database, NAMING, SYSTEM)
    first.take(USERS, "first")

    assert second.take(TableName("MAIN", "Users"), "second") == "first"
    first.give_back()


def test_what_a_dead_process_left_is_removed(database: Path) -> None:
    left = database.with_name(f"{database.name}-lock-0123")
    left.write_text(f"dead\n{name_hash('main', 'users')}")
    door = database.with_name(f"{database.name}-lock")
    door.touch()
    locks = StreamLocks(database, NAMING, SYSTEM)

    assert locks.taken(USERS) is None
    assert left.exists()
    assert locks.take(USERS, "ours") is None
    assert not left.exists()
    locks.give_back()
    assert list(database.parent.iterdir()) == []


def test_the_lock_of_a_version_that_had_a_file_for_each_table_is_kept_to(database: Path) -> None:
    path = database.with_name(f"{database.name}-lock-{name_hash('main', 'users')}")
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("older run")
        file.flush()
        locks = StreamLocks(database, NAMING, SYSTEM)

        assert locks.take(USERS, "ours") == "older run"
        assert locks.take(ORDERS, "ours") is None
        locks.give_back()
