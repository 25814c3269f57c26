"""The ledger and the journal on a real MariaDB: the shared statements mean there what they mean everywhere."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from attrs import evolve

from connectors.contract import Client, Recipe
from connectors.contract.journal import Transition
from connectors.contract.ledger import LedgerEntry, Owner
from connectors.engine.sync.transactions import undone
from connectors.sql.dialect import Ddl, Dialect
from connectors.sql.ledger import SqlLedger
from connectors.sql.ledger_format import FORMAT, Found, LedgerFormat
from connectors.sql.ledger_rows import FORMAT_TABLE
from connectors.sql.merging import merge
from connectors.sql.statements import KEY_INDEX, all_names
from connectors.sql.text import Name, Param, Sql, Value, listed, names, sql
from connectors.testkit import Destination, JournalTableSuite, LedgerSuite
from connectors.testkit.suites.ledger import FULL
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError
from dataflow.types import (
    EXTRACTED_AT,
    GENERATION_ID,
    INTEGER,
    META,
    RAW_ID,
    STRING,
    Column,
    StreamName,
    TableName,
)
from machines.flushes import FlushRow
from tests.connectors.sql.formats import leave_the_first_format, leave_the_second_format
from tests.connectors.sql.mariadb import MARIADB
from tests.connectors.sql.mariadb_client import INTERNAL_NAMESPACE, MariaDbClient, MariaDbDefinition
from tests.connectors.sql.mariadb_statements import STATEMENTS
from tests.servers.mariadb import mariadb

USERS = TableName("shop", "users")
FINAL, TEMP = TableName("shop", "people"), TableName("shop", "people_tmp")
COLUMNS = (Column("id", "id", INTEGER), Column("name", "name", STRING), Column("word", "word", STRING))
FORMATS = TableName(INTERNAL_NAMESPACE, FORMAT_TABLE)
SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with mariadb() as socket:
        yield socket


@pytest.fixture
def socket(server: Path) -> str:
    """The socket of the server, which has no databases but its own."""
    with closing(MariaDbClient(str(server))) as client:
        for (name,) in client.execute(sql("SHOW DATABASES")):
            if name not in SYSTEM:
                client.execute(sql("DROP DATABASE {}", Name(name)))
    return str(server)


@pytest.fixture
def destination(socket: str) -> Destination:
    return Destination(
        definition=MariaDbDefinition(),
        options={"socket": socket},
        soft_delete={},
        read=lambda _: [],
        tables=set,
    )


@pytest.fixture
def client(socket: str) -> Iterator[MariaDbClient]:
    """A client with a ledger and a journal."""
    with closing(MariaDbClient(socket)) as client:
        client.create_namespace(INTERNAL_NAMESPACE)
        client.ledger.prepare()
        client.journal.prepare()
        yield client


class TestLedger(LedgerSuite):
    """The kit's."""


class TestJournal(JournalTableSuite):
    """The kit's."""


# -- the ledger


def test_claims_that_come_at_once_get_an_epoch_each(client: MariaDbClient, socket: str) -> None:
    """The fence: each claim holds the row, and finds in it what the claim before has written."""
    with client.transaction():
        client.ledger.save(LedgerEntry(table=USERS))

    def claim(owner: str) -> list[int]:
        epochs = []
        with closing(MariaDbClient(socket)) as own:
            for _ in range(25):
                with own.transaction():
                    entry = own.ledger.hold(USERS)
                    assert entry is not None
                    own.ledger.save(evolve(entry, epoch=entry.epoch + 1, owner=owner))
                epochs.append(entry.epoch + 1)
        return epochs

    with ThreadPoolExecutor() as runs:
        claimed = [epoch for epochs in runs.map(claim, ["one", "two", "three"]) for epoch in epochs]

    assert sorted(claimed) == list(range(1, 76))


def test_a_claim_that_looks_for_a_row_that_is_not_there_holds_up_no_other(
    client: MariaDbClient, socket: str
) -> None:
    with closing(MariaDbClient(socket)) as other, client.transaction(), other.transaction():
        found = [each.ledger.hold(table) for each, table in ((client, USERS), (other, _named("orders")))]
        client.ledger.save(LedgerEntry(table=USERS, owner="one"))
        other.ledger.save(LedgerEntry(table=_named("orders"), owner="two"))

    assert found == [None, None]
    assert {entry.table: entry.owner for entry in client.ledger.entries()} == {
        USERS: "one",
        _named("orders"): "two",
    }


def test_saving_what_is_there_already_adds_no_second_row(client: MariaDbClient) -> None:
    """MariaDB by itself counts the rows that an UPDATE made different, and here that is none."""
    for _ in range(2):
        with client.transaction():
            client.ledger.save(FULL)

    assert client.ledger.entries() == [FULL]


@pytest.mark.parametrize("name", ["Users", "users ", "üsers", "u" * 64])
def test_names_that_differ_at_all_are_tables_of_their_own(client: MariaDbClient, name: str) -> None:
    entries = [LedgerEntry(table=USERS, owner="one"), LedgerEntry(table=_named(name), owner="two")]

    with client.transaction():
        for entry in entries:
            client.ledger.save(entry)
        held = [client.ledger.hold(entry.table) for entry in entries]

    assert held == entries


@pytest.mark.parametrize(
    ("leave", "found", "unknown"),
    [
        (leave_the_first_format, Found.FIRST, {"stream": None, "publishing": None}),
        (leave_the_second_format, Found.SECOND, {"publishing": None}),
    ],
)
def test_a_ledger_of_an_earlier_version_is_brought_to_todays_format(
    client: MariaDbClient,
    leave: Callable[[Client, Dialect, str], None],
    found: Found,
    unknown: Mapping[str, Any],
) -> None:
    entry = evolve(FULL, stream=StreamName("src", "users"))
    with client.transaction():
        client.ledger.save(entry)
    leave(cast("Client", client), MARIADB, INTERNAL_NAMESPACE)
    formats = LedgerFormat(client, INTERNAL_NAMESPACE, MARIADB)
    before = formats.found(), client.ledger.entries()

    client.ledger.prepare()

    forgotten = evolve(entry, **unknown)
    assert before == (found, [forgotten])
    assert (formats.found(), client.ledger.entries()) == (Found.TODAYS, [forgotten])


def test_flushes_of_one_table_are_at_work_at_once(client: MariaDbClient, socket: str) -> None:
    with client.transaction():
        client.ledger.save(LedgerEntry(table=USERS, epoch=1, owner="one"))

    with closing(MariaDbClient(socket)) as other, client.transaction(), other.transaction():
        for number, each in enumerate((other, client), start=1):
            assert each.ledger.share(USERS) == Owner(epoch=1, run="one", last_flush=0)
            assert each.ledger.flushed(USERS, FlushRow(epoch=1, number=number))

    with client.transaction():
        assert client.ledger.hold(USERS) == LedgerEntry(table=USERS, epoch=1, owner="one", last_flush=2)


def test_a_ledger_of_another_format_is_refused(client: MariaDbClient) -> None:
    client.execute(sql("UPDATE {} SET {} = 99", client.table(FORMATS), Name("format")))

    with pytest.raises(ConfigError, match="has format 99"):
        SqlLedger(client, INTERNAL_NAMESPACE, MARIADB).prepare()


class CutClient(MariaDbClient):
    """One whose process ends before one of the statements that change something."""

    def __init__(self, socket: str, before: int) -> None:
        super().__init__(socket)
        self._left = before

    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        if _changes(statement):
            if not self._left:
                raise Cut
            self._left -= 1
        return super().execute(statement, parameters)


class OvertakenClient(MariaDbClient):
    """One that has looked, and another client does its work before this one's first change."""

    def __init__(self, socket: str, meanwhile: Callable[[], None]) -> None:
        super().__init__(socket)
        self._meanwhile: Callable[[], None] | None = meanwhile

    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        if _changes(statement) and self._meanwhile is not None:
            meanwhile, self._meanwhile = self._meanwhile, None
            meanwhile()
        return super().execute(statement, parameters)


def _changes(statement: Sql) -> bool:
    return not MARIADB.render(statement).startswith("SELECT")


class Cut(Exception):
    """The process has ended."""


@pytest.mark.parametrize("before", range(4))
def test_a_ledger_whose_creation_was_cut_short_is_created_by_the_next_run(socket: str, before: int) -> None:
    """Each of its statements commits, so the next run finds what the earlier ones left."""
    with closing(MariaDbClient(socket)) as setting_up:
        setting_up.create_namespace(INTERNAL_NAMESPACE)
    with closing(CutClient(socket, before)) as cut, pytest.raises(Cut), cut.transaction():
        cut.ledger.prepare()

    with closing(MariaDbClient(socket)) as client:
        with client.transaction():
            client.ledger.prepare()
            client.ledger.save(FULL)

        assert client.ledger.entries() == [FULL]


@pytest.mark.parametrize("number", [FORMAT - 1, FORMAT])
@pytest.mark.parametrize("flushes", [True, False])
@pytest.mark.parametrize("before", range(3))
def test_a_ledger_that_was_emptied_and_whose_creation_was_cut_short_is_created_by_the_next_run(
    socket: str, client: MariaDbClient, before: int, flushes: bool, number: int
) -> None:
    formats = LedgerFormat(client, INTERNAL_NAMESPACE, MARIADB)
    for table in [formats.entries] if flushes else [formats.entries, formats.flushes]:
        client.execute(sql("DROP TABLE {}", client.table(table)))
    client.execute(
        sql("UPDATE {} SET {} = {}", client.table(FORMATS), Name("format"), Param("n")), {"n": number}
    )
    found = formats.found()
    with closing(CutClient(socket, before)) as cut, pytest.raises(Cut), cut.transaction():
        cut.ledger.prepare()

    with client.transaction():
        client.ledger.prepare()
        client.ledger.save(FULL)

    assert found is Found.EMPTIED
    assert formats.found() is Found.TODAYS
    assert client.ledger.entries() == [FULL]


def test_two_runs_that_create_the_ledger_at_once_write_one_number(socket: str) -> None:
    keyed = evolve(MARIADB, keyless=False)
    with closing(MariaDbClient(socket)) as other:
        other.create_namespace(INTERNAL_NAMESPACE)
        others = LedgerFormat(other, INTERNAL_NAMESPACE, keyed)

        with closing(OvertakenClient(socket, others.prepare)) as client, client.transaction():
            LedgerFormat(client, INTERNAL_NAMESPACE, keyed).prepare()

        numbers = other.execute(sql("SELECT {} FROM {}", Name("format"), other.table(FORMATS)))
    assert list(numbers) == [(FORMAT,)]
    assert others.found() is Found.TODAYS


# -- the journal


def test_any_text_of_a_transition_is_read_back_as_it_was(client: MariaDbClient) -> None:
    entry = {
        "run": "1-ü",
        "machine": "stream",
        "from": "idle",
        "event": "it's",
        "to": "\\n",
        "at": 1_700_000_000.123,
        "stream": "100%s",
        "error": 'a "quote", a `tick`, a \\ and \0',
        "rows": 2**40,
        "milliseconds": 0.1,
        "facts": {"temp": True},
    }

    with client.transaction():
        client.journal.append([Transition(1, entry)])

    assert client.journal.read(0.0, "1-ü") == [Transition(1, entry)]
    assert client.journal.lives() == [Transition(1, entry)]


# -- the dialect


def test_a_statement_that_makes_a_table_commits_what_came_before_it(client: MariaDbClient) -> None:
    with undone(cast("Client", client)):
        client.ledger.save(FULL)
        client.execute(sql("CREATE TABLE {} (x bigint)", client.table(TableName(INTERNAL_NAMESPACE, "made"))))

    assert MARIADB.ddl is Ddl.COMMITS
    assert client.ledger.entries() == [FULL]


def test_two_nulls_are_the_same(client: MariaDbClient) -> None:
    pairs = [(None, None), (None, 1), (1, 1), (1, 2)]
    asked = listed(MARIADB.same(Value(one), Value(other)) for one, other in pairs)

    assert client.execute(sql("SELECT {}", asked)) == [(1, 0, 1, 0)]


def test_the_latest_comes_first_and_null_last(client: MariaDbClient) -> None:
    numbers = sql("(SELECT 1 AS {x} UNION SELECT NULL UNION SELECT 2) AS numbers", x=Name("x"))
    ordered = sql("SELECT {} FROM {} ORDER BY {}", Name("x"), numbers, MARIADB.latest_first(Name("x")))

    assert client.execute(ordered) == [(2,), (1,), (None,)]


@pytest.mark.parametrize("text", ["it's", 'a "b"', "a\\'b", "\\", "100%s %", "", "`", "ü😀"])
def test_a_value_is_read_as_it_was_written(client: MariaDbClient, text: str) -> None:
    alone = client.execute(sql("SELECT {}", Value(text)))
    beside = client.execute(sql("SELECT {}, {}", Value(text), Param("it")), {"it": text})

    assert (alone, beside) == ([(text,)], [(text, text)])


def test_a_moment_is_kept_to_the_microsecond_and_shown_in_utc(client: MariaDbClient) -> None:
    moment = datetime(2026, 2, 3, 4, 5, 6, 789_012, UTC)
    kept = sql("CAST({} AS datetime(6))", Param("at"))

    ((text,),) = client.execute(sql("SELECT {}", MARIADB.moment_as_text(kept)), {"at": moment})

    assert datetime.fromisoformat(text) == moment


# -- merging by the index on the key


@pytest.mark.parametrize("key", [("id",), ("name",), ("name", "id")])
def test_a_merge_looks_rows_up_by_the_index_on_their_key(client: MariaDbClient, key: tuple[str, ...]) -> None:
    _fill(client, FINAL, key, range(2000), "old")
    _fill(client, TEMP, key, [7, 5000], "new")
    deletion, insertion = merge(STATEMENTS, TEMP, FINAL, _by(key))

    # The name of each table that is read, and the index that it is read by.
    reads = [(row[2], row[5]) for row in client.execute(sql("EXPLAIN {}", deletion))]
    for statement in (deletion, insertion):
        client.execute(statement)

    rows = client.execute(
        sql("SELECT {} FROM {} ORDER BY {}", names(["id", "word"]), client.table(FINAL), Name("id"))
    )
    assert ("t", KEY_INDEX) in reads
    assert list(rows) == [
        *((number, "new" if number == 7 else "old") for number in range(2000)),
        (5000, "new"),
    ]


def test_the_index_on_the_key_stays_with_its_table(client: MariaDbClient) -> None:
    _fill(client, TEMP, ("name", "id"), [1], "new")

    client.execute(STATEMENTS.rename_table(TEMP, FINAL))

    found = sql("SHOW INDEX FROM {} WHERE {} = {}", client.table(FINAL), Name("Key_name"), Value(KEY_INDEX))
    assert [(row[4], row[7]) for row in client.execute(found)] == [("name", 700), ("id", None)]


def _fill(
    client: MariaDbClient, table: TableName, key: tuple[str, ...], numbers: Iterable[int], word: str
) -> None:
    client.execute(sql("CREATE DATABASE IF NOT EXISTS {}", Name(table.namespace)))
    for statement in STATEMENTS.create_table(table, COLUMNS, key):
        client.execute(statement)
    every = all_names(COLUMNS)
    insert = sql(
        "INSERT INTO {} ({}) VALUES ({})", client.table(table), names(every), listed(map(Param, every))
    )
    client.execute_many(
        insert,
        [
            {
                RAW_ID: str(uuid4()),
                EXTRACTED_AT: datetime(2026, 1, 1 if word == "old" else 2, tzinfo=UTC),
                META: "{}",
                GENERATION_ID: 1,
                "id": number,
                "name": f"user {number}",
                "word": word,
            }
            for number in numbers
        ],
    )
    client.execute(sql("ANALYZE TABLE {}", client.table(table)))


def _by(key: tuple[str, ...]) -> Recipe:
    return Recipe(strategy=Strategy.DEDUP, generation_id=1, primary_key=key, cursor=None, columns=COLUMNS)


def _named(name: str) -> TableName:
    return TableName("shop", name)
