"""Who may write to a table, on a real server: live runs are named, what is left of dead ones is ended."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from attrs import evolve

from connectors.ledger import LedgerEntry
from connectors.postgres.client import PostgresClient
from connectors.postgres.config import configure, connection_parameters
from connectors.postgres.sessions import Access, Locks
from connectors.postgres.sql import lock_key
from dataflow.errors import ConfigError, TransientError
from dataflow.types import TableName
from tests.connectors.postgres.support import FINAL
from tests.servers.address import Address

OTHERS = TableName("public", "others")
HOLD_ENTRY = "SELECT FROM airbyte_internal._airbyte_ledger WHERE final_name = 'users' FOR UPDATE"


@pytest.fixture
def access(postgres_database: Address) -> Access:
    """One that has little patience: a session is dead after a quarter of a second of silence."""
    parameters = connection_parameters(configure(postgres_database.destination_config()), "mine", {})
    return Access(parameters=parameters, lock_wait=1.5, lock_poll=0.01, ghost_wait=0.3, pulse=0.05)


@contextmanager
def session(database: Address, name: str) -> Iterator["psycopg.Connection[Any]"]:
    """A session of somebody's, who says nothing more by itself."""
    connection = psycopg.connect(database.dsn, application_name=name, autocommit=True)
    try:
        yield connection
    finally:
        connection.close()


def lives(connection: "psycopg.Connection[Any]") -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


# -- a stream's lock


def test_a_run_that_shows_signs_of_life_keeps_its_lock_and_is_named(access: Access) -> None:
    mine, theirs = Locks(access), Locks(access)
    theirs.take(FINAL, "theirs")

    started = time.monotonic()
    with pytest.raises(ConfigError, match=r'"dataflow theirs", server process \d+'):
        mine.take(FINAL, "mine")

    assert time.monotonic() - started > access.dead_after
    theirs.renew()
    mine.release()
    theirs.release()


def test_the_lock_of_a_run_that_fell_silent_is_taken_over(access: Access, postgres_database: Address) -> None:
    """Its host is gone, and the server has not noticed."""
    mine = Locks(access)
    with session(postgres_database, "dataflow ghost") as ghost:
        ghost.execute("SELECT pg_advisory_lock(%s)", [lock_key(FINAL)])

        mine.take(FINAL, "mine")

        assert not lives(ghost)
    mine.release()


def test_before_its_silence_tells_a_sync_may_be_tried_again(
    access: Access, postgres_database: Address
) -> None:
    """Not a ConfigError, upon which a platform would not come back."""
    mine = Locks(evolve(access, pulse=0.4))
    with session(postgres_database, "dataflow ghost") as ghost:
        ghost.execute("SELECT pg_advisory_lock(%s)", [lock_key(FINAL)])

        with pytest.raises(TransientError, match="dataflow ghost"):
            mine.take(FINAL, "mine")

        assert lives(ghost)
    mine.release()


def test_a_silent_session_that_is_none_of_ours_is_left_alone(
    access: Access, postgres_database: Address
) -> None:
    mine = Locks(access)
    with session(postgres_database, "psql") as person:
        person.execute("SELECT pg_advisory_lock(%s)", [lock_key(FINAL)])

        with pytest.raises(TransientError, match='"psql"') as caught:
            mine.take(FINAL, "mine")

        assert lives(person)
    assert "pg_terminate_backend" in caught.value.remedy
    mine.release()


# -- a ledger's entry that a run without its lock still holds


@pytest.fixture
def impatient(access: Access, client: PostgresClient) -> Iterator[PostgresClient]:
    """A client with little patience, on a ledger that has an entry."""
    with client.transaction():
        client.create_namespace("airbyte_internal")
        client.ledger.prepare()
        client.ledger.save(LedgerEntry(table=FINAL))
    made = PostgresClient(access, client._sql, "airbyte_internal")
    yield made
    made.close()


def test_the_last_transaction_of_a_dead_run_is_waited_for(
    impatient: PostgresClient, postgres_database: Address
) -> None:
    with session(postgres_database, "dataflow ghost") as ghost:
        ghost.execute("BEGIN")
        ghost.execute(HOLD_ENTRY)
        ending = threading.Timer(0.1, lambda: ghost.execute("COMMIT"))
        ending.start()

        impatient.lock(FINAL, "mine")

        ending.join()
        assert lives(ghost)


def test_the_last_transaction_of_a_dead_run_is_ended_when_it_does_not_end(
    impatient: PostgresClient, postgres_database: Address
) -> None:
    with session(postgres_database, "dataflow ghost") as ghost:
        ghost.execute("BEGIN")
        ghost.execute("UPDATE airbyte_internal._airbyte_ledger SET epoch = 7 WHERE final_name = 'users'")

        impatient.lock(FINAL, "mine")

        assert not lives(ghost)
    with impatient.transaction():
        assert impatient.ledger.hold(FINAL) == LedgerEntry(table=FINAL)


def test_a_person_who_holds_an_entry_is_named_and_left_alone(
    impatient: PostgresClient, postgres_database: Address
) -> None:
    with session(postgres_database, "psql") as person:
        person.execute("BEGIN")
        person.execute(HOLD_ENTRY)

        with pytest.raises(TransientError, match='"psql"'):
            impatient.lock(FINAL, "mine")

        assert lives(person)


def test_who_works_on_another_table_is_not_waited_for(
    impatient: PostgresClient, client: PostgresClient, postgres_database: Address
) -> None:
    with client.transaction():
        client.ledger.save(LedgerEntry(table=OTHERS))
    with session(postgres_database, "dataflow busy") as busy:
        busy.execute("BEGIN")
        busy.execute(HOLD_ENTRY.replace("users", OTHERS.name).encode())

        impatient.lock(FINAL, "mine")

        assert lives(busy)
