"""What docs/clients.md shows does what it says."""

from pathlib import Path

import duckdb
import pytest

from tests.clients.client import Client
from tests.connectors.duckdb.place import duckdb_destination
from tests.documented import command, examples
from tests.environments import CLIENTS, SOURCES
from tests.whole import messages

pytestmark = [pytest.mark.elsewhere, pytest.mark.usefixtures("_environments")]
PAGE = "docs/clients.md"


def test_the_script_replaces_the_table_each_time(tmp_path: Path) -> None:
    (script,) = examples(PAGE, "python")
    client = Client(tmp_path)

    # Twice in one process, since PyAirbyte takes ten seconds to import.
    client.run(CLIENTS.programs / "python", "-c", script * 2)

    with duckdb.connect(tmp_path / "shop.duckdb") as shop:
        assert shop.execute("SELECT count(*) FROM products").fetchone() == (100,)


def test_the_pipe_emits_the_last_state(tmp_path: Path) -> None:
    client, destination = Client(tmp_path), duckdb_destination(tmp_path)
    users = messages.stream("users", {"id": "integer"}, mode="append")
    users["stream"]["supported_sync_modes"] = ["full_refresh"]
    destination.file("source.json", {"count": 100, "parallelism": 1})
    destination.file("catalog.json", messages.catalog(users))
    destination.file("destination.json", destination.config)

    client.shell(f"PATH='{SOURCES.programs}':\"$PATH\"; {command(PAGE, 'source-faker')}")

    assert len(destination.rows("users", ["id"])) == 100
    assert '"STATE"' in (tmp_path / "messages.jsonl").read_text()


def test_an_older_duckdb_goes_on_reading_a_file_that_it_made(tmp_path: Path) -> None:
    client, destination = Client(tmp_path), duckdb_destination(tmp_path)
    older, path = CLIENTS.programs / "python", destination.config["destination_path"]
    client.run(
        older, "-c", "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('CREATE TABLE a (b int)')", path
    )

    destination.write(
        messages.catalog(messages.stream("users", {"id": "integer"})),
        [messages.record("users", {"id": 1}), messages.complete("users")],
    )

    ask = "import duckdb, sys; print(duckdb.connect(sys.argv[1]).execute('SELECT id FROM users').fetchall())"
    assert client.run(older, "-c", ask, path) == "[(1,)]\n"
