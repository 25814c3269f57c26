"""The configuration's secrets are never shown: not on stdout, on stderr, in the journal's file nor its table."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.connectors.duckdb.place import duckdb_destination
from tests.connectors.postgres.place import postgres_destination
from tests.servers.address import Address
from tests.starting import installed
from tests.whole.command import ROOT, TIMEOUT, Destination
from tests.whole.messages import catalog, complete, record, state, stream

SECRET = "open-s3same"
USERS = catalog(stream("users", {"id": "integer"}))
SENT = record("users", {"id": 1}) + state("users", 1) + complete("users")
JOURNAL = "SELECT * FROM airbyte_internal._airbyte_journal"


def output(destination: Destination, config: dict[str, Any], verb: str, *arguments: str) -> str:
    """All that a command says, in whatever way."""
    journal = destination.folder / "journal.jsonl"
    files = ["--config", destination.file("config.json", config)]
    if verb == "write":
        files += ["--catalog", destination.file("catalog.json", USERS), "--journal", str(journal)]
    ended = subprocess.run(
        [sys.executable, "-m", f"connectors.{destination.name}", verb, *files, *arguments],
        input=SENT,
        capture_output=True,
        cwd=ROOT,
        env=installed() | {"DATAFLOW_ALLOW_FAULTS": "1"},
        timeout=TIMEOUT,
        check=False,
    )
    said = (ended.stdout + ended.stderr).decode()
    assert "TRACE" in said
    return said + (journal.read_text() if journal.exists() else "")


@pytest.mark.parametrize("verb", ["check", "write"])
@pytest.mark.parametrize(
    "wrong",
    [
        # The server quotes these.
        {"username": f"user-{SECRET}"},
        {"database": f"base-{SECRET}"},
        {"host": f"{SECRET}.invalid"},
        {"port": 1},
        {"jdbc_url_params": f"sslpassword={SECRET}"},
        {"jdbc_url_params": f"sslmode={SECRET}"},
        {"schema": 7, "password": SECRET},
        {"lock_timeout": SECRET},
    ],
    ids=["user", "database", "host", "port", "SSL password", "SSL mode", "type", "limit"],
)
def test_a_connection_that_fails_shows_no_password(
    tmp_path: Path, postgres_database: Address, wrong: dict[str, Any], verb: str
) -> None:
    destination = postgres_destination(tmp_path, postgres_database)

    said = output(destination, {**destination.config, "password": SECRET, **wrong}, verb)

    assert SECRET not in said


@pytest.mark.parametrize(
    "faults",
    [
        [f"before:{operation}={kind}"]
        for operation in ("claim", "flush")
        for kind in ("transient", "permanent")
    ],
    ids=lambda faults: faults[0],
)
def test_a_sync_that_fails_shows_no_password(
    tmp_path: Path, postgres_database: Address, faults: Sequence[str]
) -> None:
    destination = postgres_destination(tmp_path, postgres_database)

    said = output(
        destination,
        {**destination.config, "password": SECRET},
        "write",
        *(part for fault in faults for part in ("--fault", fault)),
    )

    assert SECRET not in said
    assert destination.query(JOURNAL)
    assert SECRET not in str(destination.query(JOURNAL))


def test_what_the_server_quotes_is_masked_in_the_journal_too(
    tmp_path: Path, postgres_database: Address
) -> None:
    """A trigger of somebody's that says more than it should."""
    destination = postgres_destination(tmp_path, postgres_database)
    with psycopg.connect(postgres_database.dsn) as person:
        person.execute(
            "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF current_query() LIKE '%users%' THEN "
            f"RAISE EXCEPTION 'not with {SECRET}' USING ERRCODE = '42501'; END IF; END $$"
        )
        person.execute(
            "CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION refuse()"
        )

    said = output(destination, {**destination.config, "password": SECRET}, "write")

    assert "not with ****" in said
    assert "not with ****" in str(destination.query(JOURNAL))
    assert SECRET not in said + str(destination.query(JOURNAL))


@pytest.mark.parametrize("verb", ["check", "write"])
def test_a_file_that_cannot_be_opened_shows_no_token(tmp_path: Path, verb: str) -> None:
    destination = duckdb_destination(tmp_path)
    path = tmp_path / f"{SECRET}.duckdb"
    path.write_text("a letter home, longer than nothing")

    said = output(destination, {"destination_path": str(path), "motherduck_api_key": SECRET}, verb)

    assert "****.duckdb" in said
    assert SECRET not in said
