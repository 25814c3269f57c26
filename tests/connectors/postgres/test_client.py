"""The client on a real server: tables, swaps, locks, and what happens when the connection goes."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from attrs import evolve

from connectors.contract import Client, Connector, Definition
from connectors.contract.ledger import LedgerEntry
from connectors.postgres import DEFINITION
from connectors.postgres.client import PostgresClient
from connectors.postgres.config import configure, connection_parameters
from connectors.postgres.connector import PostgresConnector
from connectors.postgres.locks import Locks
from connectors.postgres.sessions import Access
from dataflow.errors import ConfigError, InternalError, TransientError
from dataflow.runtime import SYSTEM
from dataflow.types import Kind, TableName
from tests.connectors.postgres.conftest import Connect
from tests.connectors.postgres.support import (
    FINAL,
    TEMP,
    as_a_person,
    column,
    fill,
    index_names,
    raw_id,
    recipe,
    texts,
)
from tests.servers.address import Address

ID = (column("id", Kind.INTEGER),)
ELSEWHERE = TableName("Else where", "users_temp")


def test_the_parts_keep_the_contract(connector: PostgresConnector, client: PostgresClient) -> None:
    definition: Definition = DEFINITION
    made: Connector = connector
    kept: Client = client

    assert (definition.name, made.default_namespace, made.internal_namespace) == (
        "postgres",
        "public",
        "airbyte_internal",
    )
    assert kept is client


def ids(client: PostgresClient, table: TableName) -> list[str | None]:
    return texts(client, table, "id")


def load(connector: PostgresConnector, client: PostgresClient, table: TableName, *numbers: int) -> None:
    rows = [{"id": each, "_airbyte_raw_id": raw_id(each).bytes} for each in numbers]
    fill(connector, client, table, ID, rows)


# -- namespaces and tables


def test_a_namespace_is_made_once(client: PostgresClient) -> None:
    for _ in range(2):
        with client.transaction():
            client.create_namespace('new "schema"')

    query = "SELECT count(*) FROM pg_namespace WHERE nspname = 'new \"schema\"'"
    assert as_a_person(client, query).fetchone() == (1,)


def test_a_namespace_that_is_there_needs_no_right_to_make_one(
    connect: Connect, client: PostgresClient, login: str
) -> None:
    as_a_person(client, f"CREATE SCHEMA there AUTHORIZATION {login}".encode())
    other = connect(username=login)
    theirs = other.client()

    with theirs.transaction():
        theirs.create_namespace("there")
        theirs.create_table(TableName("there", "t"), ID, ())
    with pytest.raises(psycopg.Error) as caught, theirs.transaction():
        theirs.create_namespace("missing")

    explained = other.explain(caught.value)
    assert isinstance(explained, ConfigError)
    assert f'TO "{login}";' in explained.remedy
    assert "GRANT CREATE ON DATABASE" in explained.remedy
    theirs.close()


@pytest.fixture
def login(client: PostgresClient, postgres_database: Address) -> Iterator[str]:
    """A user without any right of its own. Roles belong to the whole server."""
    name = f"u_{postgres_database.dbname}"
    as_a_person(client, f"CREATE ROLE {name} LOGIN".encode())
    yield name
    as_a_person(client, f"DROP OWNED BY {name}".encode())
    as_a_person(client, f"DROP ROLE {name}".encode())


def test_a_table_is_there_from_its_creation_to_its_drop(client: PostgresClient) -> None:
    seen = []
    with client.transaction():
        seen.append(client.table_exists(FINAL))
        client.create_table(FINAL, ID, ["id"])
        seen.append(client.table_exists(FINAL))
        client.drop_table(FINAL)
        seen.append(client.table_exists(FINAL))
        client.drop_table(FINAL)

    assert seen == [False, True, False]


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        ("CREATE VIEW users AS SELECT 1 AS id", "view"),
        ("CREATE MATERIALIZED VIEW users AS SELECT 1 AS id", "materialized view"),
        ("CREATE SEQUENCE users", "sequence"),
        ("CREATE TABLE theirs (id bigint); CREATE INDEX users ON theirs (id)", "index"),
        ("CREATE TYPE users AS (id bigint)", "type"),
        ("CREATE TYPE users AS ENUM ('a')", "type"),
        ("CREATE DOMAIN users AS bigint", "type"),
    ],
)
def test_what_keeps_a_table_from_having_its_name_is_named(
    made: str, kind: str, client: PostgresClient
) -> None:
    as_a_person(client, made.encode())

    with (
        pytest.raises(ConfigError, match=f"public.users is a {kind}, not a table"),
        client.transaction(),
    ):
        client.table_exists(FINAL)


def test_a_type_that_gives_way_to_a_table_of_its_name_is_none_of_that(client: PostgresClient) -> None:
    as_a_person(client, "CREATE TYPE sers AS (id bigint)")
    table = TableName("public", "_sers")

    with client.transaction():
        there = client.table_exists(table)
        client.create_table(table, ID, ())

    assert not there


def test_a_new_table_has_the_metadata_columns_first(client: PostgresClient) -> None:
    with client.transaction():
        client.create_table(FINAL, ID, ())

    query = (
        "SELECT column_name, data_type, is_nullable FROM information_schema.columns "
        "WHERE table_name = 'users' ORDER BY ordinal_position"
    )
    assert as_a_person(client, query).fetchall() == [
        ("_airbyte_raw_id", "uuid", "NO"),
        ("_airbyte_extracted_at", "timestamp with time zone", "NO"),
        ("_airbyte_meta", "jsonb", "NO"),
        ("_airbyte_generation_id", "bigint", "NO"),
        ("id", "bigint", "YES"),
    ]


def test_rows_are_counted(connector: PostgresConnector, client: PostgresClient) -> None:
    load(connector, client, FINAL)
    with client.transaction():
        empty = client.table_is_empty(FINAL), client.count_rows(FINAL)
    load(connector, client, FINAL, 1, 2, 3)

    with client.transaction():
        assert (client.table_is_empty(FINAL), client.count_rows(FINAL)) == (False, 3)
    assert empty == (True, 0)


@pytest.mark.parametrize(("after", "trimmed"), [(2, 2), (4, 0), (0, 4), (None, 4)])
def test_rows_beyond_a_raw_id_are_trimmed(
    after: int | None, trimmed: int, connector: PostgresConnector, client: PostgresClient
) -> None:
    load(connector, client, TEMP, 1, 2, 3, 4)

    with client.transaction():
        count = client.trim_table(TEMP, None if after is None else str(raw_id(after)))

    assert count == trimmed
    assert len(ids(client, TEMP)) == 4 - trimmed


def test_copying_appends(connector: PostgresConnector, client: PostgresClient) -> None:
    load(connector, client, FINAL, 1, 2)
    load(connector, client, TEMP, 3)

    with client.transaction():
        count = client.copy_table(TEMP, FINAL, ID)

    assert count == 1
    assert ids(client, FINAL) == ["1", "2", "3"]
    assert ids(client, TEMP) == ["3"]


# -- the swap


def test_the_source_takes_the_targets_place_and_readers_wait_for_it(
    connector: PostgresConnector, client: PostgresClient, postgres_database: Address
) -> None:
    load(connector, client, FINAL, 1, 2)
    load(connector, client, TEMP, 3)
    seen: list[Any] = []

    def read() -> None:
        with psycopg.connect(postgres_database.dsn) as reader:
            seen.extend(reader.execute("SELECT id FROM users").fetchall())

    reader = threading.Thread(target=read)
    with client.transaction():
        client.overwrite_table(TEMP, FINAL)
        reader.start()
        time.sleep(0.2)
        waiting = reader.is_alive()
    reader.join()

    assert waiting
    assert seen == [(3,)]
    with client.transaction():
        assert not client.table_exists(TEMP)


def test_a_missing_target_is_filled(connector: PostgresConnector, client: PostgresClient) -> None:
    load(connector, client, TEMP, 3)

    with client.transaction():
        client.overwrite_table(TEMP, FINAL)

    assert ids(client, FINAL) == ["3"]


def test_a_source_in_another_schema_is_moved(connector: PostgresConnector, client: PostgresClient) -> None:
    with client.transaction():
        client.create_namespace(ELSEWHERE.namespace)
    load(connector, client, FINAL, 1)
    load(connector, client, ELSEWHERE, 2)
    with client.transaction():
        client.dedupe_table(ELSEWHERE, recipe(ID, ["id"]))

    with client.transaction():
        client.overwrite_table(ELSEWHERE, FINAL)

    assert ids(client, FINAL) == ["2"]
    assert len(index_names(client, FINAL)) == 1
    with client.transaction():
        assert not client.table_exists(ELSEWHERE)


def test_swaps_and_merges_in_turn_keep_one_index_under_the_final_tables_name(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    by = recipe(ID, ["id"])
    seen = []
    for number in range(3):
        load(connector, client, TEMP, number)
        with client.transaction():
            client.dedupe_table(TEMP, by)
            client.overwrite_table(TEMP, FINAL)
        load(connector, client, TEMP, number + 10)
        with client.transaction():
            client.merge_table(TEMP, FINAL, by)
            client.drop_table(TEMP)
        seen.append(index_names(client, FINAL))

    assert ids(client, FINAL) == ["2", "12"]
    assert seen[0][0].startswith("users_primary_key_")
    assert seen == [seen[0]] * 3
    assert len(seen[0]) == 1


# -- transactions and the ledger


def test_a_transaction_is_all_or_nothing(client: PostgresClient) -> None:
    with suppress(KeyError), client.transaction():
        client.create_table(FINAL, ID, ())
        raise KeyError

    with client.transaction():
        assert not client.table_exists(FINAL)


def test_the_ledger_keeps_an_entry_and_makes_others_wait_for_it(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    other = connector.client()
    with client.transaction():
        client.create_namespace("airbyte_internal")
        client.ledger.prepare()
        client.ledger.save(LedgerEntry(table=FINAL, epoch=1))
    seen: list[LedgerEntry | None] = []

    def hold() -> None:
        with other.transaction():
            seen.append(other.ledger.hold(FINAL))

    waiting = threading.Thread(target=hold)
    with client.transaction():
        entry = client.ledger.hold(FINAL)
        assert entry is not None
        waiting.start()
        time.sleep(0.2)
        kept_waiting = waiting.is_alive()
        client.ledger.save(evolve(entry, epoch=2, temp=TEMP, recipe=recipe(ID, ["id"], "id")))
    waiting.join()

    assert kept_waiting
    assert seen == [
        LedgerEntry(table=FINAL, epoch=2, temp=TEMP, recipe=recipe(ID, ["id"], "id")),
    ]
    other.close()


def test_a_session_depends_on_no_default_of_the_servers(
    connector: PostgresConnector, client: PostgresClient, postgres_database: Address
) -> None:
    database = postgres_database.dbname
    for setting in (
        "timezone = 'Asia/Tokyo'",
        "datestyle = 'German'",
        "statement_timeout = '90s'",
        "default_transaction_isolation = 'serializable'",
        "lock_timeout = 0",
    ):
        as_a_person(client, f"ALTER DATABASE {database} SET {setting}".encode())
    client.recover()

    with client.transaction():
        names = ("timezone", "datestyle", "statement_timeout", "transaction_isolation", "lock_timeout")
        found = [as_a_person(client, f"SHOW {name}".encode()).fetchone() for name in names]

    assert found == [("UTC",), ("ISO, MDY",), ("0",), ("read committed",), ("1min",)]


def test_a_lost_connection_is_transient_and_the_next_one_works(
    connector: PostgresConnector, client: PostgresClient, postgres_database: Address
) -> None:
    load(connector, client, FINAL, 1)

    def work() -> None:
        with client.transaction():
            end_sessions(postgres_database)
            client.count_rows(FINAL)

    with pytest.raises(psycopg.Error) as caught:
        work()
    client.recover()

    assert isinstance(connector.explain(caught.value), TransientError)
    assert ids(client, FINAL) == ["1"]


def end_sessions(database: Address) -> None:
    with psycopg.connect(database.dsn, autocommit=True) as killer:
        killer.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_closing_twice_is_fine_and_a_closed_client_holds_no_session(
    client: PostgresClient, postgres_database: Address
) -> None:
    client.lock(FINAL, "one")
    with client.transaction():
        pass

    client.close()
    client.close()

    assert eventually_gone(postgres_database)


def eventually_gone(database: Address) -> bool:
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with psycopg.connect(database.dsn, autocommit=True) as observer:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if observer.execute(query.encode()).fetchone() == (0,):
                return True
            time.sleep(0.02)
    return False


# -- locks


LEDGER = TableName("airbyte_internal", "_airbyte_streams")


@pytest.fixture
def ledger(client: PostgresClient) -> None:
    with client.transaction():
        client.create_namespace("airbyte_internal")
        client.ledger.prepare()


def locks(database: Address, run: str, wait: float = 0.0) -> Locks:
    config = configure(database.destination_config())
    access = Access(
        runtime=SYSTEM, parameters=connection_parameters(config, run, {}), lock_wait=wait, lock_poll=0.01
    )
    return Locks(access, LEDGER)


def test_a_table_locked_by_a_live_run_is_refused_naming_it(postgres_database: Address, ledger: None) -> None:
    mine, theirs = locks(postgres_database, "mine"), locks(postgres_database, "theirs")
    theirs.take(FINAL, "theirs")

    with pytest.raises(ConfigError, match=r'"dataflow theirs", server process \d+, connected since 20\d\d'):
        mine.take(FINAL, "mine")

    mine.release()
    theirs.release()


def test_another_table_can_be_locked_and_one_s_own_twice(postgres_database: Address, ledger: None) -> None:
    mine, theirs = locks(postgres_database, "mine"), locks(postgres_database, "theirs")

    theirs.take(FINAL, "theirs")
    theirs.take(FINAL, "theirs")
    mine.take(TEMP, "mine")

    mine.release()
    theirs.release()


def test_a_lock_let_go_while_we_wait_is_ours(postgres_database: Address, ledger: None) -> None:
    mine, theirs = locks(postgres_database, "mine", wait=30), locks(postgres_database, "theirs")
    theirs.take(FINAL, "theirs")
    threading.Timer(0.1, theirs.release).start()

    mine.take(FINAL, "mine")

    mine.release()


def test_a_lock_lost_with_its_connection_is_taken_again(postgres_database: Address, ledger: None) -> None:
    mine, theirs = locks(postgres_database, "mine"), locks(postgres_database, "theirs")
    mine.take(FINAL, "mine")
    end_sessions(postgres_database)

    mine.renew()

    with pytest.raises(ConfigError, match="dataflow mine"):
        theirs.take(FINAL, "theirs")
    mine.release()
    theirs.release()


def test_a_lock_lost_with_its_connection_does_not_keep_the_next_from_being_taken(
    postgres_database: Address, ledger: None
) -> None:
    mine, theirs = locks(postgres_database, "mine"), locks(postgres_database, "theirs")
    mine.take(FINAL, "mine")
    end_sessions(postgres_database)

    mine.take(TEMP, "mine")

    for table in (FINAL, TEMP):
        with pytest.raises(ConfigError, match="dataflow mine"):
            theirs.take(table, "theirs")
    mine.release()
    theirs.release()


def test_a_lock_lost_to_another_run_is_reported(postgres_database: Address, ledger: None) -> None:
    mine, theirs = locks(postgres_database, "mine"), locks(postgres_database, "theirs")
    mine.take(FINAL, "mine")
    end_sessions(postgres_database)
    theirs.take(FINAL, "theirs")

    with pytest.raises(ConfigError, match="dataflow theirs"):
        mine.take(FINAL, "mine")

    mine.release()
    theirs.release()


# -- what errors mean


def test_a_value_that_does_not_fit_is_a_defect_and_is_not_quoted(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        as_a_person(client, "SELECT 'secret value'::bigint")

    explained = connector.explain(caught.value)
    assert isinstance(explained, InternalError)
    assert explained.message == "Postgres reported InvalidTextRepresentation (SQLSTATE 22P02)."


def test_a_lock_waited_for_too_long_is_transient(
    connector: PostgresConnector, client: PostgresClient, postgres_database: Address
) -> None:
    load(connector, client, FINAL, 1)
    as_a_person(client, "SET lock_timeout = '50ms'")
    with psycopg.connect(postgres_database.dsn) as reader:
        reader.execute("SELECT * FROM users")
        with pytest.raises(psycopg.Error) as caught, client.transaction():
            client.drop_table(FINAL)

    assert isinstance(connector.explain(caught.value), TransientError)


def test_a_first_ledger_entry_that_waits_for_the_commit_of_another_can_be_tried_again(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    """So it is when a first claim is repeated while the server still commits the one whose answer was lost."""
    other = connector.client()
    with client.transaction():
        client.create_namespace(connector.internal_namespace)
        client.ledger.prepare()
    caught: list[Exception] = []

    def repeat() -> None:
        try:
            with other.transaction():
                other.ledger.save(other.ledger.hold(FINAL) or LedgerEntry(table=FINAL))
        except psycopg.Error as error:
            caught.append(error)

    repeating = threading.Thread(target=repeat)
    with client.transaction():
        client.ledger.save(LedgerEntry(table=FINAL))
        repeating.start()
        waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
        while as_a_person(client, waiting).fetchone() != (True,):
            time.sleep(0.01)
    repeating.join()

    assert [type(connector.explain(each)) for each in caught] == [TransientError]
    other.close()


def test_a_name_that_something_else_has_is_reported(
    connector: PostgresConnector, client: PostgresClient
) -> None:
    as_a_person(client, "CREATE VIEW users AS SELECT 1 AS id")

    with pytest.raises(psycopg.Error) as caught, client.transaction():
        client.create_table(FINAL, ID, ())

    explained = connector.explain(caught.value)
    assert isinstance(explained, ConfigError)
    assert 'relation "users" already exists' in explained.message


def test_a_table_of_somebody_elses_names_the_statement_that_helps(
    connect: Connect, connector: PostgresConnector, client: PostgresClient, login: str
) -> None:
    load(connector, client, FINAL, 1)
    other = connect(username=login)
    theirs = other.client()

    with pytest.raises(psycopg.Error) as caught, theirs.transaction():
        theirs.drop_table(FINAL)

    explained = other.explain(caught.value)
    assert isinstance(explained, ConfigError)
    assert f'ALTER TABLE "users" OWNER TO "{login}";' in explained.remedy
    theirs.close()


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"database": "nowhere"}, ConfigError, "correct the option `database`"),
        ({"username": "nobody at all"}, ConfigError, "Check username and password"),
        ({"host": "/nowhere"}, TransientError, "Check the options host and port"),
        ({"jdbc_url_params": "options=-c nothing=1"}, ConfigError, "jdbc_url_params"),
    ],
)
def test_a_failed_connection_names_which_option_to_correct(
    options: dict[str, Any], kind: type[Exception], words: str, connect: Connect
) -> None:
    connector = connect(password="do not tell", **options)
    client = connector.client()

    with pytest.raises(psycopg.Error) as caught, client.transaction():
        pass

    explained = connector.explain(caught.value)
    assert isinstance(explained, kind)
    assert words in str(explained)
    assert "do not tell" not in str(explained)
