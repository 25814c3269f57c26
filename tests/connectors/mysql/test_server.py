"""What the MySQL destination does about servers and what people build on their tables, on a real server."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any, ClassVar

import pymysql
import pytest
from attrs import define, evolve, field

from connectors.contract import Recipe
from connectors.engine.sync.check import check_connector
from connectors.mysql import DEFINITION, connection
from connectors.mysql.client import MysqlClient
from connectors.mysql.connection import MysqlConnection
from connectors.mysql.locks import lock_name
from connectors.mysql.server import is_mariadb, require_one_writer
from connectors.testkit import Destination, TableOperationsSuite
from connectors.testkit.harness.destination import Bench, open_bench
from connectors.testkit.harness.messages import catalog, complete, record, users
from connectors.testkit.harness.rows import T2, columns, data, row
from connectors.testkit.harness.warehouse import Warehouse
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError, TransientError
from dataflow.runtime import SYSTEM
from dataflow.types import Kind
from tests.connectors.test_mysql import CAPABILITIES, Look, options

OF = columns(id=Kind.STRING, test=Kind.INTEGER)
BY = Recipe(strategy=Strategy.DEDUP, generation_id=1, primary_key=("id",), cursor=None, columns=OF)

# A client whose statement goes on until somebody ends it.
GHOST = """
import pymysql
session = pymysql.connect(unix_socket={socket!r}, user="root", ssl_disabled=True)
session.query("SELECT GET_LOCK('{lock}', 0)")
print(session.thread_id(), flush=True)
session.query("SELECT benchmark(1000000000000, sha2('a', 512))")
"""


@pytest.fixture
def bench(destination: Destination) -> Iterator[Bench]:
    with open_bench(destination) as bench:
        yield bench


@pytest.fixture
def without_loads(server: Any) -> Iterator[None]:
    server.query("SET GLOBAL local_infile = OFF")
    yield
    server.query("SET GLOBAL local_infile = ON")


@pytest.mark.usefixtures("without_loads")
class TestWithoutLoads(TableOperationsSuite):
    """The server forbids LOAD DATA LOCAL."""

    capabilities: ClassVar = CAPABILITIES


# -- a dead client


def test_a_statement_of_a_dead_run_is_ended_before_its_table_is_held_again(
    bench: Bench, mysql_server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "GHOST_WAIT", 1)
    final = bench.table("users")
    ghost = pymysql.connect(unix_socket=str(mysql_server), user="root", ssl_disabled=True)
    ghost.query(f"SELECT GET_LOCK('{lock_name('fence', final)}', 0)")
    ended: list[type[BaseException]] = []

    def work() -> None:
        try:
            ghost.query("SELECT SLEEP(600)")
        except pymysql.Error as error:
            ended.append(type(error))

    at_work = threading.Thread(target=work)
    at_work.start()
    began = time.monotonic()
    with bench.client.transaction():
        found = bench.client.ledger.hold(final)
    at_work.join(30)

    assert found is None
    assert ended == [pymysql.err.OperationalError]
    assert time.monotonic() - began < 60


def test_what_a_killed_client_left_at_work_is_ended_before_its_table_is_held_again(
    bench: Bench, mysql_server: Path, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server does not look for its client while a statement computes, and the statement keeps its GET_LOCK."""
    monkeypatch.setattr(connection, "GHOST_WAIT", 1)
    final = bench.table("users")
    program = GHOST.format(socket=str(mysql_server), lock=lock_name("fence", final))
    client = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert client.stdout is not None
    ghost = int(client.stdout.readline())
    at_work = (
        "SELECT count(*) FROM information_schema.processlist WHERE id = %s AND info LIKE '%%benchmark%%'"
    )
    with server.cursor() as cursor:
        while cursor.execute(at_work, (ghost,)) and cursor.fetchone() != (1,):
            time.sleep(0.02)
        client.kill()
        client.communicate()
        cursor.execute("SELECT IS_USED_LOCK(%s)", (lock_name("fence", final),))
        holder_after_death = cursor.fetchone()
        with bench.client.transaction():
            bench.client.ledger.hold(final)
            cursor.execute(at_work, (ghost,))
            still_at_work = cursor.fetchone()

    assert holder_after_death == (ghost,)
    assert still_at_work == (0,)


@define
class Yielding:
    """A listener that lets the ghost give its lock back just before it would be ended."""

    ghost: Any
    ended: list[str] = field(factory=list)

    def sending(self, what: str) -> None:
        if what.startswith("KILL"):
            self.ended.append(what)
            self.ghost.query("DO RELEASE_ALL_LOCKS()")

    def answered(self, what: str) -> None:
        """Nothing is left to do."""


def test_a_session_that_gives_the_fence_back_in_the_last_moment_is_not_ended(
    bench: Bench, mysql_server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "GHOST_WAIT", 1)
    final = bench.table("users")
    ghost = pymysql.connect(unix_socket=str(mysql_server), user="root", ssl_disabled=True)
    ghost.query(f"SELECT GET_LOCK('{lock_name('fence', final)}', 0)")
    listener = Yielding(ghost)

    with (
        closing(bench.destination.connector(requests=listener)) as connector,
        closing(connector.client()) as client,
        client.transaction(),
    ):
        client.ledger.hold(final)

    assert len(listener.ended) == 1
    ghost.ping(reconnect=False)


def test_a_held_entry_stays_held_though_a_change_of_tables_commits(bench: Bench) -> None:
    """The row's lock ends with the CREATE, and the fence does not."""
    final, held = bench.table("users"), []
    with closing(bench.connector.client()) as other:

        def hold() -> None:
            with other.transaction():
                other.ledger.hold(final)
                held.append(time.monotonic())

        waiting = threading.Thread(target=hold)
        with bench.client.transaction():
            bench.client.ledger.hold(final)
            bench.client.create_table(final, OF, ())
            waiting.start()
            waiting.join(0.5)
            early = list(held)
        waiting.join(30)

    assert (early, len(held)) == ([], 1)


def test_what_a_killed_run_left_of_a_columns_change_is_dropped(bench: Bench) -> None:
    table = bench.table("users")
    bench.make(table, OF, row(1, id="a", test=1))
    with bench.client.transaction():
        bench.client.execute(bench.client.statements.add_column(table, "_airbyte_changing", _type(bench)))  # type: ignore[attr-defined]

    with bench.client.transaction():
        before = bench.client.discover_schema(table).columns
        added = bench.client.complete_metadata(table)

    assert list(before) == ["id", "test"]
    assert added == []
    assert "_airbyte_changing" not in bench.destination.read(table)[0]


def _type(bench: Bench) -> Any:
    return bench.connector.columns.column_type(Kind.DATE)


# -- rows


def test_a_warning_of_a_load_is_an_error_and_nothing_is_kept(bench: Bench, server: Any) -> None:
    """LOAD DATA LOCAL changes what does not fit, whatever the SQL mode says."""
    table = bench.table("users")
    bench.make(table, OF, row(1, id="a", test=1))
    server.query("ALTER TABLE kit.users MODIFY test tinyint")

    with pytest.raises(pymysql.err.DataError) as raised, bench.client.transaction():
        bench.insert(table, OF, row(2, id="b", test=1000))

    explained = bench.connector.explain(raised.value)
    assert data(bench.rows(table, OF)) == [{"id": "a", "test": 1}]
    assert "1000" not in str(explained)


def test_a_load_that_fails_before_its_end_leaves_no_statement_to_be_taken_for_rows(bench: Bench) -> None:
    table, client = bench.table("users"), bench.client
    assert isinstance(client, MysqlClient)
    bench.make(table, OF, row(1, id="a", test=1))

    def parts() -> Iterator[bytes]:
        yield b"half of a row"
        raise KeyError

    with pytest.raises(KeyError), client.transaction():
        client.connection.load(client.statements.load(table, ["id"]), parts())

    assert data(bench.rows(table, OF)) == [{"id": "a", "test": 1}]
    with bench.client.transaction():
        bench.insert(table, OF, row(2, id="b", test=2))
    assert len(bench.rows(table, OF)) == 2


def test_a_session_that_was_idle_for_too_long_is_replaced_without_a_word(bench: Bench, server: Any) -> None:
    table, client = bench.table("users"), bench.client
    assert isinstance(client, MysqlClient)
    bench.make(table, OF, row(1, id="a", test=1))
    server.query(f"KILL {client.connection.open.thread_id()}")

    with bench.client.transaction():
        bench.insert(table, OF, row(2, id="b", test=2))

    assert len(bench.rows(table, OF)) == 2


def test_a_lock_that_is_freed_between_two_questions_is_taken(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session that had it is gone when its run is looked for."""
    table, tries = bench.table("users"), []
    take = MysqlConnection.take_lock

    def late(of: MysqlConnection, name: str, seconds: int) -> bool:
        tries.append(name)
        return len(tries) > 1 and take(of, name, seconds)

    monkeypatch.setattr(MysqlConnection, "take_lock", late)
    bench.client.lock(table, "a run")

    assert len(tries) == 2


def test_the_run_that_has_a_lock_is_found_by_its_table(destination: Destination, server: Any) -> None:
    """Another table's row has the number of the session too, as after a server started again."""
    with open_bench(destination) as first, open_bench(destination) as second:
        first.client.ledger.prepare()
        first.client.lock(first.table("users"), "the holder")
        server.query(
            "INSERT INTO airbyte_internal._airbyte_locks SELECT 'kit', 'a', session, 'another' "
            "FROM airbyte_internal._airbyte_locks"
        )

        with pytest.raises(ConfigError) as refused:
            second.client.lock(second.table("users"), "a rival")

    assert "run the holder is writing to it" in str(refused.value)


def test_a_run_whose_name_is_not_written_yet_is_called_unknown(destination: Destination, server: Any) -> None:
    with open_bench(destination) as first, open_bench(destination) as second:
        first.client.lock(first.table("users"), "the holder")
        server.query("DELETE FROM airbyte_internal._airbyte_locks")

        with pytest.raises(ConfigError, match=r"run unknown \(session \d+\) is writing to it"):
            second.client.lock(second.table("users"), "a rival")


@pytest.mark.parametrize(
    ("variables", "refused"),
    [
        ({"wsrep_on": "ON", "wsrep_provider": "/usr/lib/galera/libgalera_smm.so"}, True),
        ({"wsrep_on": "ON", "wsrep_provider": "none"}, False),
        ({"group_replication_group_name": "a group", "group_replication_single_primary_mode": "OFF"}, True),
        ({"group_replication_group_name": "a group", "group_replication_single_primary_mode": "ON"}, False),
        ({}, False),
    ],
)
def test_a_cluster_with_several_writers_is_refused(variables: Mapping[str, str], *, refused: bool) -> None:
    with pytest.raises(ConfigError, match="do not share their locks") if refused else nullcontext():
        require_one_writer(variables)


def test_every_character_is_read_back_as_it_was_sent(bench: Bench) -> None:
    table, of = bench.table("texts"), columns(text=Kind.STRING)
    marks = [chr(number) for number in (*range(33), ord("\\"), ord("'"), ord('"'))]
    texts = [*map(chr, range(0x100)), *(one + other for one in marks for other in (*marks, "N", "n", "0"))]

    bench.make(table, of, *(row(number, text=text) for number, text in enumerate(texts)))

    assert [each["text"] for each in data(bench.rows(table, of))] == texts


def test_keys_that_differ_at_all_are_keys_of_their_own(bench: Bench) -> None:
    source, target = bench.table("source"), bench.table("target")
    keys = ["a", "A", "a ", "á", "", " "]
    bench.make(target, OF, *(row(n, id=key, test=1) for n, key in enumerate(keys)), key=("id",))
    bench.make(source, OF, *(row(100 + n, T2, id=key, test=2) for n, key in enumerate(keys)))

    with bench.client.transaction():
        bench.client.merge_table(source, target, BY)

    assert [each["id"] for each in data(bench.rows(target, OF))] == keys
    assert {each["test"] for each in data(bench.rows(target, OF))} == {2}


def test_a_merge_finds_an_index_on_the_key_of_a_table_that_was_made_without(
    bench: Bench, server: Any
) -> None:
    table = bench.table("users")
    bench.make(table, OF, row(1, id="a", test=1))
    client: Any = bench.client

    for key in (("id",), ("id",), ("test", "id")):
        with client.transaction():
            client.prepare_merge(table, key)

    with server.cursor() as cursor:
        cursor.execute("SHOW INDEX FROM kit.users WHERE Key_name = '_airbyte_key'")
        assert [each[4] for each in cursor.fetchall()] == ["test", "id"]


def test_a_table_is_innodbs_whatever_the_servers_default_is(destination: Destination, server: Any) -> None:
    server.query("SET GLOBAL default_storage_engine = MyISAM")
    try:
        with open_bench(destination) as bench:
            table = bench.table("users")
            bench.make(table, OF)
            with server.cursor() as cursor:
                cursor.execute("SELECT engine FROM information_schema.tables WHERE table_schema = 'kit'")
                engines = cursor.fetchall()
    finally:
        server.query("SET GLOBAL default_storage_engine = InnoDB")

    assert engines == (("InnoDB",),)


# -- what people built


def test_a_table_is_not_replaced_if_a_trigger_would_be_lost(bench: Bench, server: Any) -> None:
    source, target = bench.table("users_tmp"), bench.table("users")
    bench.make(target, OF, row(1, id="old", test=1))
    bench.make(source, OF, row(2, id="new", test=2))
    server.query("CREATE TRIGGER kit.audit BEFORE INSERT ON kit.users FOR EACH ROW SET NEW.test = 1")

    with pytest.raises(ConfigError, match=r"trigger audit would be lost"), bench.client.transaction():
        bench.client.overwrite_table(source, target)

    assert data(bench.rows(target, OF)) == [{"id": "old", "test": 1}]


# -- privileges

NEEDED = {
    "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, TRIGGER "
    f"ON `{database}`.* TO 'load''er'@'%';"
    for database in ("airbyte_internal", "kit")
}


@pytest.fixture
def loader(mysql_server: Path, look: Look, server: Any) -> Iterator[Mapping[str, Any]]:
    """The options with a user of a name that is to be quoted, which has no privilege."""
    server.query("DROP USER IF EXISTS `load'er`@`%`")
    server.query("CREATE USER `load'er`@`%`")
    yield {**options(mysql_server), "username": "load'er"}
    server.query("DROP USER `load'er`@`%`")


def test_the_grants_that_a_check_gives_are_those_that_a_sync_needs(
    loader: Mapping[str, Any], destination: Destination, server: Any
) -> None:
    run, granted = evolve(destination, options=loader), set[str]()
    with closing(DEFINITION.connector(loader, "check", SYSTEM)) as connector:
        while granted != NEEDED:
            with pytest.raises(ConfigError, match="The user lacks a privilege") as refused:
                check_connector(connector, "check")
            asked = refused.value.remedy.removeprefix("Let the administrator run: ")
            assert asked not in granted
            server.query(asked)
            granted.add(asked)
        check_connector(connector, "check")

    outcomes = [
        Warehouse(run).sync(
            catalog(users(strategy, 1)), record("users", id=1, name="Ada", updated=1), complete("users")
        )
        for strategy in (Strategy.DEDUP, Strategy.APPEND_TRUNCATE)
    ]
    assert [each.exit_code for each in outcomes] == [0, 0]


# -- a lock that somebody holds


@pytest.fixture
def impatient(destination: Destination) -> Iterator[Bench]:
    with open_bench(evolve(destination, options={**destination.options, "lock_timeout": 1})) as bench:
        yield bench


@pytest.fixture
def with_locks_listed(server: Any) -> Iterator[None]:
    """MySQL lists them by itself."""
    plugin = is_mariadb(server.server_version)
    if plugin:
        server.query("INSTALL SONAME 'metadata_lock_info'")
    yield
    if plugin:
        server.query("UNINSTALL SONAME 'metadata_lock_info'")


def test_a_swap_waits_for_a_reader_and_its_error_names_the_readers_session(
    impatient: Bench, mysql_server: Path
) -> None:
    session = explained_after_a_wait(impatient, mysql_server)

    assert f"waited for session {session[0]} of root@localhost with " in session[1]


@pytest.mark.usefixtures("with_locks_listed")
def test_the_error_names_the_table_too_where_the_server_lists_locks(
    impatient: Bench, mysql_server: Path
) -> None:
    session = explained_after_a_wait(impatient, mysql_server)

    assert (
        f"waited for session {session[0]} of root@localhost with a lock on kit.users, idle for" in session[1]
    )


def explained_after_a_wait(bench: Bench, socket: Path) -> tuple[int, str]:
    """The session of a reader that a swap waited for in vain, and what the error says. The swap is done afterwards."""
    source, target = bench.table("users_tmp"), bench.table("users")
    bench.make(target, OF, row(1, id="old", test=1))
    bench.make(source, OF, row(2, id="new", test=2))
    with closing(pymysql.connect(unix_socket=str(socket), user="root", ssl_disabled=True)) as reader:
        reader.query("SELECT * FROM kit.users")
        with pytest.raises(pymysql.Error) as raised, bench.client.transaction():
            bench.client.overwrite_table(source, target)
        number = reader.thread_id()
    explained = bench.connector.explain(raised.value)
    assert data(bench.rows(target, OF)) == [{"id": "old", "test": 1}]
    with bench.client.transaction():
        bench.client.overwrite_table(source, target)
    assert data(bench.rows(target, OF)) == [{"id": "new", "test": 2}]
    assert isinstance(explained, TransientError)
    assert "KILL the session" in explained.remedy
    return number, explained.message
