"""Whole transactions tried again on a real server: deadlocks, serialization failures, sessions that were ended."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from connectors.contract import Connector
from connectors.postgres import DEFINITION
from connectors.postgres.client import PostgresClient
from connectors.testkit import Destination
from connectors.testkit.harness.messages import catalog, complete, record, users
from connectors.testkit.harness.rows import row
from connectors.testkit.harness.runs import Run, open_run
from connectors.testkit.harness.warehouse import Warehouse
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError, TransientError
from dataflow.types import TableName
from machines.operations import StreamOperation as O
from tests.connectors.postgres.conftest import Connect
from tests.servers.address import Address


@pytest.fixture
def run(connector: Connector, client: PostgresClient) -> Iterator[Run]:
    """A run of an append that is about to write its first flush."""
    with client.transaction():
        client.create_namespace("airbyte_internal")
        client.ledger.prepare()
    with open_run(connector, Strategy.APPEND) as made:
        made.do(O.CLAIM, O.INSPECT, O.OPEN_FINAL)
        yield made


@pytest.fixture
def person(postgres_database: Address) -> Iterator["psycopg.Connection[Any]"]:
    """Somebody with rights, in a session of their own."""
    with psycopg.connect(postgres_database.dsn, autocommit=True) as connection:
        yield connection


def written(client: PostgresClient) -> list[Any]:
    return client.connection.open.execute("SELECT id, name FROM public.users ORDER BY id").fetchall()


def test_a_transaction_that_lost_to_a_deadlock_is_done_again_as_a_whole(
    run: Run, client: PostgresClient, person: "psycopg.Connection[Any]"
) -> None:
    # The session that looks first is the victim: ours, after the server's second.
    person.execute("SET deadlock_timeout = '1h'")
    person.execute(CLOSED_CIRCLE)
    person.execute("BEGIN")
    person.execute("SELECT pg_advisory_xact_lock(1)")

    def wait_for_the_run() -> None:
        wait_until(client, MET)
        person.execute("SELECT FROM airbyte_internal._airbyte_streams FOR UPDATE")
        person.execute("COMMIT")

    other = threading.Thread(target=wait_for_the_run)
    other.start()
    run.do(run.flush(1, row(1, id=1, name="a"), row(2, id=2, name="b")))
    other.join()

    assert run.writer.attempts == 2
    assert written(client) == [(1, "a"), (2, "b")]


# The run waits for the person once it is seen that the person waits for the run. What is drawn from a sequence is not
# given back by a rollback.
CLOSED_CIRCLE = """
CREATE SEQUENCE met;
CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('public.met') > 1 THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(2);
    WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))) LOOP
        PERFORM pg_sleep(0.01);
    END LOOP;
    PERFORM pg_advisory_xact_lock(1);
    RETURN NULL;
END $$;
CREATE TRIGGER meet BEFORE INSERT ON public.users EXECUTE FUNCTION meet();
"""


MET = """
SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objid = 2
AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


def wait_until(client: PostgresClient, holds: str) -> None:
    end = time.monotonic() + 60
    while client.connection.open.execute(holds.encode()).fetchone() != (True,):
        assert time.monotonic() < end
        time.sleep(0.01)


# What is drawn from a sequence is not given back by a rollback.
FAILING_ONCE = """
CREATE SEQUENCE drawn;
CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('public.drawn') <= {times} THEN
        RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '{state}';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER fail_once AFTER INSERT ON public.users EXECUTE FUNCTION fail_once();
"""


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03", "57P05", "53200"])
def test_what_failed_in_passing_is_done_again_as_a_whole(
    run: Run, client: PostgresClient, person: "psycopg.Connection[Any]", state: str
) -> None:
    person.execute(FAILING_ONCE.format(times=2, state=state).encode())

    attempts = []
    for number, name in ((1, "a"), (2, "b")):
        run.do(run.flush(number, row(number, id=number, name=name)))
        attempts.append(run.writer.attempts)

    assert attempts == [3, 1]
    assert written(client) == [(1, "a"), (2, "b")]


def test_what_fails_for_good_says_how_often_it_was_tried(
    run: Run, client: PostgresClient, person: "psycopg.Connection[Any]"
) -> None:
    person.execute(FAILING_ONCE.format(times=99, state="40001").encode())

    with pytest.raises(TransientError, match="It was tried 3 times") as caught:
        run.do(run.flush(1, row(1, id=1, name="a")))

    assert caught.value.attempts == 3
    assert "writing 1 rows of stream users" in str(caught.value)
    assert written(client) == []


def test_a_sync_reports_its_attempts_in_the_destinations_journal(
    person: "psycopg.Connection[Any]", postgres_database: Address
) -> None:
    """A deadlock is no secret: a reader of the journal finds what was tried again, and what was given up."""
    warehouse = Warehouse(
        Destination(
            definition=DEFINITION,
            options=postgres_database.destination_config(),
            soft_delete={},
            read=lambda _: [],
            tables=set,
        )
    )
    warehouse.sync(catalog(users(Strategy.APPEND)), complete("users"))
    person.execute(FAILING_ONCE.format(times=2, state="40P01").encode())

    later = warehouse.sync(catalog(users(Strategy.APPEND)), record("users", id=1), complete("users"))
    person.execute("ALTER SEQUENCE drawn MINVALUE -99 RESTART WITH -99")
    given_up = warehouse.sync(catalog(users(Strategy.APPEND)), record("users", id=2), complete("users"))

    told = person.execute(
        "SELECT attempt, reason FROM airbyte_internal._airbyte_journal "
        "WHERE attempt > 1 OR reason IS NOT NULL ORDER BY at, number"
    ).fetchall()
    assert (later.exit_code, given_up.exit_code) == (0, 1)
    assert [attempt for attempt, _ in told] == [3, None]
    assert told[1][1].endswith("It was tried 3 times.")


def test_what_a_person_must_fix_is_not_tried_again(
    run: Run, client: PostgresClient, person: "psycopg.Connection[Any]"
) -> None:
    person.execute(FAILING_ONCE.format(times=99, state="42501").encode())

    with pytest.raises(ConfigError):
        run.do(run.flush(1, row(1, id=1, name="a")))

    assert run.writer.attempts == 1


def test_a_session_that_was_ended_is_made_again(
    run: Run, client: PostgresClient, person: "psycopg.Connection[Any]"
) -> None:
    run.do(run.flush(1, row(1, id=1, name="a")))
    person.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE application_name LIKE 'dataflow%' AND datname = current_database()"
    )
    client.recover()

    run.do(run.flush(2, row(2, id=2, name="b")))

    assert run.writer.attempts == 2
    assert written(client) == [(1, "a"), (2, "b")]


# -- limits


def test_a_wait_for_a_lock_is_limited_as_configured(connect: Connect, postgres_database: Address) -> None:
    to = connect(lock_timeout=1)
    client = to.client()
    with client.transaction():
        client.create_namespace("airbyte_internal")
        client.ledger.prepare()
    with psycopg.connect(postgres_database.dsn) as person:
        person.execute("LOCK TABLE airbyte_internal._airbyte_streams")
        started = time.monotonic()

        with pytest.raises(psycopg.errors.LockNotAvailable) as caught, client.transaction():
            client.count_rows(TableName("airbyte_internal", "_airbyte_streams"))

    assert 0.5 < time.monotonic() - started < 30
    told = to.explain(caught.value)
    assert isinstance(told, TransientError)
    assert "lock_timeout" in told.remedy
    client.close()


def test_a_statement_is_limited_only_when_that_is_configured(connect: Connect) -> None:
    patient, impatient = connect().client(), connect(statement_timeout=1).client()

    assert patient.connection.open.execute("SHOW statement_timeout").fetchone() == ("0",)
    with pytest.raises(psycopg.errors.QueryCanceled) as caught:
        impatient.connection.open.execute("SELECT pg_sleep(30)")

    told = connect().explain(caught.value)
    assert isinstance(told, ConfigError)
    assert "statement_timeout" in told.remedy
    patient.close()
    impatient.close()
