"""The ledger's side tables of loads, of a memory database."""

from collections.abc import Sequence

from attrs import evolve

from connectors.contract import LoadedFile, ShardRow
from connectors.memory.database import Content, Session
from dataflow.types import TableName


class MemoryLoads:
    """The part of a ledger that is about loads, in the transactions of one client."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def prepare_loads(self) -> None:
        """A memory database is made with them."""

    def open_shards(self, table: TableName, shards: Sequence[ShardRow]) -> None:
        """Keep these."""
        ordered = sorted(shards, key=lambda each: each.number)
        self._session.change(lambda content: _with_shards(content, table, tuple(ordered)))

    def shards(self, table: TableName) -> Sequence[ShardRow]:
        """All there are of the table."""
        return self._session.content.shards.get(table, ())

    def take_shard(self, table: TableName, load: str, number: int) -> ShardRow | None:
        """The shard. What locks it is the transaction's class."""
        found = (each for each in self.shards(table) if (each.load, each.number) == (load, number))
        return next(found, None)

    def end_shard(self, table: TableName, load: str, number: int, rows: int) -> None:
        """Keep the number of its rows."""

        def end(content: Content) -> Content:
            ended = (
                evolve(each, rows=rows) if (each.load, each.number) == (load, number) else each
                for each in content.shards[table]
            )
            return _with_shards(content, table, tuple(ended))

        self._session.change(end)

    def forget_shards(self, table: TableName) -> None:
        """Keep none."""
        self._session.change(lambda content: _with_shards(content, table, ()))

    def files(self, table: TableName, name: str) -> Sequence[LoadedFile]:
        """Those of the name."""
        known = self._session.content.files.get((table, name), {})
        return [known[uri] for uri in sorted(known)]

    def add_files(self, table: TableName, name: str, files: Sequence[LoadedFile]) -> None:
        """Keep these beside the others, or in the place of one of the same URI."""

        def add(content: Content) -> Content:
            known = content.files.get((table, name), {}) | {file.uri: file for file in files}
            return evolve(content, files={**content.files, (table, name): known})

        self._session.change(add)

    def forget_files(self, table: TableName) -> None:
        """Keep none of the table."""
        self._session.change(
            lambda content: evolve(
                content, files={key: files for key, files in content.files.items() if key[0] != table}
            )
        )


def _with_shards(content: Content, table: TableName, shards: tuple[ShardRow, ...]) -> Content:
    return evolve(content, shards={**content.shards, table: shards})
