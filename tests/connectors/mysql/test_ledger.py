"""What the shared statements of the ledger, the journal and merges mean on a real server, beyond the kit's own tests.

Its ledger is in a database whose name holds a quote of the server's and a sign that stands for a parameter.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, cast

import pytest
from attrs import evolve

from connectors.contract import Recipe
from connectors.contract.journal import Transition
from connectors.contract.ledger import LedgerEntry
from connectors.mysql.client import MysqlClient
from connectors.mysql.columns import MYSQL
from connectors.sql.ledger_format import FORMAT, LedgerFormat
from connectors.sql.ledger_rows import FORMAT_TABLE
from connectors.sql.statements import KEY_INDEX
from connectors.sql.text import Name, Param, Sql, Value, sql
from connectors.testkit import Destination
from connectors.testkit.harness.destination import Bench, open_bench
from connectors.testkit.harness.rows import T2, columns, data, row
from connectors.testkit.suites.ledger import FULL
from dataflow.catalog import Strategy
from dataflow.types import Kind, TableName
from tests.connectors.mysql.support import Statements

INTERNAL = "internal`100%s"
USERS, ORDERS = TableName("kit", "users"), TableName("kit", "orders")
FORMATS = TableName(INTERNAL, FORMAT_TABLE)
OF = columns(id=Kind.INTEGER, name=Kind.STRING, word=Kind.STRING)


@pytest.fixture
def destination(destination: Destination) -> Destination:
    return evolve(destination, options={**destination.options, "raw_data_schema": INTERNAL})


@pytest.fixture
def bench(destination: Destination) -> Iterator[Bench]:
    with open_bench(destination) as bench:
        yield bench


@pytest.fixture
def client(bench: Bench) -> MysqlClient:
    """A client with a ledger."""
    return cast("MysqlClient", bench.client)


@pytest.fixture
def other(bench: Bench) -> Iterator[MysqlClient]:
    """A client of another run."""
    with closing(cast("MysqlClient", bench.connector.client())) as other:
        yield other


# -- entries


def test_claims_that_come_at_once_get_an_epoch_each(bench: Bench, client: MysqlClient) -> None:
    """The fence: each claim holds the row, and finds in it what the claim before has written."""
    with client.transaction():
        client.ledger.save(LedgerEntry(table=USERS))

    def claim(owner: str) -> list[int]:
        epochs = []
        with closing(bench.connector.client()) as own:
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
    client: MysqlClient, other: MysqlClient
) -> None:
    with client.transaction(), other.transaction():
        found = [each.ledger.hold(table) for each, table in ((client, USERS), (other, ORDERS))]
        client.ledger.save(LedgerEntry(table=USERS, owner="one"))
        other.ledger.save(LedgerEntry(table=ORDERS, owner="two"))

    assert found == [None, None]
    assert {entry.table: entry.owner for entry in client.ledger.entries()} == {USERS: "one", ORDERS: "two"}


def test_saving_what_is_there_already_adds_no_second_row(client: MysqlClient) -> None:
    """The servers by themselves count the rows that an UPDATE made different, and here that is none."""
    for _ in range(2):
        with client.transaction():
            client.ledger.save(FULL)

    assert client.ledger.entries() == [FULL]


@pytest.mark.parametrize("name", ["Users", "üsers", "u" * 64])
def test_names_that_differ_at_all_are_tables_of_their_own(client: MysqlClient, name: str) -> None:
    entries = [
        LedgerEntry(table=table, owner=table.name) for table in (USERS, TableName(USERS.namespace, name))
    ]

    with client.transaction():
        for entry in entries:
            client.ledger.save(entry)
        held = [client.ledger.hold(entry.table) for entry in entries]

    assert held == entries


# -- the ledger's creation, each statement of which commits


class Cut(Exception):
    """The process has ended."""


class CutSession:
    """The session of a client whose process ends before one of the statements that change something."""

    def __init__(self, client: MysqlClient, before: int, meanwhile: Callable[[], None]) -> None:
        self._client = client
        self._left = before
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def execute(
        self, statement: Sql, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[tuple[Any, ...]]:
        if not MYSQL.render(statement).startswith("SELECT"):
            if not self._left:
                self._meanwhile()
            self._left -= 1
        return self._client.execute(statement, parameters)


def cut() -> None:
    raise Cut


def formats(client: MysqlClient, before: int = -1, meanwhile: Callable[[], None] = cut) -> LedgerFormat:
    """The ledger's tables, for a client whose process ends, or waits for another, before a statement."""
    return LedgerFormat(cast("MysqlClient", CutSession(client, before, meanwhile)), INTERNAL, MYSQL)


@pytest.mark.parametrize("before", range(3))
@pytest.mark.parametrize("dropped", [("entries",), ("entries", "flushes"), ("entries", "flushes", "formats")])
def test_a_ledger_whose_creation_was_cut_short_is_created_by_the_next_run(
    client: MysqlClient, dropped: tuple[str, ...], before: int
) -> None:
    places = {"entries": formats(client).entries, "flushes": formats(client).flushes, "formats": FORMATS}
    for name in dropped:
        client.drop_table(places[name])
    with pytest.raises(Cut), client.transaction():
        formats(client, before).prepare()

    with client.transaction():
        client.ledger.prepare()
        client.ledger.save(FULL)

    assert client.ledger.entries() == [FULL]


def test_two_runs_that_create_the_ledger_at_once_write_one_number(
    client: MysqlClient, other: MysqlClient
) -> None:
    client.execute(sql("DROP DATABASE {}", Name(INTERNAL)))
    client.create_namespace(INTERNAL)

    with client.transaction():
        formats(client, 0, formats(other).prepare).prepare()

    found = client.execute(sql("SELECT {} FROM {}", Name("format"), client.table(FORMATS)))
    assert list(found) == [(FORMAT,)]


# -- texts


def test_any_text_of_a_transition_is_read_back_as_it_was(client: MysqlClient) -> None:
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
    client.journal.prepare()

    with client.transaction():
        client.journal.append([Transition(1, entry)])

    assert client.journal.read(0.0, "1-ü") == [Transition(1, entry)]
    assert client.journal.lives() == [Transition(1, entry)]


@pytest.mark.parametrize("text", ["it's", 'a "b"', "a\\'b", "\\", "100%s %", "", "`", "ü😀"])
def test_a_value_is_read_as_it_was_written(client: MysqlClient, text: str) -> None:
    alone = client.execute(sql("SELECT {}", Value(text)))
    beside = client.execute(sql("SELECT {}, {}", Value(text), Param("it")), {"it": text})

    assert (alone, beside) == ([(text,)], [(text, text)])


# -- merges


@pytest.mark.parametrize("key", [("id",), ("name",), ("name", "id")])
def test_a_merge_looks_rows_up_by_the_index_on_their_key(bench: Bench, key: tuple[str, ...]) -> None:
    listener = Statements()
    source, target = bench.table("source"), bench.table("target")
    by = Recipe(strategy=Strategy.DEDUP, generation_id=1, primary_key=key, cursor=None, columns=OF)
    bench.make(target, OF, *(row(n, id=n, name=f"user {n}", word="old") for n in range(2000)), key=key)
    bench.make(source, OF, *(row(5000 + n, T2, id=n, name=f"user {n}", word="new") for n in (7, 5000)))
    client = cast("MysqlClient", bench.client)
    client.execute(sql("ANALYZE TABLE {}", client.table(target)))

    with (
        closing(bench.destination.connector(requests=listener)) as connector,
        closing(connector.client()) as merging,
        merging.transaction(),
    ):
        merging.merge_table(source, target, by)
    deletion = next(each for each in listener.sent if each.startswith("DELETE"))
    ((plan,),) = client.execute(Sql((f"EXPLAIN FORMAT=JSON {deletion}",)))

    assert re.search(f'"(key|index_name)": "{KEY_INDEX}"', plan)
    assert sorted(each["word"] for each in data(bench.rows(target, OF))) == ["new"] * 2 + ["old"] * 1999
