"""A rehearsal on a DuckDB file says what a sync then sends, and leaves the file, or that there is none, as it was."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.duckdb import DEFINITION
from connectors.duckdb.columns import DUCKDB
from connectors.duckdb.connection import DuckDbConnection
from connectors.engine.dry_run.doctor import examine
from connectors.engine.dry_run.plan import Plan, plan
from connectors.engine.sync.undoing import TRIED
from connectors.sql.ledger_rows import TABLE as LEDGER
from connectors.sql.text import Sql, filled
from connectors.testkit.harness.messages import INTEGER, STRING, catalog, record, state, stream, users
from dataflow.catalog import Strategy, read_catalog
from dataflow.errors import ConfigError
from dataflow.runtime import SYSTEM
from tests.connectors.rehearsals import statements, sync

APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
OTHER = {"id": INTEGER, "name": INTEGER, "more": STRING}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "it.duckdb"


def synced(file: Path, *streams: Mapping[str, Any], sent: Sequence[bytes] = ()) -> None:
    with closing(DEFINITION.connector({"destination_path": str(file)}, "real", SYSTEM)) as connector:
        sync(connector, *streams, sent=sent)


def planned(file: Path, *streams: Mapping[str, Any]) -> Plan:
    with closing(DEFINITION.connector({"destination_path": str(file)}, "plan", SYSTEM)) as connector:
        return plan(connector, read_catalog(catalog(*streams)))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What clients send from now on, but questions, the ledger's own rows and what is tried and undone."""
    texts: list[str] = []
    execute = DuckDbConnection.execute

    def recording(
        self: DuckDbConnection, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        text = DUCKDB.render(statement)
        ours = TRIED in text or (LEDGER in text and not text.startswith("CREATE"))
        if not text.startswith("SELECT") and not ours:
            texts.append(DUCKDB.render(filled(statement, parameters or {})))
        return execute(self, statement, parameters)

    monkeypatch.setattr(DuckDbConnection, "execute", recording)
    return texts


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("before", [None, DEDUP])
def test_what_is_rehearsed_is_what_is_sent(
    file: Path, sent: list[str], before: Strategy | None, strategy: Strategy
) -> None:
    if before is not None:
        synced(file, users(APPEND, 1))
        synced(file, users(before, 2), sent=[record("users", id=1, name="a", updated=1), state("users", 1)])
    wanted = stream("users", strategy, OTHER, generation=3)

    rehearsed = statements(planned(file, wanted))
    sent.clear()
    synced(file, wanted)

    assert rehearsed == sent


def test_a_missing_file_stays_missing(file: Path) -> None:
    planned_path = planned(file, users(DEDUP)).streams[0].path
    with closing(DEFINITION.connector({"destination_path": str(file)}, "doctor", SYSTEM)) as connector:
        findings = examine(connector).findings

    assert (planned_path[-1], findings) == ("done", ())
    assert list(file.parent.iterdir()) == []


def test_not_a_byte_of_the_file_changes(file: Path) -> None:
    synced(file, users(DEDUP, 1))
    synced(file, users(DEDUP, 2), sent=[record("users", id=1, name="a", updated=1), state("users", 1)])
    before = {each.name: each.read_bytes() for each in file.parent.iterdir()}

    planned(file, users(Strategy.DEDUP_TRUNCATE, 3))

    assert {each.name: each.read_bytes() for each in file.parent.iterdir()} == before


def test_views_and_tables_of_others_are_no_obstacle(file: Path) -> None:
    synced(file, users(APPEND, 1))
    with duckdb.connect(file) as connection:
        connection.execute("CREATE VIEW adults AS SELECT * FROM users")
        connection.execute("CREATE TYPE mood AS ENUM ('fine'); CREATE TABLE moods (mood mood)")

    rehearsed = planned(file, users(Strategy.APPEND_TRUNCATE, 2))

    assert rehearsed.streams[0].path[-1] == "done"


def test_a_plan_foresees_that_an_index_keeps_a_column(file: Path) -> None:
    synced(file, stream("users", APPEND, OTHER))
    with duckdb.connect(file) as connection:
        connection.execute("CREATE INDEX by_id ON users (id)")

    (dropping,) = planned(file, users(APPEND, 1)).streams
    (adding,) = planned(file, stream("users", APPEND, {**OTHER, "new": STRING})).streams

    assert "by_id" in dropping.failure
    assert adding.failure == ""


def test_motherduck_cannot_be_rehearsed() -> None:
    options = {"destination_path": "md:it", "motherduck_api_key": "token"}

    with (
        closing(DEFINITION.connector(options, "plan", SYSTEM)) as connector,
        pytest.raises(ConfigError, match="MotherDuck"),
    ):
        plan(connector, read_catalog(catalog(users(APPEND))))
