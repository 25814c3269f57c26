"""A rehearsal on a Postgres server says what a sync then sends, names the locks it takes, and can change nothing."""

import time
from collections.abc import Mapping
from typing import Any, cast

import psycopg
import pytest
from attrs import evolve

from connectors.engine.dry_run.diagnosis import Kind
from connectors.engine.dry_run.doctor import examine
from connectors.engine.dry_run.effects import Deed
from connectors.engine.dry_run.plan import Plan, plan
from connectors.engine.dry_run.repair import try_repairs
from connectors.engine.sync.undoing import TRIED
from connectors.postgres.client import PostgresClient
from connectors.postgres.connector import PostgresConnector
from connectors.testkit.harness.messages import (
    INTEGER,
    STRING,
    catalog,
    complete,
    record,
    state,
    stream,
    users,
)
from dataflow.catalog import Strategy, read_catalog
from dataflow.names import TEMP_MARK
from dataflow.types import TableName
from tests.connectors.postgres.conftest import Connect
from tests.connectors.postgres.support import as_a_person
from tests.connectors.rehearsals import statements, sync
from tests.servers.address import Address

APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE
ROW = record("users", id=1, name="a", updated=1)
COVERED = (ROW, state("users", 1))
UNTOLD = (ROW,)
OTHER = {"id": INTEGER, "name": INTEGER, "more": STRING}


def planned(connector: PostgresConnector, *streams: Mapping[str, Any]) -> Plan:
    return plan(connector, read_catalog(catalog(*streams)))


def sent_by(connect: Connect, *streams: Mapping[str, Any]) -> list[str]:
    """What a real sync sends: all but questions, settings, the ledger's own rows and what is tried and undone."""
    sent: list[str] = []

    class Recording(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **how: Any) -> Any:
            sent.append(psycopg.ClientCursor(self.connection).mogrify(query, params))
            return super().execute(query, params, **how)

    connector = connect("real")
    parameters = {**connector._access.parameters, "cursor_factory": Recording}
    connector._access = evolve(connector._access, parameters=parameters)
    assert sync(connector, *streams)
    settings = ("SET client_", 'SET LOCAL "enable_')
    of_the_ledger = tuple(
        f'{verb} "airbyte_internal"."{table}"'
        for verb in ("UPDATE", "INSERT INTO", "DELETE FROM")
        for table in ("_airbyte_streams", "_airbyte_flushes")
    )
    ignored = ("SELECT", "WITH", *settings, *of_the_ledger)
    return [text for text in sent if not text.startswith(ignored) and TRIED not in text]


CUT = {"": (), "after a told row": COVERED, "after an untold row": UNTOLD}


BUILT = """
    CREATE VIEW adults AS SELECT id FROM append_truncate;
    GRANT SELECT ON dedup_truncate TO PUBLIC;
    COMMENT ON TABLE dedup_truncate IS 'people''s';
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor"""


def test_what_is_rehearsed_is_what_is_sent_where_people_built_on_a_table(
    connect: Connect, postgres_database: Address
) -> None:
    """A view makes the swap exchange the rows in place; grants and comments go along with the name."""
    names = {str(strategy): strategy for strategy in (APPEND_TRUNCATE, DEDUP_TRUNCATE)}
    connector = connect()
    for name in names:
        sync(
            connector, users(APPEND, 1, name), sent=[record(name, id=1, name="b", updated=1), complete(name)]
        )
    with psycopg.connect(postgres_database.dsn) as connection:
        connection.execute(BUILT)

    for name, strategy in names.items():
        wanted = users(strategy, 2, name)
        rehearsed = planned(connector, wanted)

        assert statements(rehearsed) == sent_by(connect, wanted)


@pytest.mark.parametrize("cut", CUT)
@pytest.mark.parametrize("before", [None, APPEND, DEDUP])
def test_what_is_rehearsed_is_what_is_sent(connect: Connect, before: Strategy | None, cut: str) -> None:
    """Statement by statement, over what an earlier sync and an interrupted one left, for every strategy."""
    names = {str(strategy): strategy for strategy in Strategy}
    connector = connect()
    for name in names if before else ():
        rows = [record(name, id=number, name="b", updated=1) for number in range(2)]
        sync(connector, users(before or APPEND, 1, name))
        sync(connector, users(APPEND, 1, name), sent=rows)
    for name, strategy in names.items() if CUT[cut] else ():
        sync(
            connector,
            users(strategy, 2, name),
            sent=[line.replace(b"users", name.encode()) for line in CUT[cut]],
        )
    wanted = [stream(name, strategy, OTHER, generation=2) for name, strategy in names.items()]

    rehearsed = [planned(connector, each) for each in wanted]
    sent = [sent_by(connect, each) for each in wanted]

    set_up = [statement.text for statement in rehearsed[0].set_up]
    for each, texts in zip(rehearsed, sent, strict=True):
        done = [text for text in texts if text not in set_up]
        assert [text for text in statements(each) if text not in set_up] == done
    assert sent[0][: len(set_up)] == set_up


def test_the_lock_that_is_named_is_the_one_that_is_taken(
    connect: Connect, postgres_database: Address
) -> None:
    connector = connect()
    sync(
        connector,
        users(DEDUP, 1),
        users(APPEND, 1, "others"),
        sent=[ROW, record("others", id=1), complete("users"), complete("others")],
    )
    steps = [
        step
        for each in planned(connector, users(DEDUP_TRUNCATE, 2), stream("others", APPEND, OTHER)).streams
        for step in each.steps
    ]
    named = [(s.text, s.lock) for step in steps for s in step.statements if s.lock]

    taken = []
    with psycopg.connect(postgres_database.dsn) as connection:
        for step in steps:
            for statement in step.statements:
                before = _modes(connection)
                connection.execute(statement.text.encode())
                if statement.lock:
                    taken.append((statement.text, statement.lock, _modes(connection) | before))
        connection.rollback()

    assert len(named) == len(taken) > 5
    for text, lock, modes in taken:
        assert lock.replace(" ", "").lower() in modes, text


def _modes(connection: psycopg.Connection[Any]) -> set[str]:
    rows = connection.execute(
        "SELECT mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'"
    )
    return {mode.removesuffix("Lock").lower() for (mode,) in rows}


READER = "reader"


@pytest.fixture
def reader(connect: Connect, postgres_database: Address) -> PostgresConnector:
    """A connector whose role may read what is there, and do nothing else."""
    with psycopg.connect(postgres_database.dsn, autocommit=True) as connection:
        connection.execute(f"DROP ROLE IF EXISTS {READER}")
        connection.execute(f"CREATE ROLE {READER} LOGIN PASSWORD 'reader'")
        for schema in ("public", "airbyte_internal"):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            connection.execute(f"REVOKE ALL ON SCHEMA {schema} FROM PUBLIC")
            connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {READER}")
            connection.execute(
                f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {READER}"
            )
    return connect("reader", username=READER, password="reader")


def test_a_role_that_may_only_read_can_plan_and_examine(connect: Connect, reader: PostgresConnector) -> None:
    first = planned(reader, users(DEDUP_TRUNCATE, 1))
    sync(connect(), users(DEDUP, 1))
    sync(connect(), users(DEDUP, 2), sent=COVERED)

    later = planned(reader, users(DEDUP_TRUNCATE, 3))

    assert first.streams[0].path[-1] == "done"
    assert later.streams[0].path[2:4] == ("settling", "opening_temp")
    assert [each.state for each in examine(reader).findings] == ["resuming_temp"]


def test_a_temp_table_of_others_that_we_may_not_read_is_passed_over(
    reader: PostgresConnector, postgres_database: Address
) -> None:
    theirs = f"public.orders{TEMP_MARK}theirs"
    with psycopg.connect(postgres_database.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE {theirs} (_airbyte_raw_id uuid)")
        readable = examine(reader).findings
        connection.execute(f"REVOKE ALL ON {theirs} FROM {READER}")

    found = examine(reader).findings

    assert [finding.kind for finding in readable] == [Kind.UNKNOWN]
    assert found == ()


def test_the_servers_session_of_a_rehearsal_refuses_to_write(connector: PostgresConnector) -> None:
    client = cast("PostgresClient", connector.rehearse(lambda _: None).client())

    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), client.transaction():
        as_a_person(client, "CREATE TABLE made (id bigint)")

    client.close()


def test_a_plan_leaves_the_catalog_as_it_was(
    connector: PostgresConnector, postgres_database: Address
) -> None:
    sync(connector, users(DEDUP, 1))
    sync(connector, users(DEDUP, 2), sent=COVERED)
    catalog_of = "SELECT oid, relname, relfilenode, xmin::text FROM pg_class ORDER BY oid"
    ledger = "SELECT xmin::text, * FROM airbyte_internal._airbyte_streams"
    with psycopg.connect(postgres_database.dsn) as connection:
        before = [connection.execute(each).fetchall() for each in (catalog_of, ledger)]

    planned(connector, users(DEDUP_TRUNCATE, 3))
    examine(connector)

    with psycopg.connect(postgres_database.dsn) as connection:
        assert [connection.execute(each).fetchall() for each in (catalog_of, ledger)] == before


def test_views_and_grants_are_reported_and_how_the_swap_keeps_them(
    connect: Connect, postgres_database: Address
) -> None:
    sync(connect(), users(APPEND, 1))
    with psycopg.connect(postgres_database.dsn) as connection:
        connection.execute("CREATE VIEW adults AS SELECT id FROM users")
        connection.execute("GRANT SELECT ON users TO PUBLIC")

    (kept,) = planned(connect(), users(APPEND_TRUNCATE, 2)).streams
    (dropped,) = planned(connect(drop_cascade=True), users(APPEND_TRUNCATE, 2)).streams

    notes = [next(step.note for step in each.steps if step.state == "swapping") for each in (kept, dropped)]
    assert kept.final.statistics.dependents == ("view public.adults",)
    assert kept.final.statistics.grants == ("SELECT to PUBLIC",)
    assert notes == [
        "inside the table: view public.adults depends on it",
        "by rename, dropping view public.adults as drop_cascade asks",
    ]


NEW_COLUMNS = {"dropped": {"id": INTEGER}, "changed": OTHER}


@pytest.mark.parametrize("columns", NEW_COLUMNS)
@pytest.mark.parametrize("strategy", [APPEND, DEDUP, APPEND_TRUNCATE])
def test_a_view_that_ends_a_sync_ends_its_plan_too(
    strategy: Strategy, columns: str, connector: PostgresConnector, postgres_database: Address
) -> None:
    wanted = stream("users", strategy, NEW_COLUMNS[columns], generation=2)
    sync(connector, users(APPEND, 1))
    with psycopg.connect(postgres_database.dsn) as connection:
        connection.execute("CREATE VIEW named AS SELECT name FROM users")

    (rehearsed,) = planned(connector, wanted).streams
    ended = sync(connector, wanted)

    assert rehearsed.path[-1] == "failed"
    assert "view public.named uses a column that is dropped or changed" in rehearsed.failure
    assert "Drop these objects" in rehearsed.failure
    assert not ended


@pytest.mark.parametrize("columns", NEW_COLUMNS)
@pytest.mark.parametrize("strategy", [APPEND, DEDUP])
def test_a_view_that_drop_cascade_drops_for_a_column_is_reported_and_marked(
    strategy: Strategy, columns: str, connect: Connect, postgres_database: Address
) -> None:
    wanted = stream("users", strategy, NEW_COLUMNS[columns], generation=2)
    sync(connect(), users(APPEND, 1))
    with psycopg.connect(postgres_database.dsn) as connection:
        connection.execute("CREATE MATERIALIZED VIEW named AS SELECT name FROM users")
        connection.execute("CREATE VIEW kept AS SELECT id FROM users")

    rehearsed = planned(connect(drop_cascade=True), wanted)
    ended = sync(connect(drop_cascade=True), wanted)

    with psycopg.connect(postgres_database.dsn) as connection:
        left = connection.execute("SELECT to_regclass('named'), to_regclass('kept')::text").fetchone()
    words = [effect.words for effect in rehearsed.destructive if effect.deed is Deed.DROP_VIEW]
    assert words == ["drops view public.named and everything that depends on it"]
    assert ended
    assert left == (None, "kept")


def test_a_table_that_a_live_run_writes_to_makes_a_plan_of_failure(connect: Connect) -> None:
    sync(connect(), users(APPEND, 1))
    client = connect("live").client()
    client.lock(TableName("public", "users"), "live")

    (refused,) = planned(connect(), users(APPEND, 2)).streams

    client.close()
    assert refused.path == ("claiming", "failed")
    assert "Another run is writing to public.users" in refused.failure
    assert refused.writer is not None
    assert refused.writer.run == "live"


def test_the_session_of_a_dead_run_is_named_and_ended(connect: Connect) -> None:
    connector = connect()
    sync(connector, users(APPEND, 1))
    held = connect("dead").client()
    held.lock(TableName("public", "users"), "dead")
    # A run that is gone is silent: here, next to no silence is enough.
    connector._access = evolve(connector._access, pulse=0.001)
    time.sleep(0.05)

    (finding,) = examine(_impatient(connector)).findings
    came = list(try_repairs(connector, examine(_impatient(connector)), "doctor"))
    after = examine(connector).findings

    held.close()
    assert (finding.kind, finding.run) == (Kind.DEAD_RUN, "dead")
    assert ([each.words for each in came], after) == (["public.users: claim: done"], ())


def _impatient(connector: PostgresConnector) -> PostgresConnector:
    """Its rehearsals are as impatient as it is."""
    rehearse = connector.rehearse

    def impatient(note: Any) -> Any:
        rehearsing = rehearse(note)
        rehearsing._access = connector._access  # type: ignore[attr-defined]
        return rehearsing

    connector.rehearse = impatient  # type: ignore[method-assign]
    return connector


def test_what_would_be_lost_is_marked(connector: PostgresConnector) -> None:
    sync(connector, users(APPEND, 1))

    effects = planned(connector, stream("users", APPEND_TRUNCATE, OTHER, generation=2)).destructive

    assert [effect.deed for effect in effects] == [Deed.REPLACE]
