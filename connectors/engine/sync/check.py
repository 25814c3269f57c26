"""Whether a sync could work: its whole cycle on a table of the check's own, in the real schemas. Keeps none of it.

All happens through the operations of a sync. If one commit holds everything, they are one transaction, which is rolled
back: what fails or is killed leaves nothing behind either, not even a schema. That a rollback undoes a table is tried
before it. Elsewhere each step is a transaction of its own. The tables are dropped in the end, and those of a check that
was killed by the next one; the ledger's rows are written only where a rollback takes them back. There the schemas stay,
and the ledger's tables, which hold nothing of the check.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from typing import Any, cast

import numpy as np
import pyarrow as pa
from attrs import frozen

from connectors.contract import Client, ClientOfParts, Connector, InsertBuffer
from connectors.contract.journal import Transition
from connectors.contract.ledger import LedgerEntry
from connectors.engine.sync.members import expect_members
from connectors.engine.sync.temp_tables import expect_room
from connectors.engine.sync.transactions import RetryPolicy, Transactions, undone
from connectors.engine.sync.undoing import expect_undone
from dataflow.batch import extracted_at, rows_of, with_raw_ids
from dataflow.catalog import Strategy
from dataflow.errors import InternalError
from dataflow.evolution import TableSchema, diff
from dataflow.names import TOKEN_DIGITS, opened_name, temp_name
from dataflow.raw_ids import RawIds
from dataflow.runtime.clock import milliseconds
from dataflow.runtime.randomness import token
from dataflow.shape import Shape
from dataflow.types import INTEGER, STRING, Column, StreamName, TableName
from dataflow.values.coercion import column
from machines.flushes import FlushRow
from machines.operations import Recipe
from machines.parts import Atomic

DOING = "checking the connection"
LOST = "Failed to insert expected rows into check table."
# A check's tables begin with it, and a token; with what follows in the name of a temp table, they have 58 characters.
MARK, TOKEN = "_airbyte_check_", 8
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
    name = f"{MARK}{token(runtime.randomness, TOKEN)}"
    with closing(transactions.client) as client:
        expect_members(connector, client)
        final = TableName(connector.default_namespace, name)
        transactions.outside(DOING, lambda: client.lock(final, run))
        raw_ids = RawIds(runtime.clock, runtime.randomness)
        trial = _TrialSync(connector, client, connector.insert_buffer(client), final, run, raw_ids)
        transactions.outside(DOING, lambda: expect_undone(connector, client))
        everything = connector.atomic is Atomic.EVERYTHING
        transactions.outside(DOING, trial.perform_and_undo if everything else trial.perform_and_drop)


@frozen
class _TrialSync:
    _connector: Connector
    _client: Client
    _buffer: InsertBuffer
    _final: TableName
    _run: str
    _raw_ids: RawIds

    def perform_and_undo(self) -> None:
        """The cycle, in a transaction that is rolled back."""
        with undone(self._client):
            self._perform(TableName(self._final.namespace, f"{self._final.name}_tmp"))
            self._client.drop_table(self._final)

    def perform_and_drop(self) -> None:
        """The cycle in transactions of its own, without what a killed check has left, and what it leaves itself."""
        self._drop_abandoned()
        try:
            self._perform(self._opened())
        except BaseException:
            # Why it failed is what matters. What cannot be dropped now is dropped by the next check.
            with suppress(Exception):
                self._drop_own()
            raise
        self._drop_own()

    def _perform(self, temp: TableName) -> None:
        self._set_up()
        self._load()
        self._evolve()
        self._merge(temp)
        self._swap(temp)

    def _commit(self) -> AbstractContextManager[None]:
        """A transaction, unless all is one."""
        whole = self._connector.atomic is Atomic.EVERYTHING
        return nullcontext() if whole else self._client.transaction()

    def _opened(self) -> TableName:
        """A temp table's name as a sync would give it, which shows one that is published for the first time."""
        rules = self._connector.columns.naming
        opening = f"1_{token(self._connector.runtime.randomness, TOKEN_DIGITS)}"
        name = opened_name(temp_name(StreamName(None, self._final.name), rules), opening, rules)
        return TableName(self._final.namespace, name)

    def _drop_own(self) -> None:
        self._drop(lambda final: final == self._final)

    def _drop_abandoned(self) -> None:
        """What no check works on: a killed one has left it."""
        with self._client.transaction():
            self._client.create_namespace(self._final.namespace)
        self._drop(lambda final: self._client.writer(final) is None)

    def _drop(self, which: Callable[[TableName], bool]) -> None:
        """Drop the tables of the checks whose final table is such a one."""
        with self._client.transaction():
            found = [(each, _final_of(each)) for each in self._client.tables_named(MARK)]
            dropped = [each for each, final in found if final is not None and which(final)]
        for table in dropped:
            with self._client.transaction():
                self._client.drop_table(table)

    def _set_up(self) -> None:
        client = self._client
        for namespace in (self._final.namespace, self._connector.internal_namespace):
            with self._commit():
                client.create_namespace(namespace)
        with self._commit():
            client.ledger.prepare()
        if self._connector.atomic is Atomic.EVERYTHING:
            self._write_ledger()
            client.journal.prepare()
            self._write_journal()
            return
        with self._commit():
            client.journal.prepare()
        if self._connector.atomic is not Atomic.STATEMENT:
            with undone(client):
                self._write_ledger()
            with undone(client):
                self._write_journal()

    def _write_ledger(self) -> None:
        ledger = self._client.ledger
        ledger.save(LedgerEntry(table=self._final, epoch=1, owner=self._run))
        ledger.share(self._final)
        ledger.flushed(self._final, FlushRow(epoch=1, number=1))
        ledger.hold(self._final)

    def _write_journal(self) -> None:
        journal = self._client.journal
        journal.append([_transition(self._run, self._connector.runtime.clock.now())])
        journal.forget(0.0)

    def _load(self) -> None:
        with self._commit():
            self._client.create_table(self._final, BEFORE, ())
        self._insert(self._final, BEFORE, [(1, 10, "old"), (2, 20, "old")])
        self._expect(2, LOST)

    def _evolve(self) -> None:
        kinds = self._connector.columns
        expected = TableSchema({each.name: kinds.column_type(each.kind) for each in AFTER})
        with self._commit():
            changeset = diff(self._client.discover_schema(self._final), expected)
        with self._commit():
            self._client.apply_changeset(self._final, changeset)
        self._expect(2, "Rows were lost when the check table was changed.")

    def _merge(self, temp: TableName) -> None:
        self._fill(temp)
        if self._connector.atomic is not Atomic.EVERYTHING:
            with self._commit():
                cast("ClientOfParts", self._client).prepare_merge(self._final, RECIPE.primary_key)
        with self._commit():
            self._client.merge_table(temp, self._final, RECIPE)
        self._expect(3, "Rows of one key were not merged in the check table.")

    def _swap(self, temp: TableName) -> None:
        if self._connector.atomic is not Atomic.EVERYTHING:
            # A temp table is published once.
            temp = self._opened()
            self._fill(temp)
        with self._commit():
            self._client.dedupe_table(temp, RECIPE)
        with self._commit():
            self._client.overwrite_table(temp, self._final)
        self._expect(2, "The check table was not replaced.")

    def _fill(self, temp: TableName) -> None:
        with self._commit():
            self._client.create_table(temp, AFTER, ())
        self._insert(temp, AFTER, [(2, "twenty", "new"), (3, "thirty", "new")])

    def _insert(self, table: TableName, columns: tuple[Column, ...], rows: Sequence[tuple[Any, ...]]) -> None:
        batch = _batch(self._connector, self._raw_ids, columns, rows)
        with self._commit():
            _equal(self._buffer.insert(table, columns, [batch]), len(rows), LOST)

    def _expect(self, rows: int, otherwise: str) -> None:
        with self._commit():
            _equal(self._client.count_rows(self._final), rows, otherwise)


def _final_of(table: TableName) -> TableName | None:
    """The final table of the check that a table is of; None for any other table."""
    found = re.match(rf"{MARK}[0-9a-f]{{{TOKEN}}}", table.name)
    return TableName(table.namespace, found[0]) if found else None


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
