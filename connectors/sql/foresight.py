"""What a dry run foresees: a client of the contract whose changes are not sent, and what they would have changed.

Knows the contract alone: a client that is not a `SqlClient` may be rehearsed with it, if it notes its statements and
answers its questions about tables by the same `Foresight`. What only the database would find out about a statement,
such as a constraint that forbids it, is not foreseen here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Protocol

from attrs import define, evolve, field, frozen

from connectors.contract import Client, ColumnUtils, Recipe, Statement, Statistics
from connectors.contract.ledger import Ledger, LedgerEntry, Owner
from connectors.sql.refusals import in_use
from dataflow.evolution import ColumnChangeset, TableSchema
from dataflow.stream_tables import OwnedTable
from dataflow.types import Column, StreamName, TableName
from machines.flushes import FlushRow
from machines.loads import LoadedFile, ShardRow


@frozen
class Foreseen:
    """A table as it would be by now. `made`: the rehearsal made it, so the database knows nothing of it."""

    schema: TableSchema
    empty: bool
    made: bool = False


@define
class Foresight:
    """What all clients of one rehearsal would have changed, and the receiver of their statements.

    `tables` has the tables that were changed; None for one that is no more.
    """

    note: Callable[[Statement], None]
    namespaces: frozenset[str] = frozenset()
    tables: dict[TableName, Foreseen | None] = field(factory=dict)

    def made(self, table: TableName) -> bool:
        """Whether the rehearsal made the table."""
        foreseen = self.tables.get(table)
        return foreseen is not None and foreseen.made

    @contextmanager
    def undone_if_it_fails(self) -> Iterator[None]:
        """Forget on an exception what was foreseen inside."""
        namespaces, tables = self.namespaces, dict(self.tables)
        try:
            yield
        except BaseException:
            self.namespaces, self.tables = namespaces, tables
            raise


class Rehearsable(Client, Protocol):
    """A client that can be rehearsed."""

    def holds_rows_up_to(self, table: TableName, raw_id: str) -> bool:
        """Whether an existing table holds a row whose raw id is not above this one."""
        ...


class RehearsedLedger:
    """The ledger as it is, read without locking it; there need be none. Keeps nothing that is saved."""

    def __init__(self, real: Ledger) -> None:
        self._real = real

    def prepare(self) -> None:
        """Note what would prepare it."""
        self._real.prepare()

    def hold(self, table: TableName) -> LedgerEntry | None:
        """The entry of the table."""
        return self._as_it_is.get(table)

    def share(self, table: TableName) -> Owner | None:
        """The owner of the table's entry."""
        entry = self.hold(table)
        return entry.shared if entry else None

    def flushed(self, table: TableName, row: FlushRow[str]) -> bool:
        """Nothing is kept: a rehearsal inserts no rows."""
        return True

    def save(self, entry: LedgerEntry) -> None:
        """Nothing is kept: the dry run itself knows what it saved."""

    def like(self, table: TableName, stream: StreamName) -> Sequence[OwnedTable]:
        """None: nobody else is kept from the ledger meanwhile, so the answer would not last."""
        return ()

    def entries(self) -> Sequence[LedgerEntry]:
        """All entries."""
        return self._real.entries()

    def prepare_loads(self) -> None:
        """Note what would prepare them."""
        self._real.prepare_loads()

    def open_shards(self, table: TableName, shards: Sequence[ShardRow]) -> None:
        """Nothing is kept, as above."""

    def shards(self, table: TableName) -> Sequence[ShardRow]:
        """Those that there are."""
        return self._real.shards(table)

    def take_shard(self, table: TableName, load: str, number: int) -> ShardRow | None:
        """None: a rehearsal inserts no rows."""
        return None

    def end_shard(self, table: TableName, load: str, number: int, rows: int) -> None:
        """Nothing is kept, likewise."""

    def forget_shards(self, table: TableName) -> None:
        """Nothing is kept, as above."""

    def files(self, table: TableName, name: str) -> Sequence[LoadedFile]:
        """Those that there are."""
        return self._real.files(table, name)

    def add_files(self, table: TableName, name: str, files: Sequence[LoadedFile]) -> None:
        """Nothing is kept, as above."""

    def forget_files(self, table: TableName) -> None:
        """Nothing is kept, as above."""

    @cached_property
    def _as_it_is(self) -> Mapping[TableName, LedgerEntry]:
        return {entry.table: entry for entry in self._real.entries()}


class RehearsedClient:
    """A client whose changes are only foreseen. What is not here is the real one's.

    `real` sends no change, and answers its own questions by the same foresight.
    """

    def __init__(self, real: Rehearsable, foresight: Foresight, columns: ColumnUtils) -> None:
        self._real = real
        self._foresight = foresight
        self._columns = columns
        self.ledger = RehearsedLedger(real.ledger)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is foreseen inside is undone with it."""
        with self._real.transaction(), self._foresight.undone_if_it_fails():
            yield

    def lock(self, table: TableName, owner: str) -> None:
        """Refuse if a live run holds the lock, and take none."""
        holder = self._real.writer(table)
        if holder is not None and not holder.gone:
            raise in_use(table, holder.run)

    def statistics(self, table: TableName) -> Statistics:
        """Nothing is known of a table that was made here."""
        return Statistics() if self._foresight.made(table) else self._real.statistics(table)

    def has_lost_value(self, table: TableName, column: Column) -> bool:
        """A table that was made here holds no value."""
        return not self._foresight.made(table) and self._real.has_lost_value(table, column)

    # -- what changes

    def create_namespace(self, namespace: str) -> None:
        """It exists from now on."""
        self._real.create_namespace(namespace)
        self._foresight.namespaces |= {namespace}

    def create_table(self, table: TableName, columns: Sequence[Column], primary_key: Sequence[str]) -> None:
        """It exists from now on, and is empty."""
        self._real.create_table(table, columns, primary_key)
        types = {each.name: self._columns.column_type(each.kind) for each in columns}
        self._foresight.tables[table] = Foreseen(TableSchema(types), empty=True, made=True)

    def drop_table(self, table: TableName) -> None:
        """It is no more."""
        self._real.drop_table(table)
        self._foresight.tables[table] = None

    def trim_table(self, table: TableName, after: str | None) -> int:
        """It is empty unless it holds rows up to that one."""
        deleted = self._real.trim_table(table, after)
        kept = (
            after is not None
            and not self._real.table_is_empty(table)
            and self._real.holds_rows_up_to(table, after)
        )
        self._foresee(table, empty=not kept)
        return deleted

    def copy_table(self, source: TableName, target: TableName, columns: Sequence[Column]) -> int:
        """The target is empty only if both were."""
        copied = self._real.copy_table(source, target, columns)
        self._foresee(target, empty=self._are_empty(source, target))
        return copied

    def merge_table(self, source: TableName, target: TableName, recipe: Recipe) -> None:
        """The target is empty only if both were."""
        self._real.merge_table(source, target, recipe)
        self._foresee(target, empty=self._are_empty(source, target))

    def overwrite_table(self, source: TableName, target: TableName) -> str:
        """The target has the source's columns and rows; the source is no more."""
        moved = Foreseen(self._real.discover_schema(source), empty=self._real.table_is_empty(source))
        way = self._real.overwrite_table(source, target)
        self._foresight.tables |= {target: moved, source: None}
        return way

    def complete_metadata(self, table: TableName) -> Sequence[str]:
        """It has all columns of metadata."""
        added = self._real.complete_metadata(table)
        if added:
            self._foresee(table)
        return added

    def apply_changeset(self, table: TableName, changeset: ColumnChangeset) -> None:
        """It has the columns that the changeset asks for."""
        now = self._real.discover_schema(table).columns
        columns = {name: kind for name, kind in now.items() if name not in changeset.drop}
        columns |= {name: change.new for name, change in changeset.change.items()} | dict(changeset.add)
        self._real.apply_changeset(table, changeset)
        self._foresee(table, schema=TableSchema(columns))

    def _are_empty(self, *tables: TableName) -> bool:
        return all(map(self._real.table_is_empty, tables))

    def _foresee(self, table: TableName, **changes: Any) -> None:
        now = self._foresight.tables.get(table) or Foreseen(
            self._real.discover_schema(table), empty=self._real.table_is_empty(table)
        )
        self._foresight.tables[table] = evolve(now, **changes)
