"""Plays a story of `harness.cuts` on streams of its own, and says which law it broke. Knows no connector."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import count

from attrs import define, field

from connectors.contract import Atomic, Connector
from connectors.testkit.harness.cuts import (
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
from dataflow.catalog import Strategy
from dataflow.errors import DataflowError
from dataflow.types import TableName
from machines.operations import StreamOperation

# The id and the name of a user.
Pair = tuple[int, str]
# What replaces the final table, or adds to it all at once.
PUBLICATIONS = (StreamOperation.MERGE, StreamOperation.SWAP, StreamOperation.DEDUPE_AND_SWAP)
# Classes in which a merge of many rows may be seen half done.
IN_STEPS = (Atomic.STATEMENT,)


@define
class Theatre:
    """A connector whose requests are listened to."""

    destination: Destination
    connector: Connector
    ear: Ear
    finals: set[TableName] = field(factory=set)
    _streams: Iterator[int] = field(factory=lambda: count(1))

    @property
    def atomic(self) -> Atomic:
        """What the connector claims."""
        return self.connector.atomic

    def play(self, story: Story, interruption: Interruption) -> "Act":
        """The story on a stream of its own, up to where its run is interrupted, or to the run's end."""
        stage = Stage(self.connector, self.ear, f"cut_{next(self._streams)}")
        act = Act(self, story, stage)
        stage.play(Source(PRIOR), Strategy.APPEND, 1)
        self.finals.add(stage.final)
        if story.before is not None:
            stage.play(act.before, story.before, story.generation_before, gives_up=True)
        try:
            stage.play(
                act.source,
                story.strategy,
                story.generation,
                gives_up=story.gives_up,
                interruption=interruption,
            )
        except DataflowError as error:
            act.failure = error
        act.interrupted()
        return act

    def requests(self, story: Story) -> list[str]:
        """What is said of the operation's requests in a run that nothing interrupts."""
        heard = Interruption(operation=story.operation, fault=Fault.LOST_ANSWER, at=0)
        self.play(story, heard)
        return heard.seen

    def begins_at(self, story: Story) -> int | None:
        """The first request at which a cut leaves a publication that the next claim finds begun, if there is one."""
        for at in count(1):
            cut = Interruption(operation=story.operation, fault=Fault.CUT, at=at)
            act = self.play(story, cut)
            act.again()
            if act.stage.begun is not None:
                return at
            if not cut.struck:
                return None
        return None

    def rows(self, table: TableName) -> Counter[Pair]:
        """The rows of a table; none where it is missing."""
        if table not in self.destination.tables():
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
    # The final table as a reader found it when the run was interrupted.
    seen: Counter[Pair] = field(factory=Counter)
    # What was sent by then and covered by no STATE: it may be durable, and is sent again.
    unsure: Counter[Pair] = field(factory=Counter)
    # Why the run failed, if it did: an answer that was lost is no reason to.
    failure: DataflowError | None = None

    @source.default
    def _sends(self) -> Source:
        return Source(SENT, lag=1 if self.story.gives_up else 0)

    def interrupted(self) -> None:
        """Look at what the run left."""
        self.seen = self.theatre.rows(self.stage.final)
        self.unsure = _pairs(self.source.records[self.source.acknowledged : self.source.flushed])

    def again(self, interruption: Interruption | None = None) -> None:
        """The story's sync once more, by another run, which goes on after the last STATE."""
        self.source.lag = 0
        self.stage.play(self.source, self.story.strategy, self.story.generation, interruption=interruption)

    def broken(self) -> dict[str, object]:
        """What is wrong once the story was played to its end, each with what shows it; nothing, if all is well."""
        story = self.story
        if self.failure is not None:
            return {"the run fails": self.failure}
        expected = story.expected(PRIOR, self.before, SENT)
        following = published(expected, story.strategy.incremental, MORE)
        try:
            if self.stage.cut or self.source.acknowledged < len(SENT):
                self.again()
            first = self._final_rows()
            self.stage.play(Source(MORE), story.strategy, story.generation)
            then = self._final_rows()
        except DataflowError as error:
            return {"a later sync fails": error}
        may_be_twice = Counter[Pair]() if story.strategy.dedupes else self.unsure
        found = {
            "records are lost": _pairs(expected) - first,
            "records are there twice": first - _pairs(expected) - may_be_twice,
            "records are lost by the next sync": _pairs(following) - then,
            "records are there twice after the next sync": then - _pairs(following) - may_be_twice,
            "a reader saw something between old and new": self.seen
            if self._is_seen_half_done(expected)
            else None,
            "tables are left over": self.theatre.destination.tables() - self.theatre.finals,
        }
        return {wrong: what for wrong, what in found.items() if what}

    def _final_rows(self) -> Counter[Pair]:
        return self.theatre.rows(self.stage.final)

    def _is_seen_half_done(self, expected: Iterable[User]) -> bool:
        """Whether a reader saw neither the old table nor the new one when the run was interrupted."""
        if self.story.operation not in PUBLICATIONS or self.theatre.atomic in IN_STEPS:
            return False
        return self.seen not in (_pairs(PRIOR), _pairs(expected))


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


def _pairs(users: Iterable[User]) -> Counter[Pair]:
    return Counter((user.id, user.name) for user in users)
