"""The ledger of a rehearsal: what was saved in it, over what there is. Writes nothing."""

from collections.abc import Sequence

from attrs import evolve, field, frozen

from connectors.contract.ledger import Ledger, LedgerEntry, Owner
from dataflow.stream_tables import OwnedTable
from dataflow.types import StreamName, TableName
from machines.flushes import FlushRow
from machines.loads import LoadedFile, ShardRow


@frozen
class Saved:
    """What all clients of one rehearsal saved."""

    entries: dict[TableName, LedgerEntry] = field(factory=dict)
    shards: dict[TableName, Sequence[ShardRow]] = field(factory=dict)


class WatchedLedger:
    """The ledger, with what the rehearsal saved in it."""

    def __init__(self, real: Ledger, saved: Saved) -> None:
        self._real = real
        self._saved = saved

    def prepare(self) -> None:
        """As the real one."""
        self._real.prepare()

    def hold(self, table: TableName) -> LedgerEntry | None:
        """What was saved, or what there was."""
        return self._saved.entries.get(table) or self._real.hold(table)

    def share(self, table: TableName) -> Owner | None:
        """As the real one: a rehearsal writes no rows."""
        return self._real.share(table)

    def flushed(self, table: TableName, row: FlushRow[str]) -> bool:
        """As the real one, likewise."""
        return self._real.flushed(table, row)

    def save(self, entry: LedgerEntry) -> None:
        """For this rehearsal alone."""
        self._saved.entries[entry.table] = entry

    def like(self, table: TableName, stream: StreamName) -> Sequence[OwnedTable]:
        """None: a rehearsal has just looked, and locks nothing."""
        return ()

    def entries(self) -> Sequence[LedgerEntry]:
        """As there were."""
        return self._real.entries()

    def prepare_loads(self) -> None:
        """As the real one."""
        self._real.prepare_loads()

    def open_shards(self, table: TableName, shards: Sequence[ShardRow]) -> None:
        """For this rehearsal alone, as if each had been written, without rows: a rehearsal writes none."""
        self._saved.shards[table] = [evolve(shard, rows=0) for shard in shards]

    def shards(self, table: TableName) -> Sequence[ShardRow]:
        """What was opened, or what there was."""
        return self._saved.shards[table] if table in self._saved.shards else self._real.shards(table)

    def take_shard(self, table: TableName, load: str, number: int) -> ShardRow | None:
        """As the real one."""
        return self._real.take_shard(table, load, number)

    def end_shard(self, table: TableName, load: str, number: int, rows: int) -> None:
        """As the real one."""
        self._real.end_shard(table, load, number, rows)

    def forget_shards(self, table: TableName) -> None:
        """For this rehearsal alone."""
        self._saved.shards[table] = []

    def files(self, table: TableName, name: str) -> Sequence[LoadedFile]:
        """As there were."""
        return self._real.files(table, name)

    def add_files(self, table: TableName, name: str, files: Sequence[LoadedFile]) -> None:
        """As the real one, which keeps nothing."""
        self._real.add_files(table, name, files)

    def forget_files(self, table: TableName) -> None:
        """As the real one, likewise."""
        self._real.forget_files(table)
