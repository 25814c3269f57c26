"""Whether a sync could work: its whole cycle on a table of the check's own, in the real schemas. Keeps none of it.

All happens through the operations of a sync and in one transaction, which is rolled back: what fails or is killed
leaves nothing behind either, not even a schema. That a rollback undoes a table is tried before it.
"""

from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any

import numpy as np
import pyarrow as pa
from attrs import frozen

from connectors.contract import Client, Connector, InsertBuffer
from connectors.contract.journal import Transition
from connectors.contract.ledger import LedgerEntry
from connectors.engine.sync.temp_tables import expect_room
from connectors.engine.sync.transactions import RetryPolicy, Transactions
from connectors.engine.sync.undoing import expect_undone
from dataflow.batch import extracted_at, rows_of, with_raw_ids
from dataflow.catalog import Strategy
from dataflow.errors import InternalError
from dataflow.evolution import TableSchema, diff
from dataflow.raw_ids import RawIds
from dataflow.runtime.clock import milliseconds
from dataflow.runtime.randomness import token
from dataflow.shape import Shape
from dataflow.types import INTEGER, STRING, Column, StreamName, TableName
from dataflow.values.coercion import column
from machines.flushes import FlushRow
from machines.operations import Recipe

DOING = "checking the connection"
LOST = "Failed to insert expected rows into check table."
KEY = Column("test_key", "test_key", INTEGER)
# What the table has at first, and what it is changed to: a column of another type, one more, and one less.
BEFORE = (KEY, Column("test_value", "test_value", INTEGER), Column("test_old", "test_old", STRING))
AFTER = (KEY, Column("test_value", "test_value", STRING), Column("test_new", "test_new", STRING))
RECIPE = Recipe(strategy=Strategy.DEDUP, generation_id=0, primary_key=(KEY.name,), cursor=None, columns=AFTER)


def check_connector(connector: Connector, run: str) -> None:
    """Do what a sync does. Raises the DataflowError that a sync would end with."""
    expect_room(connector)
    transactions = Transactions(connector, RetryPolicy(attempts=2), lambda *_: None)
    runtime = connector.runtime
    name = f"_airbyte_connection_test_{token(runtime.randomness, 8)}"
    with closing(transactions.client) as client:
        final = TableName(connector.default_namespace, name)
        transactions.outside(DOING, lambda: client.lock(final, run))
        raw_ids = RawIds(runtime.clock, runtime.randomness)
        trial = _TrialSync(connector, client, connector.insert_buffer(client), final, run, raw_ids)
        transactions.outside(DOING, lambda: expect_undone(connector, client))
        transactions.outside(DOING, trial.perform)


class _AllWentWell(Exception):
    """Rolls the transaction back."""


@frozen
class _TrialSync:
    _connector: Connector
    _client: Client
    _buffer: InsertBuffer
    _final: TableName
    _run: str
    _raw_ids: RawIds

    @property
    def _temp(self) -> TableName:
        return TableName(self._final.namespace, f"{self._final.name}_tmp")

    def perform(self) -> None:
        """The cycle, undone."""
        with suppress(_AllWentWell), self._client.transaction():
            self._set_up()
            self._load()
            self._evolve()
            self._merge()
            self._swap()
            self._client.drop_table(self._final)
            raise _AllWentWell

    def _set_up(self) -> None:
        client = self._client
        for namespace in (self._final.namespace, self._connector.internal_namespace):
            client.create_namespace(namespace)
        client.ledger.prepare()
        client.ledger.save(LedgerEntry(table=self._final, epoch=1, owner=self._run))
        client.ledger.share(self._final)
        client.ledger.flushed(self._final, FlushRow(epoch=1, number=1))
        client.ledger.hold(self._final)
        client.journal.prepare()
        client.journal.append([_transition(self._run, self._connector.runtime.clock.now())])
        client.journal.forget(0.0)

    def _load(self) -> None:
        self._client.create_table(self._final, BEFORE, ())
        self._insert(self._final, BEFORE, [(1, 10, "old"), (2, 20, "old")])
        self._expect(2, LOST)

    def _evolve(self) -> None:
        kinds = self._connector.columns
        expected = TableSchema({each.name: kinds.column_type(each.kind) for each in AFTER})
        self._client.apply_changeset(self._final, diff(self._client.discover_schema(self._final), expected))
        self._expect(2, "Rows were lost when the check table was changed.")

    def _merge(self) -> None:
        self._client.create_table(self._temp, AFTER, ())
        self._insert(self._temp, AFTER, [(2, "twenty", "new"), (3, "thirty", "new")])
        self._client.merge_table(self._temp, self._final, RECIPE)
        self._expect(3, "Rows of one key were not merged in the check table.")

    def _swap(self) -> None:
        self._client.dedupe_table(self._temp, RECIPE)
        self._client.overwrite_table(self._temp, self._final)
        self._expect(2, "The check table was not replaced.")

    def _insert(self, table: TableName, columns: tuple[Column, ...], rows: Sequence[tuple[Any, ...]]) -> None:
        batch = _batch(self._connector, self._raw_ids, columns, rows)
        _equal(self._buffer.insert(table, columns, [batch]), len(rows), LOST)

    def _expect(self, rows: int, otherwise: str) -> None:
        _equal(self._client.count_rows(self._final), rows, otherwise)


def _equal(found: int, expected: int, otherwise: str) -> None:
    if found != expected:
        raise InternalError(
            f"{otherwise} Expected: {expected}. Actual written: {found}.",
            doing=DOING,
            remedy="Nothing of the check was kept. Report this to this destination's maintainer.",
        )


def _batch(
    connector: Connector, raw_ids: RawIds, columns: tuple[Column, ...], rows: Sequence[tuple[Any, ...]]
) -> pa.RecordBatch:
    name, limits = StreamName(None, "check"), connector.columns.limits
    shape = Shape(name=name, columns=columns, limits=limits, generation_id=0, sync_id=0)
    cells = [column(of.type, [row[index] for row in rows], limits).array for index, of in enumerate(columns)]
    now = np.full(len(rows), milliseconds(connector.runtime.clock), np.int64)
    return with_raw_ids(rows_of(shape, extracted_at(now), cells), shape, raw_ids).rows


def _transition(run: str, now: float) -> Transition:
    states = {"machine": "check", "from": "idle", "event": "check", "to": "idle"}
    return Transition(1, {**states, "run": run, "at": now})
