"""The line to the server is cut, or the server itself goes, at the worst of moments. Nothing acknowledged is lost."""

import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from attrs import define, evolve, field

from dataflow.catalog import Strategy
from tests.connectors.postgres.place import postgres_destination
from tests.crash.grounds import ARGUMENTS, perform, published
from tests.crash.proxy import Message, Proxy
from tests.crash.scenarios import KEYS, NEW, OLD, Stint
from tests.servers.address import Address
from tests.servers.databases import fresh_database
from tests.servers.embedded import EmbeddedPostgres
from tests.whole.command import TIMEOUT, Destination, Outcome, Running

APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE
COPY, MERGE, SWAP, OPEN = "COPY ", "DELETE FROM", "RENAME TO", "CREATE TABLE"
# The last COPY is the sync's; what it publishes by comes after.
COMMITS = [(APPEND, COPY), (DEDUP, MERGE), (DEDUP_TRUNCATE, SWAP)]
MORE_COMMITS = [
    (APPEND_TRUNCATE, OPEN),
    (APPEND_TRUNCATE, COPY),
    (APPEND_TRUNCATE, SWAP),
    (DEDUP, COPY),
    (DEDUP_TRUNCATE, COPY),
]
MIDST: list[tuple[str, Strategy, Callable[[Message], bool]]] = [
    ("COPY", APPEND, lambda message: message.copies),
    ("merge", DEDUP, lambda message: message.says(MERGE)),
    ("swap", DEDUP_TRUNCATE, lambda message: message.says(SWAP)),
]
in_the_midst = pytest.mark.parametrize(
    ("strategy", "moment"),
    [pytest.param(strategy, moment, id=f"{what} of {strategy}") for what, strategy, moment in MIDST],
)
at_commit = pytest.mark.parametrize(
    ("strategy", "what"),
    [*COMMITS, *(pytest.param(*each, marks=pytest.mark.campaign) for each in MORE_COMMITS)],
    ids=lambda value: str(value).strip(),
)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A server of our own, to be stopped as we like."""
    with EmbeddedPostgres() as server:
        yield server


@pytest.fixture(scope="module")
def original(server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with the old table in it, to be copied."""
    with fresh_database(server.address) as database:
        made = postgres_destination(tmp_path_factory.mktemp("original"), database)
        assert perform(made, OLD).code == 0
        yield str(made.config["database"])


@pytest.fixture
def destination(server: EmbeddedPostgres, original: str, tmp_path: Path) -> Iterator[Destination]:
    """A database with the old table in it."""
    with fresh_database(server.address, original) as database:
        yield postgres_destination(tmp_path, database)
        server.start()


@define
class Ambush:
    """Waits for a message, says so, and holds the line until it is let go; then cuts it."""

    _moment: Callable[[Message], bool]
    met: threading.Event = field(factory=threading.Event)
    over: threading.Event = field(factory=threading.Event)
    _first: threading.Lock = field(factory=threading.Lock)

    def awaits(self, message: Message) -> bool:
        """Whether this is the first such message."""
        return self._moment(message) and self._first.acquire(blocking=False)

    def hold(self) -> None:
        """Wait to be let go."""
        self.met.set()
        self.over.wait(TIMEOUT)


@contextmanager
def ambushed(
    destination: Destination, server: Address, stint: Stint, moment: Callable[[Message], bool]
) -> Iterator[Running]:
    """A run that has come to this moment, held there until the block ends; then its line is cut."""
    ambush = Ambush(moment)
    with Proxy(server, ambush) as proxy:
        plain = {"jdbc_url_params": "sslmode=disable&gssencmode=disable"}
        config = {**destination.config, **plain, "host": "127.0.0.1", "port": proxy.port}
        running = evolve(destination, config=config).start_write(stint.catalog, *ARGUMENTS)
        running.send(*stint.messages())
        try:
            assert ambush.met.wait(TIMEOUT), running.finish()
            yield running
        finally:
            ambush.over.set()
        if running.process.returncode is None:
            running.finish()


def begins(strategy: Strategy) -> Stint:
    """A sync from its beginning."""
    return Stint(strategy, 2, NEW)


def goes_on(strategy: Strategy, told: Outcome) -> Stint:
    """The same from the last STATE that was emitted."""
    return Stint(strategy, 2, range(int(told.states[-1]) + 1 if told.states else NEW.start, NEW.stop))


def expected(strategy: Strategy) -> Counter[tuple[int, int]]:
    """The table of an undisturbed run: every key comes again in what is new."""
    old = OLD.versions if strategy is APPEND else range(0)
    new = NEW[-KEYS:] if strategy.dedupes else NEW
    return Counter((version % KEYS, version) for version in (*old, *new))


def expect_done(destination: Destination, strategy: Strategy, last: Outcome) -> None:
    """The sync is done, and nothing is lost, nor there twice."""
    assert (last.code, last.errors) == (0, [])
    assert published(destination) == expected(strategy)
    assert destination.tables() == ["users"]


def ended(running: Running) -> Outcome:
    """What a finished run said."""
    return Outcome(running.process.returncode, tuple(running.messages))


# -- a COMMIT that is not answered


@at_commit
def test_a_commit_whose_answer_was_lost_is_found_out_about(
    destination: Destination, server: EmbeddedPostgres, strategy: Strategy, what: str
) -> None:
    """The server goes on, and the process too: it asks the ledger whether there is anything left to do."""
    with ambushed(destination, server.address, begins(strategy), lambda m: m.commits(what)) as running:
        pass

    expect_done(destination, strategy, ended(running))
    attempts = "SELECT attempt FROM airbyte_internal._airbyte_journal WHERE attempt > 1"
    assert destination.query(attempts) == [(2,)]


@at_commit
def test_a_process_killed_during_commit_is_followed_by_one_that_finds_out(
    destination: Destination, server: EmbeddedPostgres, strategy: Strategy, what: str
) -> None:
    with ambushed(destination, server.address, begins(strategy), lambda m: m.commits(what)) as running:
        running.kill()

    last = perform(destination, goes_on(strategy, ended(running)))

    assert running.process.returncode == -signal.SIGKILL
    assert last.code == 0
    # What was published, and not acknowledged before, is sent again: an append has it twice.
    assert published(destination).keys() == expected(strategy).keys()
    assert not strategy.dedupes or published(destination) == expected(strategy)
    assert destination.tables() == ["users"]


SLOW_COMMIT = """
CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER linger AFTER UPDATE ON airbyte_internal._airbyte_streams DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (old.finalised IS DISTINCT FROM new.finalised) EXECUTE FUNCTION linger();
"""


def test_a_commit_that_outlives_its_process_is_waited_for(
    destination: Destination, server: EmbeddedPostgres
) -> None:
    """The next run must see what it made: the generation is published, and its rows are not to be replaced."""
    with psycopg.connect(server.address.database(str(destination.config["database"])).dsn) as person:
        person.execute(SLOW_COMMIT)
    stint = begins(APPEND_TRUNCATE)
    with ambushed(destination, server.address, stint, lambda m: m.commits(SWAP)) as running:
        running.kill()
        last = perform(destination, goes_on(APPEND_TRUNCATE, ended(running)))

    assert last.code == 0
    assert published(destination).keys() == expected(APPEND_TRUNCATE).keys()
    assert "resume_temp" not in _operations(destination)
    assert "swap" not in _operations(destination)


def _operations(destination: Destination) -> list[str]:
    """What the last run's stream asked for."""
    last = "(SELECT run FROM airbyte_internal._airbyte_journal ORDER BY at DESC LIMIT 1)"
    rows = destination.query(
        f"SELECT operation FROM airbyte_internal._airbyte_journal WHERE run = {last} AND operation IS NOT NULL"
    )
    return [operation for (operation,) in rows]


# -- a server that is stopped, at once, and started again


@in_the_midst
def test_a_sync_goes_on_when_the_server_crashed_and_came_back(
    destination: Destination, server: EmbeddedPostgres, strategy: Strategy, moment: Callable[[Message], bool]
) -> None:
    with ambushed(destination, server.address, begins(strategy), moment) as running:
        server.stop(immediate=True)
        server.start()

    expect_done(destination, strategy, ended(running))


@pytest.mark.campaign
@in_the_midst
def test_a_sync_that_outlasts_no_crash_of_the_server_is_taken_up_by_the_next(
    destination: Destination, server: EmbeddedPostgres, strategy: Strategy, moment: Callable[[Message], bool]
) -> None:
    with ambushed(destination, server.address, begins(strategy), moment) as running:
        server.stop(immediate=True)
    server.start()

    failed = ended(running)
    last = perform(destination, goes_on(strategy, failed))

    assert failed.code == 1
    assert {error["failure_type"] for error in failed.errors} == {"transient_error"}
    expect_done(destination, strategy, last)


# -- a session that is ended


END_OURS = (
    "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
    "WHERE application_name LIKE 'dataflow%' AND datname = current_database()"
)


@in_the_midst
def test_a_sync_whose_sessions_were_ended_makes_new_ones(
    destination: Destination, server: EmbeddedPostgres, strategy: Strategy, moment: Callable[[Message], bool]
) -> None:
    with ambushed(destination, server.address, begins(strategy), moment) as running:
        ended_sessions = destination.query(END_OURS)

    assert ended_sessions[0][0] >= 3
    expect_done(destination, strategy, ended(running))


@pytest.mark.parametrize("strategy", [APPEND, DEDUP_TRUNCATE])
def test_a_sync_whose_sessions_were_ended_while_it_waited_for_its_source_makes_new_ones(
    destination: Destination, strategy: Strategy
) -> None:
    stint = begins(strategy)
    lines = stint.messages()
    running = destination.start_write(stint.catalog, *ARGUMENTS)
    running.send(*lines[:30])
    running.wait_for_state()

    ended_sessions = destination.query(END_OURS)
    running.send(*lines[30:])

    assert ended_sessions[0][0] >= 3
    expect_done(destination, strategy, running.finish())
