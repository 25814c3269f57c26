"""Loads of users, and workers that write their shards: what processes may do to a table, one after the other.

Asserts nothing, and knows no connector.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any
from uuid import UUID

import pyarrow as pa
from attrs import evolve, frozen

from connectors.contract import Client, Connector
from connectors.contract.ledger import LedgerEntry
from connectors.engine.load.worker import Reader, Written, write_shard
from connectors.engine.sync.faults import SHARD, Strike, no_fault
from connectors.engine.sync.transactions import Transactions
from connectors.testkit.harness.cuts import Cut, Ear, Fault, Interruption
from connectors.testkit.harness.destination import Destination
from connectors.testkit.harness.rows import T1, Row, batch, plain, row
from connectors.testkit.harness.runs import AT_ONCE, USERS, Run, open_run
from dataflow.catalog import Strategy
from dataflow.types import EXTRACTED_AT, GENERATION_ID, META, RAW_ID, TableName
from machines.loads import Load, LoadedFile, ShardRow
from machines.operations import StreamOperation

O = StreamOperation  # noqa: E741 - as in the suites
NAME = "users"
# The id and the name of a user; a shard is made of them.
Pair = tuple[int, str]
Shards = Sequence[Sequence[Pair]]
# How the temp table of each kind of load is published. A load that replaces a table dedupes nothing.
PUBLISH = {Strategy.APPEND: O.MERGE, Strategy.DEDUP: O.MERGE, Strategy.APPEND_TRUNCATE: O.SWAP}
SHARDS: tuple[tuple[Pair, ...], ...] = (
    ((1, "a"), (2, "b"), (3, "c")),
    ((2, "b again"),),
    ((4, "d"), (4, "e")),
)
FIRST, IN_ORDER = list(SHARDS[0]), [pair for shard in SHARDS for pair in shard]
PRIOR: list[Pair] = [(1, "prior"), (9, "prior")]
# What each kind of load leaves of the prior rows and its own, in the order of their raw ids.
LEFT: dict[Strategy, list[Pair]] = {
    Strategy.APPEND: [*PRIOR, *IN_ORDER],
    Strategy.DEDUP: [(9, "prior"), (1, "a"), (3, "c"), (2, "b again"), (4, "e")],
    Strategy.APPEND_TRUNCATE: IN_ORDER,
}


def file(uri: str, load: str, *, size: int = 1, etag: str = "a") -> LoadedFile:
    """A file of a load."""
    return LoadedFile(uri=uri, size=size, etag=etag, load=load)


FILES = tuple(file(f"{number}.ndjson", "one") for number in range(len(SHARDS)))


def load_of(shards: Shards, strategy: Strategy, load: str, known: Sequence[LoadedFile] = ()) -> Load:
    """A load of these shards, with a file of its own for each."""
    return Load(
        id=load,
        name=NAME,
        files=tuple(file(f"{number}.ndjson", load) for number in range(len(shards))),
        known=frozenset(known),
        specs=tuple(json.dumps(list(shard)) for shard in shards),
        replaces=strategy.truncates,
    )


@frozen(kw_only=True)
class LoadStage:
    """A table into which users are loaded, in the same way by each process."""

    destination: Destination
    connector: Connector
    client: Client
    ear: Ear
    shards: Shards = SHARDS
    strategy: Strategy = Strategy.APPEND
    load: str = "one"
    stream: str = "users"
    known: tuple[LoadedFile, ...] = ()

    @property
    def table(self) -> TableName:
        """The final table."""
        return TableName(self.connector.default_namespace, self.stream)

    @property
    def tables(self) -> set[TableName]:
        """All tables of the stream that there are."""
        return {table for table in self.destination.tables() if self.stream in table.name}

    @contextmanager
    def coordinator(self, run: str = "coordinator") -> Iterator[Run]:
        """A run of the load."""
        load = load_of(self.shards, self.strategy, self.load, self.known)
        with open_run(self.connector, self.strategy, run=run, stream=self.stream, load=load) as coordinator:
            yield coordinator

    def fill(self) -> None:
        """Have a sync fill the table with the prior rows."""
        rows = [row(number, id=id_, name=name) for number, (id_, name) in enumerate(PRIOR, 1)]
        with open_run(self.connector, Strategy.APPEND, run="before", stream=self.stream) as run:
            run.do(O.CLAIM, O.INSPECT, O.OPEN_FINAL, run.flush(1, *rows))

    def open(self) -> None:
        """Have a coordinator open the load, and end."""
        with self.coordinator() as run:
            run.do(O.CLAIM, O.INSPECT, O.OPEN_TEMP)

    def publish(self) -> None:
        """Have another coordinator adopt and publish it."""
        with self.coordinator("publisher") as run:
            run.do(O.CLAIM, O.INSPECT, O.RESUME_TEMP, PUBLISH[self.strategy])

    def discard(self) -> None:
        """Have another coordinator give it up."""
        with self.coordinator("given up") as run:
            run.do(O.CLAIM, O.INSPECT, O.DISCARD)

    def write(self, *numbers: int, read: Reader | None = None, strike: Strike = no_fault) -> Written:
        """Have a worker write these shards, on a client of its own; what came of the last."""
        read = read or self.reader()
        transactions = Transactions(self.connector, AT_ONCE, lambda *_: None)
        with closing(transactions.client) as client:
            buffer = self.connector.insert_buffer(client)
            for number in numbers:
                written = write_shard(transactions, buffer, self.table, self.load, number, read, strike)
        return written

    def interrupted(self, number: int, fault: Fault, at: int) -> Interruption:
        """Have a worker write a shard that is interrupted at a request; what was seen of its requests."""
        read = self.reader()
        self.ear.to = interruption = Interruption(operation=SHARD, fault=fault, at=at)
        try:
            with interruption.watching(SHARD):
                self.write(number, read=read)
        except Cut:
            pass
        finally:
            self.ear.to = None
        return interruption

    def reader(self) -> Reader:
        """Reads the users of a shard's spec, a few rows at a time."""
        recipe, limits = self.entry().recipe, self.connector.columns.limits
        generation = recipe.generation_id if recipe is not None else 0

        def read(shard: ShardRow) -> Iterator[Sequence[pa.RecordBatch]]:
            users = json.loads(shard.spec)
            rows = [_row(shard, number, generation, *user) for number, user in enumerate(users)]
            for begin in range(0, len(rows), 2):
                yield [batch(USERS, rows[begin : begin + 2], limits)]

        return read

    # -- what there is

    def rows(self) -> list[Pair]:
        """The users of the final table, in the order of their raw ids."""
        return self._pairs(self.table)

    def waiting(self) -> list[Pair]:
        """The users of the temp table, likewise."""
        temp = self.entry().temp
        return self._pairs(temp) if temp is not None else []

    def entry(self) -> LedgerEntry:
        """The table's entry."""
        with closing(self.connector.client()) as client, client.transaction():
            found = {entry.table: entry for entry in client.ledger.entries()}
        return found[self.table]

    def shard_rows(self) -> list[int | None]:
        """How many rows each shard has; none of a load that is not open."""
        with self.client.transaction():
            return [shard.rows for shard in self.client.ledger.shards(self.table)]

    def files(self, name: str = NAME) -> tuple[LoadedFile, ...]:
        """The files of a name that are known."""
        with self.client.transaction():
            return tuple(self.client.ledger.files(self.table, name))

    def add_files(self, *files: LoadedFile, name: str = NAME) -> None:
        """Have these files be known."""
        with self.client.transaction():
            self.client.ledger.hold(self.table)
            self.client.ledger.add_files(self.table, name, files)

    def everything(self) -> Mapping[str, Any]:
        """All of that, but for whose the last claim was."""
        return {
            "tables": {str(table): self._pairs(table) for table in self.tables},
            "entry": evolve(self.entry(), epoch=0, owner=""),
            "shards": self.shard_rows(),
            "files": self.files(),
        }

    def _pairs(self, table: TableName) -> list[Pair]:
        rows: list[Row] = list(self.destination.read(table)) if table in self.destination.tables() else []
        return [(row["id"], row["name"]) for row in plain(rows, USERS)]


def _row(shard: ShardRow, number: int, generation: int, id_: int, name: str) -> Row:
    return {
        RAW_ID: str(UUID(int=shard.millisecond << 80 | 7 << 76 | 2 << 62 | number)),
        EXTRACTED_AT: T1,
        META: {},
        GENERATION_ID: generation,
        "id": id_,
        "name": name,
    }


@contextmanager
def load_stage(destination: Destination) -> Iterator[LoadStage]:
    """The stage of a destination, with its namespaces and its ledger made."""
    ear = Ear()
    with closing(destination.connector(requests=ear)) as connector, closing(connector.client()) as client:
        with client.transaction():
            for namespace in (connector.default_namespace, connector.internal_namespace):
                client.create_namespace(namespace)
            client.ledger.prepare()
            client.ledger.prepare_loads()
        yield LoadStage(destination=destination, connector=connector, client=client, ear=ear)
