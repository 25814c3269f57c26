"""What parts of a stream's operations do besides, where temp is a load's. Opens no transaction; decides nothing."""

from attrs import evolve

from connectors.contract import Client
from connectors.contract.ledger import LedgerEntry
from dataflow.errors import InternalError
from dataflow.runtime.clock import Clock, milliseconds
from machines.loads import Files, Load, keeps_out, opened, written
from machines.refusals import files_were_loaded, load_is_open, shards_are_missing
from machines.stream import StreamLife


class LoadParts:
    """The ledger's tables of loads in the parts of a stream's operations, on one client."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._ledger = client.ledger
        self._clock = clock

    def expect_free(self, entry: LedgerEntry, life: StreamLife) -> None:
        """ConfigError while a load is open that is not this life's. One whose publication is decided is completed."""
        if keeps_out(_open(entry), life.load.id if life.load is not None else None):
            raise load_is_open(entry.table, self._ledger.shards(entry.table))

    def found(self, entry: LedgerEntry, life: StreamLife) -> tuple[str | None, Files | None]:
        """The load that is open on the table, and what the ledger says of this life's files; nothing for a sync."""
        if life.load is None:
            return None, None
        return _open(entry), life.load.found(self._ledger.files(entry.table, life.load.name))

    def opened(self, entry: LedgerEntry, life: StreamLife) -> LedgerEntry:
        """Write the shards of a load whose temp table is new, and reserve their raw ids."""
        if entry.load is None:
            return entry
        found = opened(_own(entry, life), entry.highest_raw_id, milliseconds(self._clock))
        self._ledger.open_shards(entry.table, found.shards)
        return evolve(entry, highest_raw_id=found.highest_raw_id)

    def expect_shards(self, entry: LedgerEntry, life: StreamLife) -> None:
        """Expect every shard of a load that is to be published.

        ConfigError when a shard is missing, or when another load has brought one of the files since it was planned.
        """
        if _open(entry) is None:
            return
        load, shards = _own(entry, life), self._ledger.shards(entry.table)
        if not shards or not written(shards) == len(shards) == len(load.specs):
            raise shards_are_missing(entry.table, shards)
        if load.found(self._ledger.files(entry.table, load.name)) is Files.LOADED_SINCE:
            raise files_were_loaded(life.stream.name, entry.table)

    def replaced(self, entry: LedgerEntry) -> None:
        """Forget the files of a table whose rows are to be replaced, by a sync or by a load of any name."""
        self._ledger.forget_files(entry.table)

    def added(self, entry: LedgerEntry, life: StreamLife) -> None:
        """Write down the files that a load brings which is to be published."""
        if _open(entry) is not None:
            load = _own(entry, life)
            self._ledger.add_files(entry.table, load.name, load.files)

    def ended(self, entry: LedgerEntry) -> None:
        """Forget the shards of a load that was published, or that is given up."""
        if entry.load is not None:
            self._ledger.forget_shards(entry.table)


def is_of(entry: LedgerEntry, life: StreamLife) -> bool:
    """Whether the temp table belongs to the load of this life."""
    return entry.load is not None and life.load is not None and entry.load.recipe.load == life.load.id


def _open(entry: LedgerEntry) -> str | None:
    """The load that takes shards."""
    found = entry.load
    return found.recipe.load if found is not None and found.publishing is None else None


def _own(entry: LedgerEntry, life: StreamLife) -> Load:
    if life.load is None or not is_of(entry, life):
        raise InternalError(
            f"An operation on the load of {entry.table} was asked for by a run that has another load, or none.",
            remedy="Nothing was changed. Report this, with the journal of this run.",
        )
    return life.load
