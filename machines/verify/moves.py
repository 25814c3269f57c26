"""What a run may come to next, with the database as it is: it goes on, or something befalls it. Judges nothing.

It depends on the run and on the database alone, and not on what was asked for before, so each is found out once.
Reading is no move of its own, since nobody sees it: a run flushes what it read up to some item, or ends. What a run
holds in memory is lost with it.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from attrs import frozen

from machines.operations import StreamOperation
from machines.verify.database import Database, Record
from machines.verify.decisions import Decisions, Knowledge
from machines.verify.flushing import flush_of, name_of
from machines.verify.transactions import FencedOff, Flush, Operations, Performed, Refused
from machines.verify.values import Interned
from machines.verify.world import GHOST, RUN, Run, claimed, counted, learned, moved, owned, struck, written

FLUSH, EXIT = "flush", "exit"
FIRST_EPOCH = 1
SWAPS = (StreamOperation.SWAP, StreamOperation.DEDUPE_AND_SWAP)
LATE = tuple(operation for operation in StreamOperation if operation is not StreamOperation.CLAIM)


@frozen(eq=False)
class News(metaclass=Interned):
    """What a move changes of a sync's progress: items that were sent or acknowledged, whether it was published or has
    ended with success. `brought` are the records that a flush made durable.
    """

    sent: int = 0
    acknowledged: int = 0
    published: bool = False
    complete: bool = False
    brought: tuple[Record, ...] = ()


NOTHING = News()


@frozen(eq=False)
class Move:
    """What is committed then, where the run is (None when it is gone), and what is known of its sync.

    `befell` names the operation that a disturbance struck, empty when all went well. `fences`: no other run changes
    anything from now on. `piece`: a flush of less than the whole that is left.
    """

    label: str
    database: Database
    run: Run | None
    news: News = NOTHING
    befell: str = ""
    fences: bool = False
    piece: bool = False


@frozen(eq=False)
class Heard:
    """The answer of an attempt has reached the run. `covered`: the item up to which a STATE may be emitted."""

    database: Database
    run: Run
    covered: int = 0


@frozen(eq=False)
class Attempt:
    """An operation or a flush of a run: what it commits to a database, and what an answer means to the run.

    `until`: the item that a flush reaches.
    """

    name: str
    act: Callable[[Database], Performed]
    heard: Callable[[Database, Performed], Heard]
    operation: str
    until: int = 0


class Moves:
    """What the runs of a search may come to."""

    def __init__(self, decisions: Decisions, operations: Operations) -> None:
        self._decisions = decisions
        self._operations = operations
        self._known: dict[tuple[Database, str, Run], tuple[Move, ...]] = {}
        self._performed: dict[tuple[StreamOperation, Database, int, Knowledge], Performed | Refused] = {}

    def of(self, database: Database, slot: str, run: Run) -> tuple[Move, ...]:
        """Everything that a run may come to next. In the ghost's place nobody hears it, and nothing befalls it any
        further.
        """
        asked = (database, slot, run)
        known = self._known.get(asked)
        if known is None:
            known = self._known[asked] = tuple(self._of(database, slot, run))
        return known

    def late(self, database: Database, run: Run) -> Iterator[tuple[str, Database]]:
        """What transactions of a run that claimed before this one, of whatever kind, do when they come through late."""
        if run.epoch <= FIRST_EPOCH:
            return
        older, known = run.epoch - 1, run.knowledge
        for operation in LATE:
            with suppress(Refused):
                yield operation, self._operations.perform(operation, database, older, known).databases[-1]
        flush = flush_of(written(run, run.at, 0), known.sync.until)
        with suppress(Refused):
            yield FLUSH, self._operations.insert(database, older, known, flush)

    def _of(self, database: Database, slot: str, run: Run) -> Iterator[Move]:
        operation = self._decisions.operation(run.state)
        if operation is not None:
            yield from self.attempted(database, slot, run, self._performance(database, run, operation))
        elif run.state == "writing":
            yield from self._writes(database, slot, run)
        else:
            yield from self._exits(database, slot, run)

    def _writes(self, database: Database, slot: str, run: Run) -> Iterator[Move]:
        end = run.knowledge.sync.until
        for until in range(run.at + 1, end + 1):
            yield from self.attempted(database, slot, run, self._flushing(run, until))
        if run.at == end:
            yield Move("COMPLETE", database, self._sent(slot, run, "completed"))
        if slot == RUN:
            ended = self._sent(slot, struck(run), "ended")
            yield Move("the input ends without COMPLETE", database, ended, befell=FLUSH)

    def _exits(self, database: Database, slot: str, run: Run) -> Iterator[Move]:
        if slot == GHOST or run.state != "done":
            yield Move("the run ends", database, None)
            return
        yield Move("the run ends with success", database, None, News(complete=True))
        yield Move("killed before it ends with success", database, None, befell=EXIT)

    # -- an attempt, and what may befall it

    def attempted(self, database: Database, slot: str, run: Run, attempt: Attempt) -> Iterator[Move]:
        """Every outcome of an attempt."""
        try:
            performed = attempt.act(database)
        except Refused as refusal:
            errored = self._errored(slot, run, disturbed=isinstance(refusal, FencedOff))
            yield Move(f"{attempt.name}: {refusal}", database, errored)
            return
        news = self._news(database, performed.databases[-1], run, attempt)
        yield self._heard(attempt.name, slot, attempt, performed, news)
        if slot == RUN:
            yield Move(f"{attempt.name}: killed before it", database, None, befell=attempt.operation)
            errored = self._errored(slot, run)
            yield Move(f"{attempt.name}: an error", database, errored, befell=attempt.operation)
            for done in performed.databases:
                if done is not database:
                    news = self._news(database, done, run, attempt)
                    yield from self._answerless(done, run, attempt, news)

    def _answerless(self, done: Database, run: Run, attempt: Attempt, news: News) -> Iterator[Move]:
        """A transaction was done, and its answer does not reach the run."""
        name, struck_at, fences = attempt.name, attempt.operation, _fences(attempt)
        yield Move(f"{name}: killed after it", done, None, news, struck_at, fences)
        errored = self._errored(RUN, run)
        yield Move(f"{name}: done, but its answer is lost for good", done, errored, news, struck_at, fences)
        label = f"{name}: done, its answer lost, tried again"
        try:
            performed = attempt.act(done)
        except Refused:
            # A refusal now would be our own fault.
            errored = self._errored(RUN, run, disturbed=False)
            yield Move(label, done, errored, news, struck_at, fences)
            return
        yield self._heard(label, RUN, attempt, performed, news, befell=struck_at)

    def _heard(
        self, label: str, slot: str, attempt: Attempt, performed: Performed, news: News, befell: str = ""
    ) -> Move:
        heard = attempt.heard(performed.databases[-1], performed)
        run = self._sent(slot, heard.run, "flushed" if attempt.until else "succeeded")
        told = 0 if slot == GHOST else heard.covered
        news = News(news.sent, told, news.published, news.complete, news.brought)
        piece = 0 < attempt.until < heard.run.knowledge.sync.until
        return Move(label, heard.database, run, news, befell, _fences(attempt), piece)

    def _news(self, before: Database, after: Database, run: Run, attempt: Attempt) -> News:
        """What is known of the sync when the attempt is durable and the run does not know it yet."""
        published = _is_published(before, after, run, attempt.operation)
        records = run.knowledge.sync.records(run.at, attempt.until) if attempt.until else ()
        return News(attempt.until, published=published, brought=records)

    def _errored(self, slot: str, run: Run, *, disturbed: bool = True) -> Run | None:
        return self._sent(slot, struck(run) if disturbed else run, "errored")

    def _sent(self, slot: str, run: Run, event: str) -> Run | None:
        """The machine has taken an event."""
        state = self._decisions.target(run.knowledge, run.state, event)
        if state == "failed" and (run.disturbed or slot == GHOST):
            return None
        return moved(run, state)

    # -- what is attempted

    def _performance(self, database: Database, run: Run, operation: StreamOperation) -> Attempt:
        claims = operation is StreamOperation.CLAIM
        epoch = database.entry.epoch + 1 if claims else run.epoch
        act = partial(self._perform, operation, run.epoch, run.knowledge)
        return Attempt(operation.value, act, partial(self._answered, run, operation, epoch), operation.value)

    def _perform(
        self, operation: StreamOperation, epoch: int, knowledge: Knowledge, database: Database
    ) -> Performed:
        asked = (operation, database, epoch, knowledge)
        known = self._performed.get(asked)
        if known is None:
            try:
                known = self._operations.perform(operation, database, epoch, knowledge)
            except Refused as refusal:
                known = refusal
            self._performed[asked] = known
        if isinstance(known, Refused):
            raise known
        return known

    def _answered(
        self, run: Run, operation: StreamOperation, epoch: int, database: Database, performed: Performed
    ) -> Heard:
        known, covered = run.knowledge, 0
        if performed.facts is not None or performed.left is not None:
            facts, left = performed.facts or known.facts, performed.left or known.left
            run = learned(run, self._decisions.knowledge(known.sync, facts, left))
        if operation is StreamOperation.CLAIM:
            database = claimed(database, epoch)
            return Heard(database, owned(run, epoch, database))
        if operation in SWAPS and known.replaces_each_time:
            covered = known.sync.covered(known.sync.until)
        return Heard(database, owned(run, run.epoch, database), covered)

    def _flushing(self, run: Run, until: int) -> Attempt:
        flush = flush_of(run, until)
        act = partial(self._insert, run, flush)
        return Attempt(
            f"flush of {name_of(flush)}", act, partial(self._flushed, run, flush, until), FLUSH, until
        )

    def _insert(self, run: Run, flush: Flush, database: Database) -> Performed:
        return Performed((self._operations.insert(database, run.epoch, run.knowledge, flush),))

    def _flushed(self, run: Run, flush: Flush, until: int, database: Database, _: Performed) -> Heard:
        # The next sync drops what one that is replaced each time has in temp.
        covered = 0 if run.knowledge.replaces_each_time else run.knowledge.sync.covered(until)
        return Heard(counted(database), written(run, until, flush.highest_raw_id), covered)


def _fences(attempt: Attempt) -> bool:
    """Whether other runs are fenced off when it is done."""
    return attempt.operation == StreamOperation.CLAIM


def _is_published(before: Database, after: Database, run: Run, operation: str) -> bool:
    """Whether a transaction put the run's generation in the place of all before it."""
    if run.knowledge.replaces_each_time:
        return operation in SWAPS and before.entry.recipe is not None and after.entry.recipe is None
    finalised = after.entry.finalised
    return finalised is not None and finalised == run.knowledge.finalises
