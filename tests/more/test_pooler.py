"""A real PgBouncer before the server: sessions that are shared between clients are refused, others work."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import psycopg
import pytest

from connectors.engine.sync.check import check_connector
from connectors.postgres import DEFINITION
from connectors.testkit import Destination
from connectors.testkit.harness.messages import catalog as of
from connectors.testkit.harness.messages import complete, record, users
from connectors.testkit.harness.warehouse import Outcome, Warehouse
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError
from dataflow.runtime import SYSTEM
from tests.servers.address import Address
from tests.servers.pgbouncer import pgbouncer

SHARED = ["transaction", "statement"]
LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"


def check(database: Address) -> None:
    with closing(DEFINITION.connector(database.destination_config(), "more", SYSTEM)) as connector:
        check_connector(connector, "more")


def synced(database: Address) -> Outcome:
    options = database.destination_config()
    destination = Destination(
        definition=DEFINITION,
        options=options,
        soft_delete=options,
        read=lambda _: [],
        tables=set,
    )
    return Warehouse(destination).sync(
        of(users(Strategy.DEDUP, 1)), record("users", id=1, name="Ada", updated=1), complete("users")
    )


def asked(database: Address, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        return connection.execute(question.encode()).fetchall()


@contextmanager
def busy(pool: Address) -> Iterator[None]:
    """Other clients of the pool, who ask it something all the time."""
    over = threading.Event()

    def ask() -> None:
        with psycopg.connect(pool.dsn, autocommit=True, prepare_threshold=None) as connection:
            while not over.wait(0.001):
                connection.execute("SELECT 1")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def warm(pool: Address, sessions: int) -> None:
    """Make the pool keep this number of sessions of the server."""
    with ExitStack() as open_at_once:
        for _ in range(sessions):
            connection = open_at_once.enter_context(psycopg.connect(pool.dsn, autocommit=True))
            connection.execute("BEGIN")


@pytest.mark.parametrize("mode", SHARED)
def test_a_pooler_that_shares_sessions_is_refused_by_check(postgres_database: Address, mode: str) -> None:
    with (
        pgbouncer(postgres_database, pool_mode=mode) as pool,
        pytest.raises(ConfigError, match="pooler") as refused,
    ):
        check(pool)

    assert "pool_mode=session" in refused.value.remedy


@pytest.mark.parametrize("mode", SHARED)
def test_a_pooler_that_shares_sessions_is_refused_at_the_start_of_a_sync(
    postgres_database: Address, mode: str
) -> None:
    with pgbouncer(postgres_database, pool_mode=mode) as pool:
        outcome = synced(pool)
        left = asked(postgres_database, LOCKS)
        zones = {asked(pool, "SHOW timezone")[0] for _ in range(3)}

    assert outcome.exit_code == 1
    assert outcome.failed == {None: "config_error"}
    assert left == [(0,)]
    assert zones == {("UTC",)}


@pytest.mark.parametrize("round_robin", ["0", "1"])
@pytest.mark.parametrize("sessions", [1, 2, 5])
def test_a_pooler_that_shares_sessions_is_noticed_however_it_chooses_them(
    postgres_database: Address, round_robin: str, sessions: int
) -> None:
    with pgbouncer(postgres_database, pool_mode="transaction", server_round_robin=round_robin) as pool:
        warm(pool, sessions)

        with pytest.raises(ConfigError, match="pooler"):
            check(pool)


def test_a_pooler_that_shares_sessions_is_noticed_while_others_use_it(postgres_database: Address) -> None:
    with pgbouncer(postgres_database, pool_mode="transaction") as pool, busy(pool):
        for _ in range(10):
            with pytest.raises(ConfigError, match="pooler"):
                check(pool)


def test_a_pool_of_whole_sessions_works_and_keeps_no_lock(postgres_database: Address) -> None:
    with pgbouncer(postgres_database, pool_mode="session") as pool:
        check(pool)
        outcomes = [synced(pool) for _ in range(2)]
        left = asked(postgres_database, LOCKS)

    assert [outcome.exit_code for outcome in outcomes] == [0, 0]
    assert asked(postgres_database, "SELECT id FROM users") == [(1,)]
    assert left == [(0,)]
