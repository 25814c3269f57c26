"""What the parts of an operation do to a load's shards and files on the abstract database. Decides nothing."""

from collections.abc import Iterator

from machines.loads import LoadedFile
from machines.verify.database import Database, Known, Shard
from machines.verify.requests import Request, ShardsMissing
from machines.verify.rules import Kind, Rule
from machines.verify.values import evolve


def opened(database: Database) -> str | None:
    """The load that is open, as the ledger says."""
    entry = database.entry
    return entry.recipe.load if entry.recipe is not None and entry.publishing is None else None


def files_of(known: tuple[Known, ...]) -> Iterator[LoadedFile]:
    """The ledger's rows of files."""
    return (file_of(item, by) for item, by in known)


def file_of(item: int, by: str) -> LoadedFile:
    """A file and the load that brings it."""
    return LoadedFile(uri=str(item), size=0, etag="", load=by)


class Shards:
    """The performer of what parts do for a load, on a kind of database."""

    kind: Kind

    def with_shards(self, database: Database, request: Request) -> Database:
        """The shards of a load, none of them there, with raw ids that nothing has."""
        of, load = request.wishes.sync, request.wishes.load
        if load is None:
            return database
        first = database.entry.highest_raw_id + 1
        shards = tuple(
            Shard(load.id, item, first + number) for number, item in enumerate(range(of.start, of.until))
        )
        entry = database.entry
        if self.kind.keeps(Rule.RESERVE_SHARDS_IDS):
            entry = evolve(entry, highest_raw_id=first + len(shards) - 1)
        return evolve(database, shards=shards, entry=entry)

    def without_shards(self, database: Database) -> Database:
        """The database that knows of no shards."""
        if not database.shards or not self.kind.keeps(Rule.FORGET_THE_SHARDS):
            return database
        return evolve(database, shards=())

    def counted(self, database: Database) -> None:
        """Raise ShardsMissing if temp is a load's whose rows are not all there."""
        recipe = database.entry.recipe
        if recipe is None or recipe.load is None or not self.kind.keeps(Rule.COUNT_THE_SHARDS):
            return
        if not database.shards or not all(shard.done for shard in database.shards):
            raise ShardsMissing("shards are missing")

    def with_files(self, database: Database, request: Request, *, at_end: bool = False) -> Database:
        """The database that knows the files of the load that is published. `at_end`: of its publication."""
        load, of = request.wishes.load, request.wishes.sync
        if load is None or at_end is self.kind.keeps(Rule.FILES_WITH_THE_DECISION):
            return database
        # A load settles what a sync has left, too.
        if database.entry.recipe is None or database.entry.recipe.load != load.id:
            return database
        own = dict.fromkeys(range(of.start, of.until), load.id)
        before = {} if load.replaces else dict(database.files)
        return evolve(database, files=tuple(sorted((before | own).items())))
