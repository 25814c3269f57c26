"""Plays a story of `harness.cuts` on streams of its own, and says which law it broke. Knows no connector."""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count

from attrs import define, evolve, field

from connectors.contract import Atomic, Connector
from connectors.contract.ledger import LedgerEntry
from connectors.engine.sync.transactions import undone
from connectors.testkit.harness.cuts import (
    FLUSH,
    MORE,
    PRIOR,
    SENT,
    WAITING,
    Ear,
    Fault,
    Interruption,
    Source,
    Stage,
    Story,
)
from connectors.testkit.harness.destination import Destination
from connectors.testkit.harness.model import User, published
from connectors.testkit.harness.runs import Clients, open_clients
from dataflow.catalog import Strategy
from dataflow.errors import DataflowError
from dataflow.types import RAW_ID, TableName
from machines.operations import StreamOperation

# The id and the name of a user.
Pair = tuple[int, str]
# What replaces the final table, or adds to it all at once.
PUBLICATIONS = (StreamOperation.MERGE, StreamOperation.SWAP, StreamOperation.DEDUPE_AND_SWAP)
# Classes in which a merge of many rows may be seen half done.
IN_STEPS = (Atomic.STATEMENT,)
# The number of streams that one run plays.
TOGETHER = 16
# No operation has a request of this number.
BEYOND = 1_000_000


@define
class Theatre:
    """A connector whose requests are listened to.

    What nobody interrupts is played for several streams by one run, as a sync plays it. Clients are what costs.
    """

    destination: Destination
    connector: Connector
    ear: Ear
    acts: list["Act"] = field(factory=list)
    # The states from which another sync was played.
    _followed: set[Hashable] = field(factory=set)
    _streams: Iterator[int] = field(factory=lambda: count(1))

    @property
    def atomic(self) -> Atomic:
        """What the connector claims."""
        return self.connector.atomic

    def play(self, story: Story, fault: Fault) -> Iterator["Act"]:
        """The story to its end, interrupted at each request of its operation, and beyond the last of them."""

        def at(request: int) -> Sequence[Interruption]:
            return [Interruption(operation=story.operation, fault=fault, at=request)]

        return self._play(story, at)

    def play_completion(self, story: Story, begun: int) -> Iterator["Act"]:
        """The story, cut at the request `begun`; the run that completes what was begun is cut at each of its own."""

        def at(request: int) -> Sequence[Interruption]:
            return [
                Interruption(operation=story.operation, fault=Fault.CUT, at=begun),
                Interruption(operation=StreamOperation.COMPLETE, fault=Fault.CUT, at=request),
            ]

        return self._play(story, at)

    def requests(self, stories: Iterable[Story]) -> dict[str, list[str]]:
        """What is said of each story's operation in a run that nothing interrupts."""
        acts = [self.act(story) for story in stories]
        self.begin(acts)
        for act in acts:
            act.interrupt(Interruption(operation=act.story.operation, fault=Fault.LOST_ANSWER, at=BEYOND))
        return {str(act.story): act.interruptions[-1].seen for act in acts}

    def rows(self, table: TableName) -> Counter[Pair]:
        """The rows of a table; none where it is missing."""
        return self._read(table, self.destination.tables())

    def highest_raw_id(self, stream: str) -> str:
        """The highest raw id that is in any of the stream's tables; empty, if they have no rows."""
        tables = [table for table in self.destination.tables() if stream in table.name]
        ids = (str(row[RAW_ID]) for table in tables for row in self.destination.read(table))
        return max(ids, default="")

    def _play(self, story: Story, at: Callable[[int], Sequence[Interruption]]) -> Iterator["Act"]:
        # It is the first to be played, since it says how many requests there are.
        (whole,) = self._played(story, [at(BEYOND)])
        requests = range(1, len(whole.interruptions[-1].seen) + 1)
        for first in requests[::TOGETHER]:
            together = range(first, min(first + TOGETHER, requests.stop))
            yield from self._played(story, [at(request) for request in together])
        yield whole

    def _played(self, story: Story, interruptions: Sequence[Sequence[Interruption]]) -> list["Act"]:
        """An act for each of these, played to its end."""
        acts = [self.act(story) for _ in interruptions]
        self.begin(acts)
        for act, each in zip(acts, interruptions, strict=True):
            act.interrupt(*each)
        self._end(acts)
        self._follow(acts)
        return acts

    def act(self, story: Story) -> "Act":
        """The story, on a stream of its own whose name is no part of another's."""
        act = Act(self, story, Stage(self.connector, self.ear, f"cut_{next(self._streams):04}"))
        self.acts.append(act)
        return act

    def begin(self, acts: Sequence["Act"]) -> None:
        """Play them up to the runs that are to be interrupted."""
        given_up = [act for act in acts if act.story.before is not None]
        for begin, those in ((Act.begin, acts), (Act.give_up, given_up)):
            if those:
                with open_clients(self.connector) as clients:
                    for act in those:
                        begin(act, clients)

    def _end(self, acts: Sequence["Act"]) -> None:
        with open_clients(self.connector) as clients:
            for act in acts:
                act.end(clients)
        there, owners = self.destination.tables(), {act.final.name for act in self.acts}
        left = there - {act.final for act in self.acts}
        for act in acts:
            act.first = self._read(act.final, there)
            others = owners - {act.final.name}
            act.left = {table for table in left if not any(name in table.name for name in others)}

    def _follow(self, acts: Sequence["Act"]) -> None:
        """Another sync, once for each state that the acts left: of two that are alike, it would do the same."""
        with open_clients(self.connector) as clients:
            client = clients.starter.client
            with undone(client):
                entries = {entry.table: entry for entry in client.ledger.entries()}
            unlike = {}
            for act in acts:
                state = _lasting(entries.get(act.final)), frozenset(act.first.items())
                if state not in self._followed:
                    self._followed.add(state)
                    unlike[act.final] = act
            for act in unlike.values():
                act.follow(clients)
        there = self.destination.tables() if unlike else set()
        for act in unlike.values():
            act.then = self._read(act.final, there)

    def _read(self, table: TableName, there: Collection[TableName]) -> Counter[Pair]:
        if table not in there:
            return Counter()
        return Counter((row["id"], row["name"]) for row in self.destination.read(table))


@define
class Act:
    """A story on one stage, from its interruption to its end."""

    theatre: Theatre
    story: Story
    stage: Stage
    before: Source = field(factory=lambda: Source(WAITING, lag=1))
    source: Source = field()
    # What interrupted its runs, in their order.
    interruptions: Sequence[Interruption] = ()
    # The final table as a reader found it when the run was interrupted; not looked at where anything may be seen.
    seen: Counter[Pair] | None = None
    # The same once the story was played to its end, with the tables that were left over; and once another sync
    # followed, if none had from the same state.
    first: Counter[Pair] = field(factory=Counter)
    left: set[TableName] = field(factory=set)
    then: Counter[Pair] | None = None
    # What was sent by the interruption and covered by no STATE: it may be durable, and is sent again.
    unsure: Counter[Pair] = field(factory=Counter)
    # Raw ids after a flush that was interrupted: the highest of any row, if the claim that took the stream up was given
    # a lower one. Its run may write that raw id again.
    given_again: str | None = None
    # Whether the run that took the stream up found a publication begun.
    begun: bool = False
    # Why the interrupted run failed, if it did: an answer that was lost is no reason to. And a sync after it.
    failure: DataflowError | None = None
    later_failure: DataflowError | None = None

    @source.default
    def _sends(self) -> Source:
        return Source(SENT, lag=1 if self.story.gives_up else 0)

    @property
    def final(self) -> TableName:
        """The final table."""
        return self.stage.final

    @property
    def at(self) -> int:
        """The number of the request at which its last interruption was to strike."""
        return self.interruptions[-1].at

    @property
    def where(self) -> str:
        """The request at which it struck, in words."""
        last = self.interruptions[-1]
        return f"request {last.at} ({last.struck})" if last.struck else "what comes after its last request"

    def begin(self, clients: Clients) -> None:
        """The sync that made the final table."""
        self.stage.play(Source(PRIOR), Strategy.APPEND, 1, clients=clients)

    def give_up(self, clients: Clients) -> None:
        """The run before the one that is interrupted, if the story has one."""
        if (before := self.story.before) is not None:
            self.stage.play(self.before, before, self.story.generation_before, gives_up=True, clients=clients)

    def interrupt(self, first: Interruption, *more: Interruption) -> None:
        """The story's sync, and those that take it up, each ended by an interruption."""
        self.interruptions = (first, *more)
        try:
            self._sync(interruption=first, gives_up=self.story.gives_up)
        except DataflowError as error:
            self.failure = error
        if self.story.operation in PUBLICATIONS and self.theatre.atomic not in IN_STEPS:
            self.seen = self.theatre.rows(self.final)
        self.unsure = _pairs(self.source.records[self.source.acknowledged : self.source.flushed])
        for interruption in more:
            self._take_up(interruption=interruption)

    def end(self, clients: Clients) -> None:
        """The story's sync once more where its source has more to send, by a run that nothing interrupts."""
        if self.interruptions[-1].gone or self.source.acknowledged < len(SENT):
            flushed = self.story.operation == FLUSH
            highest = self.theatre.highest_raw_id(self.stage.stream) if flushed else ""
            self._later(lambda: self._take_up(clients=clients))
            if highest > (self.stage.highest_raw_id or ""):
                self.given_again = highest
            self.begun = self.stage.begun is not None

    def follow(self, clients: Clients) -> None:
        """The sync after it."""
        story = self.story
        self._later(lambda: self.stage.play(Source(MORE), story.strategy, story.generation, clients=clients))

    def broken(self) -> dict[str, object]:
        """What is wrong once the story was played to its end, each with what shows it; nothing, if all is well."""
        story = self.story
        if self.failure is not None:
            return {"the run fails": self.failure}
        if self.later_failure is not None:
            return {"a later sync fails": self.later_failure}
        expected = story.expected(PRIOR, self.before, SENT)
        following = published(expected, story.strategy.incremental, MORE)
        may_be_twice = Counter[Pair]() if story.strategy.dedupes else self.unsure
        then = _pairs(following) if self.then is None else self.then
        found = {
            "records are lost": _pairs(expected) - self.first,
            "records are there twice": self.first - _pairs(expected) - may_be_twice,
            "records are lost by the next sync": _pairs(following) - then,
            "records are there twice after the next sync": then - _pairs(following) - may_be_twice,
            "a reader saw something between old and new": self.seen
            if self.seen not in (None, _pairs(PRIOR), _pairs(expected))
            else None,
            "a raw id may be given again": self.given_again,
            "tables are left over": self.left,
        }
        return {wrong: what for wrong, what in found.items() if what}

    def _sync(
        self, interruption: Interruption | None, clients: Clients | None = None, *, gives_up: bool = False
    ) -> None:
        story = self.story
        self.stage.play(
            self.source,
            story.strategy,
            story.generation,
            gives_up=gives_up,
            interruption=interruption,
            clients=clients,
        )

    def _take_up(self, interruption: Interruption | None = None, clients: Clients | None = None) -> None:
        """Another run, which goes on after the last STATE."""
        self.source.lag = 0
        self._sync(interruption, clients)

    def _later(self, play: Callable[[], None]) -> None:
        """What comes after the interruption, unless something failed already."""
        if self.failure is None and self.later_failure is None:
            try:
                play()
            except DataflowError as error:
                self.later_failure = error


@contextmanager
def theatre(destination: Destination) -> Iterator[Theatre]:
    """The theatre of a destination, with its namespaces and its ledger made."""
    ear = Ear()
    with closing(destination.connector(requests=ear)) as connector:
        with closing(connector.client()) as client, client.transaction():
            for namespace in (connector.default_namespace, connector.internal_namespace):
                client.create_namespace(namespace)
            client.ledger.prepare()
        yield Theatre(destination, connector, ear)


def _lasting(entry: LedgerEntry | None) -> LedgerEntry | None:
    """What of an entry decides what a later run does; not whose it is, nor what only grows."""
    if entry is None:
        return None
    return evolve(
        entry.without_temp() if entry.temp is None else entry,
        table=TableName("", ""),
        stream=None,
        epoch=0,
        owner="",
        last_flush=0,
        highest_raw_id=None,
    )


def _pairs(users: Iterable[User]) -> Counter[Pair]:
    return Counter((user.id, user.name) for user in users)
