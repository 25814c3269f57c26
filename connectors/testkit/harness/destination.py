"""What a suite must know of the destination under test, and the bench its tests work on. Holds no test."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

import pytest
from attrs import evolve, frozen

from connectors.contract import Client, Connector, Definition, InsertBuffer
from connectors.engine.sync.transactions import undone
from connectors.testkit.harness.rows import Row, Rows, batch, plain
from dataflow.runtime import SYSTEM
from dataflow.runtime.requests import UNWATCHED, Requests
from dataflow.types import Column, TableName

S = TypeVar("S", bound=type)


@frozen(kw_only=True)
class Capabilities:
    """What not every destination can. A test that needs more than there is does not run, and is listed."""

    # Can hold tables that this connector did not make.
    foreign_tables: bool = True
    # Numbers have a fixed count of digits, as `Limits.number` says; else they keep every digit.
    fixed_decimals: bool = True
    # Takes the files that records refer to, beside the records.
    file_transfer: bool = False
    # Keeps its ledger in a table of the internal namespace, where a person can reach it.
    ledger_table: bool = True
    # Can be looked at while a run works on it.
    concurrent: bool = True
    # Undoes changes of tables with their transaction. One that does not must not claim `Atomic.EVERYTHING`.
    undoes_tables: bool = True
    # Makes rows and the ledger durable together, so that loads can be written in shards (`Atomic`: everything, rows).
    loads: bool = True


def needs(**capabilities: bool) -> pytest.MarkDecorator:
    """Marks a test that is meant for destinations with these capabilities."""
    return pytest.mark.needs(**capabilities)


def each_needs(**capabilities: bool) -> Callable[[S], S]:
    """Marks every test of a suite so. A mark on the class itself would be one on all that derives from it."""

    def marked(suite: S) -> S:
        for name, test in vars(suite).items():
            if name.startswith("test_"):
                needs(**capabilities)(test)
        return suite

    return marked


@frozen(kw_only=True)
class Destination:
    """A destination under test, empty, and how to look into it past its connector.

    `options` configure it to remove rows that a CDC record deletes, and `soft_delete` are those that differ when
    it is to keep them. `read` gives a table's committed rows by column name: text as str, numbers as int or
    Decimal, moments as the classes of datetime (a time with a zone may be text), JSON as its text.
    `tables` lists every table outside of the connector's internal namespace. `make_foreign` makes a
    table with one text column `whatever`, as nobody of ours would; `make_view` makes a view of a name, on no table; and
    `drop_columns` takes columns from a table, which an older destination would not have made. `read_file` gives a
    transferred file by its path.
    """

    definition: Definition
    options: Mapping[str, Any]
    soft_delete: Mapping[str, Any]
    read: Callable[[TableName], list[dict[str, Any]]]
    tables: Callable[[], set[TableName]]
    make_foreign: Callable[[TableName], None] | None = None
    make_view: Callable[[TableName], None] | None = None
    drop_columns: Callable[[TableName, Sequence[str]], None] | None = None
    read_file: Callable[[str], bytes] | None = None

    def connector(self, run: str = "kit", *, soft: bool = False, requests: Requests = UNWATCHED) -> Connector:
        """A connector for it, whose requests are listened to."""
        options = {**self.options, **(self.soft_delete if soft else {})}
        return self.definition.connector(options, run, evolve(SYSTEM, requests=requests))


class Suite:
    """A class of tests over the fixture `destination`, which a subclass or its module gives."""

    capabilities: ClassVar[Capabilities] = Capabilities()

    @pytest.fixture
    def bench(self, destination: Destination) -> Iterator["Bench"]:
        """Two clients on the destination, with its namespaces and its ledger made."""
        with open_bench(destination) as bench:
            yield bench


@frozen
class Bench:
    """A connector with an open client, and the few words tests of tables are made of. Each is one transaction."""

    destination: Destination
    connector: Connector
    client: Client
    buffer: InsertBuffer

    def table(self, name: str) -> TableName:
        """A table in the connector's default namespace."""
        return TableName(self.connector.default_namespace, name)

    def make(
        self, table: TableName, columns: tuple[Column, ...], *rows: Row, key: tuple[str, ...] = ()
    ) -> None:
        """Create a table that holds these rows."""
        with self.client.transaction():
            self.client.create_table(table, columns, key)
            self.insert(table, columns, *rows)

    def insert(self, table: TableName, columns: tuple[Column, ...], *rows: Row) -> None:
        """Append rows, within the caller's transaction."""
        if rows:
            self.buffer.insert(table, columns, [batch(columns, rows, self.connector.columns.limits)])

    @contextmanager
    def undone(self) -> Iterator[None]:
        """A transaction that is rolled back when all of its work is done."""
        with undone(self.client):
            yield

    def rows(self, table: TableName, columns: tuple[Column, ...]) -> Rows:
        """The committed rows, in the order of their raw ids."""
        return plain(self.destination.read(table), columns)


@contextmanager
def open_bench(destination: Destination, *, soft: bool = False) -> Iterator[Bench]:
    """A bench whose connector is closed when the test is over."""
    connector = destination.connector(soft=soft)
    client = connector.client()
    try:
        with client.transaction():
            for namespace in (connector.default_namespace, connector.internal_namespace):
                client.create_namespace(namespace)
            client.ledger.prepare()
        yield Bench(destination, connector, client, connector.insert_buffer(client))
    finally:
        client.close()
        connector.close()
