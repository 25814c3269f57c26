"""A load: rows that come in shards, which any process may write. What it is, what its ledger rows say, and what follows
from them. Pure: it reads no ledger and writes none.

A load is open from the commit that makes its temp table to the one that decides its publication. It belongs to no
process. Each shard's rows and its row in the ledger are one commit, so the ledger alone says which shards are there.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from uuid import UUID

from attrs import frozen

# The bits of a raw id that follow its milliseconds.
BELOW_MILLISECONDS = 80


@frozen(kw_only=True)
class ShardRow:
    """A shard as the ledger has it. `number` counts the shards of its load from 0, in the order of the files.

    `spec` says what to read. `millisecond` is the time in the raw ids of its rows, and does not depend on the process
    that writes them. `rows` is how many rows it has; None until they are durable.
    """

    load: str
    number: int
    spec: str
    millisecond: int
    rows: int | None = None


@frozen(kw_only=True)
class LoadedFile:
    """A file whose rows are in the final table, or in a publication that was decided. `load` brought them."""

    uri: str
    size: int
    etag: str
    load: str


class Wish(StrEnum):
    """What is wanted of a load: its rows in the final table, or that it is given up."""

    LOAD = "load"
    GIVE_UP = "give_up"


class Files(StrEnum):
    """What the ledger says of a load's files when the table is claimed."""

    # As they were when the load was planned.
    AS_PLANNED = "as_planned"
    # This load was published.
    PUBLISHED = "published"
    # Another load has published some of them since.
    LOADED_SINCE = "loaded_since"


@frozen(kw_only=True)
class Load:
    """A load as a process wants it.

    `id` is the same in each process that plans a load of the same stream, files and cuts. The ledger knows its files
    under `name`. `files` are those that it brings. `known` are those of them that the ledger knew when it was planned,
    and that it brings again. `specs` say what to read for each shard, in the order of the files. Files decide nothing
    where the load `replaces` the table.
    """

    id: str
    name: str = ""
    files: tuple[LoadedFile, ...] = ()
    known: frozenset[LoadedFile] = frozenset()
    specs: tuple[str, ...] = ()
    replaces: bool = False
    wish: Wish = Wish.LOAD

    def found(self, known: Iterable[LoadedFile]) -> Files:
        """What follows from the files that the ledger knows under this load's name.

        A load that brings no file, since all are known, is published.
        """
        if self.replaces:
            return Files.AS_PLANNED
        own = {file.uri for file in self.files}
        now = frozenset(file for file in known if file.uri in own)
        if len(now) == len(own) and all(file.load == self.id for file in now):
            return Files.PUBLISHED
        return Files.AS_PLANNED if now == self.known else Files.LOADED_SINCE


@frozen(kw_only=True)
class Opened:
    """The shards of a load as it is opened, and a highest raw id that no row of theirs goes beyond."""

    shards: tuple[ShardRow, ...]
    highest_raw_id: str


def opened(load: Load, highest_raw_id: str | None, now: int) -> Opened:
    """The shards of a load that is opened at this moment, in milliseconds since 1970.

    Each has a millisecond of its own, above all raw ids that were given before: raw ids order rows as the files do.
    """
    # What numbers rows computes, and `spec` and a dry run need it not.
    from dataflow.raw_ids import first_at

    given = (UUID(highest_raw_id).int >> BELOW_MILLISECONDS) + 1 if highest_raw_id is not None else 0
    first = max(now, given)
    shards = tuple(
        ShardRow(load=load.id, number=number, spec=spec, millisecond=first + number)
        for number, spec in enumerate(load.specs)
    )
    return Opened(shards=shards, highest_raw_id=first_at(first + len(shards)))


def written(shards: Sequence[ShardRow]) -> int:
    """How many of the shards are durable."""
    return sum(shard.rows is not None for shard in shards)


def keeps_out(opened: str | None, own: str | None) -> bool:
    """Whether the load that is open on a table refuses a claim. `own` is the load of the life that claims."""
    return opened is not None and opened != own
