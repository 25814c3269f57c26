"""Which run may write to a table, on a real server: live runs are named, what is left of dead ones is ended."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import psycopg
import pytest
from attrs import evolve

from connectors.contract.ledger import LedgerEntry
from connectors.postgres import DEFINITION, ownership
from connectors.postgres.client import PostgresClient
from connectors.postgres.config import configure, connection_parameters
from connectors.postgres.locks import Locks
from connectors.postgres.quoting import query
from connectors.postgres.sessions import Access
from dataflow.errors import ConfigError, TransientError
from dataflow.runtime import SYSTEM
from dataflow.types import TableName
from tests.connectors.postgres.conftest import Connect
from tests.connectors.postgres.support import FINAL
from tests.servers.address import Address
from tests.servers.embedded import EmbeddedPostgres

OTHERS = TableName("public", "others")
LEDGER = TableName("airbyte_internal", "_airbyte_streams")
HOLD_ENTRY = "SELECT FROM airbyte_internal._airbyte_streams WHERE final_name = 'users' FOR UPDATE"


@pytest.fixture
def access(postgres_database: Address, client: PostgresClient) -> Access:
    """One that has little patience, on a ledger: a session is dead after a quarter of a second of silence."""
    with client.transaction():
        client.create_namespace("airbyte_internal")
        client.ledger.prepare()
    parameters = connection_parameters(configure(postgres_database.destination_config()), "mine", {})
    return Access(
        runtime=SYSTEM, parameters=parameters, lock_wait=1.5, lock_poll=0.01, ghost_wait=0.3, pulse=0.05
    )


@contextmanager
def session(database: Address, name: str) -> Iterator["psycopg.Connection[Any]"]:
    """A session of somebody's, who says nothing more by itself."""
    connection = psycopg.connect(database.dsn, application_name=name, autocommit=True)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def owner(database: Address, name: str = "dataflow ghost") -> Iterator["psycopg.Connection[Any]"]:
    """The session of a run that took the table, and says nothing more by itself."""
    with session(database, name) as connection:
        connection.execute(query(ownership.enter()), {"owner": "ghost", "wait": "1s"})
        of = {"namespace": FINAL.namespace, "name": FINAL.name, "owner": "ghost"}
        connection.execute(query(ownership.own(LEDGER)), of)
        yield connection


def lives(connection: "psycopg.Connection[Any]") -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


# -- a stream's owner


def test_a_run_that_shows_signs_of_life_keeps_its_table_and_is_named(access: Access) -> None:
    access = evolve(access, pulse=0.2, lock_wait=2.0)
    mine, theirs = Locks(access, LEDGER), Locks(access, LEDGER)
    theirs.take(FINAL, "theirs")

    started = time.monotonic()
    with pytest.raises(ConfigError, match=r'"dataflow theirs", server process \d+'):
        mine.take(FINAL, "mine")

    assert time.monotonic() - started > access.dead_after
    theirs.renew()
    mine.release()
    theirs.release()


def test_the_table_of_a_run_that_fell_silent_is_taken_over(
    access: Access, postgres_database: Address
) -> None:
    """Its host is gone, and the server has not noticed."""
    mine = Locks(access, LEDGER)
    with owner(postgres_database) as ghost:
        mine.take(FINAL, "mine")

        assert not lives(ghost)
    mine.release()


def test_before_its_silence_is_conclusive_a_sync_may_be_tried_again(
    access: Access, postgres_database: Address
) -> None:
    """Not a ConfigError, upon which a platform would not come back."""
    mine = Locks(evolve(access, pulse=0.55), LEDGER)
    with owner(postgres_database) as ghost:
        with pytest.raises(TransientError, match="dataflow ghost"):
            mine.take(FINAL, "mine")

        assert lives(ghost)
    mine.release()


def test_a_silent_session_that_is_none_of_ours_is_left_alone(
    access: Access, postgres_database: Address
) -> None:
    mine = Locks(access, LEDGER)
    with owner(postgres_database, "psql") as person:
        with pytest.raises(TransientError, match='"psql"') as caught:
            mine.take(FINAL, "mine")

        assert lives(person)
    assert "pg_terminate_backend" in caught.value.remedy
    mine.release()


def test_a_run_has_one_lock_for_all_its_tables(access: Access, client: PostgresClient) -> None:
    """The server has room for some thousands of all sessions together, and other people's transactions need it."""
    mine = Locks(access, LEDGER)
    for number in range(200):
        mine.take(TableName("public", f"stream_{number}"), "mine")

    held = client.connection.open.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    ).fetchall()

    assert held == [(1,)]
    mine.release()


def test_one_of_the_runs_that_take_a_table_at_the_same_moment_gets_it(access: Access) -> None:
    runs = [Locks(evolve(access, lock_wait=0.0, pulse=2.0), LEDGER) for _ in range(8)]
    start = threading.Barrier(len(runs))
    refused: list[Exception] = []

    def take(number: int, locks: Locks) -> None:
        start.wait()
        try:
            locks.take(FINAL, f"run {number}")
        except ConfigError as error:
            refused.append(error)

    threads = [threading.Thread(target=take, args=each) for each in enumerate(runs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == len(runs) - 1
    for each in runs:
        each.release()


def test_a_table_that_was_taken_and_never_claimed_leaves_no_entry(
    access: Access, client: PostgresClient
) -> None:
    mine = Locks(access, LEDGER)
    mine.take(FINAL, "mine")

    mine.release()

    with client.transaction():
        assert not client.ledger.entries()


def test_a_session_that_is_lost_while_a_table_is_taken_is_made_again(
    access: Access, client: PostgresClient, postgres_database: Address
) -> None:
    """At the next attempt, and not at none of them."""
    mine = Locks(evolve(access, pulse=60.0, lock_wait=60.0), LEDGER)
    mine.take(OTHERS, "mine")
    with owner(postgres_database):
        taking = threading.Thread(target=lambda: _fails(mine))
        taking.start()
        while taking.is_alive():
            client.connection.open.execute(END_OURS)
            taking.join(0.05)

    mine.take(FINAL, "mine")

    with client.transaction():
        writers = client.writer(FINAL), client.writer(OTHERS)
    assert [writer.run if writer else None for writer in writers] == ["mine", "mine"]
    mine.release()


END_OURS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dataflow mine'"


def _fails(locks: Locks) -> None:
    with pytest.raises(psycopg.OperationalError):
        locks.take(FINAL, "mine")


# -- a ledger's entry that a run without its lock still holds


@pytest.fixture
def impatient(access: Access, client: PostgresClient) -> Iterator[PostgresClient]:
    """A client with little patience, on a ledger that has an entry."""
    with client.transaction():
        client.ledger.save(LedgerEntry(table=FINAL))
    made = PostgresClient(access, client.statements, "airbyte_internal")
    yield made
    made.close()


def test_the_last_transaction_of_a_dead_run_is_waited_for(
    access: Access, impatient: PostgresClient, postgres_database: Address
) -> None:
    patient = PostgresClient(evolve(access, ghost_wait=60.0), impatient.statements, "airbyte_internal")
    with session(postgres_database, "dataflow ghost") as ghost:
        ghost.execute("BEGIN")
        ghost.execute(HOLD_ENTRY)
        ending = threading.Timer(0.1, lambda: ghost.execute("COMMIT"))
        ending.start()

        patient.lock(FINAL, "mine")

        ending.join()
        assert lives(ghost)
    patient.close()


def test_the_last_transaction_of_a_dead_run_is_ended_when_it_does_not_end(
    impatient: PostgresClient, postgres_database: Address
) -> None:
    with session(postgres_database, "dataflow ghost") as ghost:
        ghost.execute("BEGIN")
        ghost.execute("UPDATE airbyte_internal._airbyte_streams SET epoch = 7 WHERE final_name = 'users'")

        impatient.lock(FINAL, "mine")

        assert not lives(ghost)
    with impatient.transaction():
        assert impatient.ledger.hold(FINAL) == LedgerEntry(table=FINAL, owner="mine")


SHARE_ENTRY = HOLD_ENTRY.replace("UPDATE", "SHARE").encode()


def test_several_flushes_of_a_dead_run_are_found_and_ended(
    impatient: PostgresClient, client: PostgresClient, postgres_database: Address
) -> None:
    """Their lock on the entry is one that they share, and it names none of them."""
    with client.transaction():
        client.ledger.save(LedgerEntry(table=FINAL, owner="ghost"))
    with ExitStack() as stack:
        ghosts = [stack.enter_context(session(postgres_database, "dataflow ghost")) for _ in range(3)]
        for ghost in ghosts:
            ghost.execute("BEGIN")
            ghost.execute(SHARE_ENTRY)
        writer = impatient.writer(FINAL)

        impatient.lock(FINAL, "mine")

        assert writer is not None
        assert writer.run == "ghost"
        assert not any(map(lives, ghosts))


def test_flushes_of_a_dead_run_that_come_without_end_do_not_keep_the_next_run_out(
    impatient: PostgresClient, client: PostgresClient, postgres_database: Address
) -> None:
    """Each ends by itself, and another has begun by then: the entry is never free."""
    with client.transaction():
        client.ledger.save(LedgerEntry(table=FINAL, owner="ghost"))
    both = threading.Barrier(2)

    def flush_for_ever() -> None:
        with suppress(psycopg.Error), session(postgres_database, "dataflow ghost") as ghost:
            while not both.broken:
                ghost.execute("BEGIN")
                ghost.execute(SHARE_ENTRY)
                # The other has its share before this one gives its own up.
                with suppress(threading.BrokenBarrierError):
                    both.wait(30.0)
                ghost.execute("COMMIT")

    flushing = [threading.Thread(target=flush_for_ever) for _ in range(2)]
    for each in flushing:
        each.start()

    impatient.lock(FINAL, "mine")

    both.abort()
    for each in flushing:
        each.join(30.0)
    with impatient.transaction():
        assert impatient.ledger.hold(FINAL) == LedgerEntry(table=FINAL, owner="mine")


def test_flushes_of_a_live_run_on_another_table_are_left_alone(
    impatient: PostgresClient, client: PostgresClient, postgres_database: Address
) -> None:
    with client.transaction():
        client.ledger.save(LedgerEntry(table=FINAL, owner="ghost"))
        client.ledger.save(LedgerEntry(table=OTHERS, owner="busy"))
    with (
        session(postgres_database, "dataflow busy") as busy,
        session(postgres_database, "dataflow ghost") as ghost,
    ):
        for each, name in ((busy, OTHERS.name), (ghost, "users")):
            each.execute("BEGIN")
            each.execute(SHARE_ENTRY.replace(b"users", name.encode()))

        impatient.lock(FINAL, "mine")

        assert (lives(busy), lives(ghost)) == (True, False)


def test_a_person_who_holds_an_entry_is_named_and_left_alone(
    impatient: PostgresClient, postgres_database: Address
) -> None:
    with session(postgres_database, "psql") as person:
        person.execute("BEGIN")
        person.execute(HOLD_ENTRY)

        with pytest.raises(TransientError, match='"psql"'):
            impatient.lock(FINAL, "mine")

        assert lives(person)


def test_a_run_that_works_on_another_table_is_not_waited_for(
    impatient: PostgresClient, client: PostgresClient, postgres_database: Address
) -> None:
    with client.transaction():
        client.ledger.save(LedgerEntry(table=OTHERS))
    with session(postgres_database, "dataflow busy") as busy:
        busy.execute("BEGIN")
        busy.execute(HOLD_ENTRY.replace("users", OTHERS.name).encode())

        impatient.lock(FINAL, "mine")

        assert lives(busy)


def test_a_run_that_froze_while_it_claimed_a_new_table_is_ended(
    access: Access, impatient: PostgresClient, client: PostgresClient
) -> None:
    """Its entry is to be seen, so the transaction that holds it is found."""
    frozen = PostgresClient(evolve(access, pulse=60.0), client.statements, "airbyte_internal")
    frozen.lock(OTHERS, "frozen")
    frozen.connection.open.execute("BEGIN")
    frozen.ledger.save(LedgerEntry(table=OTHERS, epoch=1, owner="frozen"))

    impatient.lock(OTHERS, "mine")

    assert not lives(frozen.connection.open)
    frozen.close()
    with impatient.transaction():
        assert impatient.ledger.hold(OTHERS) == LedgerEntry(table=OTHERS, owner="mine")


def test_a_lock_that_a_person_holds_for_too_long_is_reported_with_the_person(
    connect: Connect, postgres_database: Address
) -> None:
    connector = connect("mine", lock_timeout=1)
    connector._access = evolve(connector._access, pulse=0.1)
    client = connector.client()
    with client.transaction():
        client.create_namespace("airbyte_internal")
        client.ledger.prepare()
        client.create_table(FINAL, [], ())
    client.lock(FINAL, "mine")
    with session(postgres_database, "psql") as person:
        person.execute("BEGIN")
        person.execute("LOCK TABLE public.users")

        with pytest.raises(psycopg.Error) as caught, client.transaction():
            client.drop_table(FINAL)

        number = person.info.backend_pid
    client.close()
    meant = connector.explain(caught.value)
    assert isinstance(meant, TransientError)
    assert f'It was held by "psql", server process {number}, connected since' in meant.message


def test_more_tables_are_taken_than_the_server_has_room_for_locks() -> None:
    with EmbeddedPostgres(max_locks_per_transaction="10", max_connections="10") as server:
        connector = DEFINITION.connector(server.address.destination_config(), "mine", SYSTEM)
        client = connector.client()
        with client.transaction():
            client.create_namespace(connector.internal_namespace)
            client.ledger.prepare()
        for number in range(2000):
            client.lock(TableName("public", f"stream_{number}"), "mine")

        with client.transaction():
            writer = client.writer(TableName("public", "stream_1999"))

        client.close()
        connector.close()
    assert writer is not None
    assert writer.run == "mine"
