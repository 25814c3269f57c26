"""What a run may come to next, with the database as it is: it goes on by one commit, or something befalls it. Judges
nothing.

It depends on the run and on the database alone, and not on what was asked for before, so each is found out once.
Reading is no move of its own, since nobody sees it: a run flushes what it read up to some item, or ends. What a run
holds in memory is lost with it.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress

from attrs import frozen

from machines.operations import Recipe, StreamOperation
from machines.parts import Part
from machines.verify.database import Database, Row
from machines.verify.decisions import Decisions
from machines.verify.flushing import flush_of, name_of, next_flights
from machines.verify.rules import Rule
from machines.verify.statements import Statement
from machines.verify.transactions import FLUSHING, Commit, FencedOff, Flush, Operations, Refused, Request
from machines.verify.values import Interned, evolve
from machines.verify.world import GHOST, RUN, Flight, Run, flown, moved, owned, struck

EXIT = "exit"
FIRST_EPOCH = 1
SWAPS = (StreamOperation.SWAP, StreamOperation.DEDUPE_AND_SWAP)


@frozen(eq=False)
class News(metaclass=Interned):
    """What a move changes of a sync's progress: items that were sent or acknowledged, and whether it has ended with
    success. `brought` are the rows that a flush made durable. `published`: temp has replaced the final table, with this
    recipe and rows of this lineage.
    """

    sent: int = 0
    acknowledged: int = 0
    complete: bool = False
    brought: tuple[Row, ...] = ()
    published: tuple[Recipe, int] | None = None


NOTHING = News()


@frozen(eq=False)
class Move:
    """What is committed then, where the run is (None when it is gone), and what is known of its sync.

    `befell` names the operation that a disturbance struck, empty when all went well. `fences`: the run has claimed the
    table, and no other owns it; `claiming` is where it is then, if something of the claim is left to do. `piece`: a
    flush of less than the whole that is left.
    """

    label: str
    database: Database
    run: Run | None
    news: News = NOTHING
    befell: str = ""
    fences: bool = False
    piece: bool = False
    claiming: Run | None = None


@frozen(eq=False)
class Work:
    """What a run is at: an operation, or a flush, of which `done` commits are done.

    `heard`: where the run is, with which news, when all of it is done and answered. `going`: where it is when that
    number of commits is done. `until`: the item that a flush reaches.
    """

    name: str
    request: Request
    done: int
    heard: Callable[[Database, str], tuple[Database, Run | None, int]]
    going: Callable[[int], Run]
    until: int = 0


def published_by(before: Database) -> tuple[Recipe, int] | None:
    """What a replacement publishes: temp's recipe, and the lineage of its rows, -1 if there are none."""
    recipe, temp = before.entry.recipe, before.temp
    if recipe is None or temp is None:
        return None
    return recipe, temp.rows[0].record.lineage if temp.rows else -1


class Moves:
    """What the runs of a search may come to. `flushes`: how many of a run may be at work at once."""

    def __init__(self, decisions: Decisions, operations: Operations, flushes: int = 1) -> None:
        self._decisions = decisions
        self._operations = operations
        self.statements = operations.statements
        self._flushes = flushes
        self._known: dict[tuple[Database, str, Run], tuple[Move, ...]] = {}

    def of(self, database: Database, slot: str, run: Run) -> tuple[Move, ...]:
        """Everything that a run may come to next. In the ghost's place nobody hears it, and nothing befalls it any
        further.
        """
        asked = (database, slot, run)
        known = self._known.get(asked)
        if known is None:
            known = self._known[asked] = tuple(self._of(database, slot, run))
        return known

    def sent(self, database: Database, ghost: Run) -> Iterator[Statement]:
        """The statements that a run may just have sent, which still change something."""
        for work in self._works(database, ghost):
            with suppress(Refused):
                commit = self._operations.next(work.request, database, work.done)
                if commit.parts and commit.database is not database:
                    sent = self.statements.sent(
                        commit.parts, work.request, database, ghost.number, work.until
                    )
                    if sent is not None:
                        yield sent

    def _works(self, database: Database, run: Run) -> Iterator[Work]:
        """What a run is at, or may be at next."""
        if run.state == "writing":
            yield from (self._flush(run, flight) for flight in run.flights)
            yield from (self._flush(going, new) for going, new in next_flights(database, run, self._flushes))
        elif self._decisions.operation(run.state) is not None:
            yield self._operation(database, run)

    def flushes_of(self, database: Database, run: Run) -> Iterator[Flush]:
        """The flushes that such a run may write from its first item on."""
        whole = evolve(run, at=0, flights=())
        for going, flight in next_flights(database, whole, 1):
            if flight.until == run.knowledge.sync.until:
                yield flush_of(going, flight)

    def _of(self, database: Database, slot: str, run: Run) -> Iterator[Move]:
        if run.state == "writing":
            yield from self._writes(database, slot, run)
        elif self._decisions.operation(run.state) is not None:
            yield from self.attempted(database, slot, run, self._operation(database, run))
        else:
            yield from self._exits(database, slot, run)

    def _writes(self, database: Database, slot: str, run: Run) -> Iterator[Move]:
        for flight in run.flights:
            yield from self.attempted(database, slot, run, self._flush(run, flight))
        for going, flight in next_flights(database, run, self._flushes):
            yield from self.attempted(database, slot, going, self._flush(going, flight))
        if run.at == run.knowledge.sync.until and not run.flights:
            yield Move("COMPLETE", database, self._sent(slot, run, "completed"))
        if slot == RUN:
            ended = self._sent(slot, struck(run), "ended")
            yield Move("the input ends without COMPLETE", database, ended, befell=FLUSHING)

    def _exits(self, database: Database, slot: str, run: Run) -> Iterator[Move]:
        if slot == GHOST or run.state != "done":
            yield Move("the run ends", database, None)
            return
        yield Move("the run ends with success", database, None, News(complete=True))
        yield Move("killed before it ends with success", database, None, befell=EXIT)

    # -- the next commit, and what may befall it

    def attempted(self, database: Database, slot: str, run: Run, work: Work) -> Iterator[Move]:
        """Every outcome of the next commit."""
        try:
            commit = self._operations.next(work.request, database, work.done)
        except Refused as refusal:
            errored = self._errored(slot, run, disturbed=isinstance(refusal, FencedOff))
            yield Move(f"{work.name}: {refusal}", database, errored)
            return
        name = self._label(work, commit)
        yield self._goes_on(name, slot, work, commit, self._news(database, commit, work))
        if slot == RUN:
            yield from self._befallen(name, database, run, work, commit)

    def _befallen(
        self, name: str, database: Database, run: Run, work: Work, commit: Commit
    ) -> Iterator[Move]:
        struck_at = work.request.operation
        yield Move(f"{name}: killed before it", database, None, befell=struck_at)
        yield Move(f"{name}: an error", database, self._errored(RUN, run), befell=struck_at)
        if not commit.parts:
            return
        yield from self._at_work(name, database, run, work, commit)
        done, fences = commit.database, Part.TAKE_EPOCH in commit.parts
        if done is database:
            return
        news, going = self._news(database, commit, work), work.going(work.done)
        yield Move(f"{name}: killed after it", done, None, news, struck_at, fences)
        label = f"{name}: done, but its answer is lost for good"
        yield Move(label, done, self._errored(RUN, going), news, struck_at, fences)
        label = f"{name}: done, its answer lost, tried again"
        yield self._tried_again(label, done, run, work, commit, news)

    def _at_work(self, name: str, database: Database, run: Run, work: Work, commit: Commit) -> Iterator[Move]:
        """No answer comes, and the statement may still take effect."""
        sent = self.statements.sent(commit.parts, work.request, database, run.number, work.until)
        if sent is None or database.at_work is not None:
            return
        at_work, struck_at = evolve(database, at_work=sent), work.request.operation
        yield Move(f"{name}: killed, its statement still at work", at_work, None, befell=struck_at)
        errored = self._errored(RUN, run)
        yield Move(f"{name}: given up, its statement still at work", at_work, errored, befell=struck_at)
        if not self.statements.void_by_retry(sent):
            label = f"{name}: no answer, to be tried again, its statement still at work"
            yield Move(label, at_work, work.going(work.done), befell=struck_at)

    def _tried_again(
        self, label: str, done: Database, run: Run, work: Work, commit: Commit, news: News
    ) -> Move:
        """The commit was done, and its run looks what is left to do."""
        fences = Part.TAKE_EPOCH in commit.parts
        try:
            rest = self._operations.next(work.request, done, commit.done if fences else work.done)
        except Refused:
            # A refusal now would be our own fault.
            errored = self._errored(RUN, work.going(work.done), disturbed=False)
            return Move(label, done, errored, news, work.request.operation, fences)
        if rest.parts:
            again = work.going(commit.done if fences else work.done)
            return Move(label, done, again, news, work.request.operation, fences)
        return self._heard(label, RUN, work, rest.database, news, work.request.operation, fences=fences)

    def _goes_on(self, label: str, slot: str, work: Work, commit: Commit, news: News) -> Move:
        """The commit is done and answered: the run is at the next one, if there is something left to do."""
        fences = Part.TAKE_EPOCH in commit.parts
        try:
            rest = self._operations.next(work.request, commit.database, commit.done)
        except Refused:
            return Move(label, commit.database, work.going(commit.done), news, "", fences)
        if rest.parts:
            return Move(label, commit.database, work.going(commit.done), news, "", fences)
        return self._heard(label, slot, work, rest.database, news, "", fences=fences)

    def _heard(
        self, label: str, slot: str, work: Work, database: Database, news: News, befell: str, *, fences: bool
    ) -> Move:
        database, run, covered = work.heard(database, slot)
        if work.until:
            told = covered if slot == RUN else 0
            news = News(work.until, told, news.complete, news.brought, news.published)
        elif covered and slot == RUN:
            news = News(news.sent, covered, news.complete, news.brought, news.published)
        piece = run is not None and work.until > 0 and run.at < run.knowledge.sync.until
        claiming = work.going(1) if fences else None
        return Move(label, database, run, news, befell, fences, piece, claiming)

    def _news(self, before: Database, commit: Commit, work: Work) -> News:
        """What is known of the sync when the commit is durable and its run does not know it yet."""
        flush = work.request.flush
        if Part.REPLACE in commit.parts:
            return News(published=published_by(before))
        if flush is None or not {Part.INSERT, Part.NOTE_FLUSH} & set(commit.parts):
            return NOTHING
        return News(work.until, brought=flush.rows)

    def _label(self, work: Work, commit: Commit) -> str:
        """The commit's name: its parts stand with it where an operation has several commits."""
        if len(self._operations.groups(work.request)) == 1 or not commit.parts:
            return work.name
        return f"{work.name} ({' + '.join(commit.parts)})"

    def _errored(self, slot: str, run: Run, *, disturbed: bool = True) -> Run | None:
        return self._sent(slot, struck(run) if disturbed else run, "errored")

    def _sent(self, slot: str, run: Run, event: str) -> Run | None:
        """The machine has taken an event."""
        state = self._decisions.target(run.knowledge, run.state, event)
        if state == "failed" and (run.disturbed or slot == GHOST):
            return None
        return moved(run, state)

    # -- what a run is at

    def _operation(self, database: Database, run: Run) -> Work:
        operation = self._decisions.operation(run.state)
        claims = operation is StreamOperation.CLAIM and not run.done
        run = evolve(run, epoch=database.entry.epoch + 1) if claims else run
        request = Request(str(operation), run.epoch, run.knowledge)

        def heard(after: Database, slot: str) -> tuple[Database, Run | None, int]:
            after, known = self._seen(after, run, operation)
            covered = known.knowledge.sync.covered(known.knowledge.sync.until)
            tells = operation in SWAPS and known.knowledge.replaces_each_time
            return after, self._sent(slot, known, "succeeded"), covered if tells else 0

        return Work(str(operation), request, run.done, heard, lambda done: evolve(run, done=done))

    def _seen(self, database: Database, run: Run, operation: StreamOperation | None) -> tuple[Database, Run]:
        """What the run knows once an operation is done."""
        known, of = run.knowledge, self._decisions.knowledge
        match operation:
            case StreamOperation.CLAIM:
                begun = database.entry.publishing
                if begun is not None and self._operations.kind.keeps(Rule.COMPLETE_WHAT_WAS_BEGUN):
                    run = evolve(run, knowledge=of(known.sync, publishing=begun))
                return database, evolve(run, given=database.entry.highest_raw_id)
            case StreamOperation.INSPECT:
                facts = self._operations.facts(database, known)
                run = evolve(run, knowledge=of(known.sync, facts), uncovered=database.uncovered)
                return database, run
            case StreamOperation.ABANDON:
                left = self._operations.left(database) or known.left
                knowledge = of(known.sync, known.facts, left, known.publishing)
                return database, owned(evolve(run, knowledge=knowledge), database)
            case _:
                return database, owned(run, database)

    def _flush(self, run: Run, flight: Flight) -> Work:
        flush = flush_of(run, flight)
        request = Request(FLUSHING, run.epoch, run.knowledge, flush)

        def heard(after: Database, slot: str) -> tuple[Database, Run | None, int]:
            landed = flown(run, flight, None)
            first = landed.flights[0].start if landed.flights else landed.at
            # The next sync drops what one that is replaced each time has in temp.
            covered = 0 if run.knowledge.replaces_each_time else run.knowledge.sync.covered(first)
            return after, self._sent(slot, landed, "flushed"), covered

        def going(done: int) -> Run:
            return flown(run, flight, done)

        return Work(f"flush of {name_of(flush)}", request, flight.done, heard, going, flight.until)
