"""The real operations on a memory database that is an abstract one: what the search supposes, beside what is done."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from connectors.contract.ledger import LedgerEntry
from connectors.engine.sync.operations import Claim, StreamOperations
from connectors.engine.sync.transactions import RetryPolicy, Transactions
from connectors.memory import DEFINITION
from connectors.memory.client import MemoryClient
from connectors.memory.connector import DATABASES
from connectors.memory.database import Content, Table
from dataflow.errors import DataflowError
from dataflow.evolution import ColumnType
from dataflow.flush import Flush
from dataflow.runtime import SYSTEM
from dataflow.stream_tables import OwnedColumn
from dataflow.types import EXTRACTED_AT, RAW_ID, Column, TableName
from machines.flushes import FlushRow
from machines.operations import Answer, Facts, StreamOperation, TempFacts
from machines.parts import Atomic
from machines.stream import StreamLife
from machines.verify import database as abstract
from machines.verify.decisions import Knowledge
from machines.verify.requests import Flush as AbstractFlush
from machines.verify.scenarios import EVOLVED, FINAL, STREAM, TEMP

OWNER = "the run"
# A connector of the kit reads metadata columns of a table by these names; their values are of no account here.
Records = Mapping[str, abstract.Record]


class Buffer:
    """Takes rows as they are, where a connector's takes Arrow batches of them."""

    def __init__(self, client: MemoryClient) -> None:
        self._client = client

    def insert(self, table: TableName, columns: Sequence[Column], batches: Sequence[Any]) -> int:
        self._client.replace(table, (*self._client.rows(table), *batches))
        return len(batches)


class RealOperations:
    """A run that claimed an abstract database, performing for real."""

    def __init__(self, database: abstract.Database, epoch: int, knowledge: Knowledge) -> None:
        name = uuid4().hex
        connector = DEFINITION.connector({"database": name}, OWNER, SYSTEM)
        self._records = {row.raw_id: row.record for row in database.rows}
        self._memory = DATABASES.pop(name)
        self._memory.content = _content(database)
        self._transactions = Transactions(connector, RetryPolicy(attempts=1, first_wait=0), lambda *_: None)
        self._operations = StreamOperations(connector, self._transactions, OWNER)
        self._operations._claim = Claim(FINAL, epoch, OWNER)
        self._operations._flushed = {
            *range(1, database.entry.last_flush + 1),
            *(row.number for row in database.flushes),
        }
        self._life = StreamLife(knowledge.sync.stream, knowledge.sync.tables, atomic=Atomic.EVERYTHING)
        self._life.learn(Answer(facts=knowledge.facts))

    def perform(
        self, operation: StreamOperation
    ) -> tuple[abstract.Database, Facts | None, TempFacts | None] | None:
        """What the operation left and found, None when it was refused."""
        try:
            answer = self._operations.perform(operation, self._life)
        except DataflowError:
            return None
        return self._abstracted(), answer.facts, answer.left

    def insert(self, flush: AbstractFlush) -> abstract.Database | None:
        """What the flush left, None when it was refused."""
        self._records |= {row.raw_id: row.record for row in flush.rows}
        real = Flush(
            stream=STREAM,
            number=flush.number,
            batches=tuple(map(_row, flush.rows)),
            rows=len(flush.rows),
            size=0,
            held=0,
            highest_raw_id=_text(flush.highest_raw_id),
            checkpoint=_text(flush.checkpoint),
            position=0,
        )
        client = self._transactions.client
        assert isinstance(client, MemoryClient)
        try:
            self._operations.insert(self._transactions, Buffer(client), self._life, real)
        except DataflowError:
            return None
        return self._abstracted()

    def _abstracted(self) -> abstract.Database:
        content = self._memory.content
        entry = content.ledger[FINAL].with_flushes(content.flushes.get(FINAL, ()))
        assert (entry.temp is None) == (entry.recipe is None)
        return abstract.Database(
            final=self._table(content.tables.get(FINAL)),
            temp=self._table(content.tables.get(TEMP)),
            entry=abstract.Entry(
                epoch=entry.epoch,
                recipe=entry.recipe,
                last_flush=entry.last_flush,
                checkpoint=_number(entry.checkpoint),
                highest_raw_id=_number(entry.highest_raw_id) or 0,
                finalised=entry.finalised,
            ),
        )

    def _table(self, table: Table | None) -> abstract.Table | None:
        if table is None:
            return None
        ids = (int(row[RAW_ID]) for row in table.rows)
        rows = tuple(abstract.Row(raw_id, self._records[raw_id]) for raw_id in ids)
        return abstract.Table(tuple(table.columns), abstract.in_order(rows))


def _content(database: abstract.Database) -> Content:
    tables = {FINAL: database.final, TEMP: database.temp}
    entry = database.entry
    return Content(
        tables={name: _real(table) for name, table in tables.items() if table is not None},
        ledger={
            FINAL: LedgerEntry(
                table=FINAL,
                epoch=entry.epoch,
                owner=OWNER,
                columns=tuple(OwnedColumn(field=name, name=name) for name in EVOLVED),
                temp=TEMP if entry.recipe is not None else None,
                recipe=entry.recipe,
                last_flush=entry.last_flush,
                checkpoint=_text(entry.checkpoint),
                highest_raw_id=_text(entry.highest_raw_id or None),
                finalised=entry.finalised,
            )
        },
        flushes={FINAL: tuple(map(_flush_row, database.flushes))},
    )


def _flush_row(row: FlushRow[int]) -> FlushRow[str]:
    return FlushRow(
        epoch=row.epoch,
        number=row.number,
        rows=row.rows,
        checkpoint=_text(row.checkpoint),
        highest_raw_id=_text(row.highest_raw_id),
    )


def _real(table: abstract.Table) -> Table:
    return Table({name: ColumnType("integer") for name in table.columns}, tuple(map(_row, table.rows)))


def _row(row: abstract.Row) -> Mapping[str, Any]:
    fields = {"id": row.record.id, "other": row.record.other, "updated": row.record.updated}
    return {RAW_ID: _text(row.raw_id), EXTRACTED_AT: 0, "added": None, **fields}


def _text(raw_id: int | None) -> str | None:
    """A raw id as a text that sorts as the number does."""
    return None if raw_id is None else f"{raw_id:06}"


def _number(raw_id: str | None) -> int | None:
    return None if raw_id is None else int(raw_id)
