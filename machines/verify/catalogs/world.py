"""A moment of a history: the database, the runs, what the platform knows of each stream. Values only."""

from attrs import evolve, frozen

from dataflow.stream_tables import StreamTables
from dataflow.types import StreamName
from machines.verify.catalogs.database import Database, Record
from machines.verify.catalogs.scenarios import Selected, Selection
from machines.verify.catalogs.transactions import Caller
from machines.verify.decisions import Knowledge

# The fields of a record that must be found with it.
Due = tuple[Record, frozenset[str]]


@frozen(cache_hash=True)
class Progress:
    """How far a stream came: the items of its generation that a STATE was emitted after.

    `due`: the records under a STATE, each with those of its fields that no catalog has left out since.
    `complete`: a run of this generation ended with success.
    """

    generation: int = 1
    acknowledged: int = 0
    due: frozenset[Due] = frozenset()
    complete: bool = False


@frozen(cache_hash=True)
class Part:
    """One stream of a run: where its machine is, and the record that it brings."""

    selected: Selected
    tables: StreamTables
    knowledge: Knowledge
    state: str
    record: Record
    written: bool = False

    @property
    def over(self) -> bool:
        """Whether its machine has come to its end."""
        return self.state in ("done", "failed")


@frozen(cache_hash=True)
class Run:
    """One process. What it has named it does not name again."""

    number: int
    parts: tuple[Part, ...]

    def caller(self, part: Part) -> Caller:
        """The run, at work on one of its streams."""
        return Caller(self.number, part.tables, part.knowledge)


@frozen(cache_hash=True)
class World:
    """All of it. `ghost` is a run that has fallen silent to the platform. `left`: syncs, crashes and rivals still to
    come.
    """

    database: Database
    streams: tuple[tuple[StreamName, Progress], ...]
    syncs: int
    crashes: int
    rivals: int
    run: Run | None = None
    ghost: Run | None = None

    @property
    def quiet(self) -> bool:
        """Whether nothing runs."""
        return self.run is None and self.ghost is None

    def progress(self, stream: StreamName) -> Progress:
        """How far a stream came."""
        return next(progress for name, progress in self.streams if name == stream)

    def with_progress(self, stream: StreamName, progress: Progress) -> "World":
        """The world in which a stream has come so far."""
        streams = tuple((name, progress if name == stream else other) for name, other in self.streams)
        return evolve(self, streams=streams)


def first(everything: Selection, syncs: int, crashes: int, rivals: int) -> World:
    """Before anything was selected."""
    streams = tuple((each.stream, Progress()) for each in everything)
    return World(Database(), streams, syncs, crashes, rivals)


def narrowed(progress: Progress, fields: tuple[str, ...]) -> Progress:
    """The progress once a catalog has only these fields: values of others may go."""
    return evolve(progress, due=frozenset((record, due & set(fields)) for record, due in progress.due))
