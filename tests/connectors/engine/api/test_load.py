"""`dataflow.load` within a program: what it returns and raises, and that it leaves nothing behind."""

import asyncio
import json
import logging
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import dataflow
from connectors.engine.process.load_rows import load_rows
from connectors.engine.sync.faults import PERMISSION, Faults, read_faults
from dataflow import LoadResult, load
from dataflow.errors import ConfigError, DataflowError, TransientError
from dataflow.runtime import SYSTEM
from tests.starting import installed

TABLE = pa.table({"id": [1, 2, 3], "name": ["Ada", "Alan", None], "score": [0.5, float("nan"), 2.0]})


class Shop:
    """An SQLite file that is loaded into."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "shop.db"
        self.config = {"destination_path": str(self.path)}

    def load(self, data: Any, **asked: Any) -> LoadResult:
        given = {"to": "sqlite", "config": self.config, "stream": "users"} | asked
        return load(data, **given)

    def rows(self, columns: str = "id, name", table: str = "users") -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1").fetchall()
        finally:
            connection.close()

    def tables(self) -> list[str]:
        return [name for (name,) in self.rows("name", "sqlite_master WHERE type = 'table'")]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


ALL = [(1, "Ada"), (2, "Alan"), (3, None)]


def test_a_load_returns_its_counts_what_the_table_holds_and_its_journal(shop: Shop) -> None:
    loaded = shop.load(TABLE, key="id")

    assert shop.rows() == ALL
    assert (loaded.read, loaded.written, loaded.changed, loaded.unknown) == (3, 3, 1, ())
    assert loaded.changes == ("score: 1 of 3 values became null (not a number)",)
    assert loaded.holds == "Merged into main.users by primary key: 3 rows of this run."
    assert loaded.schema["properties"]["id"] == {"type": "integer"}
    assert {entry["to"] for entry in loaded.journal} >= {"writing", "merging", "done"}
    with pytest.raises(AttributeError):
        loaded.read = 4  # type: ignore[misc]


def test_a_result_is_one_line_in_a_prompt_and_the_report_in_a_notebook(shop: Shop) -> None:
    loaded = shop.load(TABLE, key="id")

    assert repr(loaded) == "<users: read 3 rows, wrote 3, changed 1 value>"
    assert loaded._repr_html_().startswith("<iframe srcdoc=")
    assert "The path taken" in loaded._repr_html_()
    assert "Ada" not in loaded.report()


def test_fields_that_the_schema_lacks_are_named_and_a_warning_says_so(shop: Shop) -> None:
    schema = {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}

    loaded = shop.load(TABLE, mode="overwrite", schema=schema)

    assert loaded.unknown == ("score",)
    assert any("not in the schema: score" in warning for warning in loaded.warnings)


def test_a_program_names_files_as_the_command_does(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("id,name\n1,Ada\n2,Alan\n3,\n")

    by_path = shop.load(tmp_path / "users.csv", stream=None, key=["id"])
    loaded_before = shop.load([str(tmp_path / "us*.csv")], key=["id"])
    by_pattern = shop.load([str(tmp_path / "us*.csv")], key=["id"], again=tmp_path / "users.csv")

    assert (by_path.stream, by_path.read, by_pattern.read) == ("users", 3, 3)
    assert (loaded_before.written, "holds all of the files" in loaded_before.holds) == (0, True)
    assert shop.rows() == ALL


def test_an_iterator_of_rows_is_read_once_on_the_calling_thread(shop: Shop) -> None:
    threads: set[int] = set()

    def rows() -> Iterator[Mapping[str, Any]]:
        for number in range(20_000):
            threads.add(threading.get_ident())
            yield {"id": number, "name": f"user {number}"}

    loaded = shop.load(rows(), mode="overwrite")

    assert loaded.read == 20_000
    assert shop.rows("count(DISTINCT id), count(*)") == [(20_000, 20_000)]
    assert threads == {threading.get_ident()}


def test_a_flush_that_is_tried_again_reads_no_row_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = Faults(read_faults(["during:flush#1=transient"], {PERMISSION: "1"}), SYSTEM.threads)
    module = import_module("connectors.engine.api.load")
    monkeypatch.setattr(module, "load_rows", partial(load_rows, strike=faults.strike))

    loaded = shop.load(iter(TABLE.to_pylist()), key="id")

    assert (loaded.read, loaded.written) == (3, 3)
    assert any("Attempt 1 failed" in warning for warning in loaded.warnings)
    assert shop.rows() == ALL


def test_rows_of_a_connection_that_only_its_thread_may_use_are_loaded(shop: Shop) -> None:
    source = sqlite3.connect(":memory:")
    source.row_factory = sqlite3.Row
    try:
        shop.load(source.execute("SELECT 1 AS id, 'Ada' AS name"), mode="overwrite")
    finally:
        source.close()

    assert shop.rows() == [(1, "Ada")]


def test_an_empty_table_replaces_the_rows_by_none(shop: Shop) -> None:
    shop.load(TABLE, mode="overwrite")

    shop.load(TABLE.schema.empty_table(), mode="overwrite")

    assert shop.rows() == []


def test_a_configuration_may_be_a_url(shop: Shop) -> None:
    shop.load(TABLE, config=f"sqlite:{shop.path}", key="id")

    assert shop.rows() == ALL


def test_a_configuration_and_a_schema_may_be_files_and_the_journal_is_appended_to_one(
    shop: Shop, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(shop.config))
    (tmp_path / "schema.json").write_text(
        json.dumps({"type": "object", "properties": {"id": {"type": "string"}}})
    )

    loaded = shop.load(
        TABLE,
        config=tmp_path / "config.json",
        schema=tmp_path / "schema.json",
        mode="overwrite",
        journal=tmp_path / "journal.jsonl",
    )

    assert shop.rows("id") == [("1",), ("2",), ("3",)]
    written = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    assert written == json.loads(json.dumps(loaded.journal))


# -- errors


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "A load needs to know what becomes of the rows that the table has."),
        ({"mode": "append"}, "The data of a program cannot be loaded in the mode append"),
        ({"mode": "replace"}, "A load does not have the mode 'replace'"),
        ({"key": "nobody"}, "There is no field 'nobody', which is to be the key."),
        ({"key": "name"}, "Rows of the data have no value for the field 'name'"),
        ({"key": "id", "stream": None}, "The table of a program's data needs a name."),
        ({"key": "id", "to": "oracle"}, "The destination oracle is not installed here"),
        ({"key": "id", "config": {}}, "destination_path: is required"),
        ({"key": "id", "config": 5}, "The configuration is of the type int."),
        ({"key": "id", "config": "nowhere.json"}, "The configuration 'nowhere.json' cannot be read"),
    ],
)
def test_what_a_person_has_to_change_is_a_config_error_and_nothing_is_published(
    shop: Shop, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        shop.load(TABLE, **asked)

    assert not shop.path.exists() or "users" not in shop.tables()


def test_a_format_that_no_file_has_is_refused(shop: Shop) -> None:
    with pytest.raises(ConfigError, match="Files of the format 'xml' cannot be loaded"):
        shop.load("users.xml", format="xml", key="id")


def test_an_error_is_in_the_words_of_the_command(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "users.ndjson"
    file.write_text('{"id": 1}\n{"id"')
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "properties": {"id": {"type": "integer"}}}')
    (tmp_path / "config.json").write_text(json.dumps(shop.config))
    ran = subprocess.run(
        [
            *(sys.executable, "-c", "from connectors.engine.commands import main; main()", "load", str(file)),
            *(
                "--schema",
                str(schema),
                "--to",
                "sqlite",
                "--config",
                str(tmp_path / "config.json"),
                "--key",
                "id",
            ),
        ],
        capture_output=True,
        text=True,
        env=installed(),
        check=False,
    )

    with pytest.raises(ConfigError) as failed:
        shop.load(file, schema=schema, key="id")

    assert f"dataflow load: {failed.value}\n" in ran.stderr
    assert failed.value.__notes__[0].startswith("main.users holds nothing of this load.")


def test_rows_that_cannot_be_read_to_their_end_leave_the_table_as_it_was(shop: Shop) -> None:
    shop.load(TABLE, key="id")

    def rows() -> Iterator[Mapping[str, Any]]:
        for number in range(130_000):
            yield {"id": number, "name": "new", "score": 1.0}
        raise OSError("the source's own words")

    with pytest.raises(ConfigError, match="what gives it raised OSError") as failed:
        shop.load(rows(), key="id")

    assert isinstance(failed.value.__cause__, OSError)
    assert shop.rows() == ALL


def test_a_secret_of_the_configuration_is_in_no_error_and_in_no_cause_of_it(shop: Shop) -> None:
    config = {
        "host": "127.0.0.1",
        "port": 1,
        "database": "tr0ub4dor",
        "username": "ada",
        "password": "127.0.0.1",
        "jdbc_url_params": "connect_timeout=1",
    }

    with pytest.raises(TransientError) as failed:
        shop.load(TABLE, to="postgres", config=config, key="id")

    assert "****" in str(failed.value)
    assert "127.0.0.1" not in str(failed.value)
    assert failed.value.__cause__ is None


# -- what is left behind


def test_nothing_is_printed_or_logged_and_no_thread_handler_or_file_is_left(
    shop: Shop, capfd: pytest.CaptureFixture[str]
) -> None:
    shop.load(TABLE, key="id")
    before = left()

    shop.load(TABLE, key="id")
    with pytest.raises(DataflowError):
        shop.load(pa.table({"id": [1, None]}), key="id")

    assert left() == before
    assert capfd.readouterr() == ("", "")


def left() -> tuple[Any, ...]:
    return (
        threading.enumerate(),
        sorted(each.name for each in Path("/proc/self/fd").iterdir()),
        [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)],
        signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        list(logging.getLogger().handlers),
    )


def test_loads_of_one_process_run_side_by_side_on_threads(tmp_path: Path) -> None:
    shops = [Shop(tmp_path / name) for name in ("one", "two")]
    for shop in shops:
        shop.path.parent.mkdir()
    loads = [threading.Thread(target=shop.load, args=(TABLE,), kwargs={"key": "id"}) for shop in shops]

    for each in loads:
        each.start()
    for each in loads:
        each.join()

    assert [shop.rows() for shop in shops] == [ALL, ALL]


def test_a_load_works_within_a_running_event_loop(shop: Shop) -> None:
    async def cell() -> None:
        shop.load(TABLE, key="id")
        await asyncio.to_thread(shop.load, TABLE, key="id")

    asyncio.run(cell())

    assert shop.rows() == ALL


# -- interrupts


def test_an_interrupt_while_rows_are_read_publishes_nothing_and_leaves_nothing_behind(shop: Shop) -> None:
    shop.load(TABLE, key="id")
    before = left()

    def rows() -> Iterator[Mapping[str, Any]]:
        for number in range(140_000):
            if number == 130_000:
                signal.raise_signal(signal.SIGINT)
            yield {"id": number, "name": "new", "score": 1.0}

    with pytest.raises(KeyboardInterrupt) as interrupted:
        shop.load(rows(), key="id")

    assert left() == before
    assert interrupted.value.__notes__[0].startswith("main.users holds nothing of this run.")
    assert shop.rows() == ALL
    shop.load(TABLE, key="id")
    assert shop.tables().count("users") == 1


def test_an_interrupt_while_the_load_waits_for_the_destination_stops_it(shop: Shop) -> None:
    shop.load(TABLE, key="id")
    blocker = sqlite3.connect(shop.path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    interrupting = threading.Thread(
        target=signal.pthread_kill, args=(threading.main_thread().ident, signal.SIGINT)
    )

    def rows() -> Iterator[Mapping[str, Any]]:
        yield {"id": 9, "name": "new", "score": 1.0}
        interrupting.start()

    with pytest.raises(KeyboardInterrupt):
        shop.load(rows(), key="id")
    blocker.close()
    interrupting.join()

    assert shop.rows() == ALL


def test_the_package_is_imported_without_the_engine() -> None:
    asked = "import sys, dataflow; print(sorted(name for name in sys.modules if name.split('.')[0] in sys.argv[1:]))"

    ran = subprocess.run(
        [sys.executable, "-c", asked, "dataflow", "connectors", "machines", "pyarrow"],
        capture_output=True,
        text=True,
        env=installed(),
        check=True,
    )

    assert ran.stdout == "['dataflow']\n"
    assert sorted(dataflow.__all__) == ["LoadResult", "load"]
    with pytest.raises(AttributeError):
        _ = dataflow.nothing
