"""What a run may come to next, with the database as it is: it goes on by one commit, or something befalls it. Judges
nothing.

It depends on the run and on the database alone, and not on what was asked for before, so each is found out once.
Reading is no move of its own, since nobody sees it: a run flushes what it read up to some item, or ends. What a run
holds in memory is lost with it.
"""

from collections.abc import Iterator
from contextlib import suppress

from machines.loads import Wish
from machines.parts import DECISIONS, Part
from machines.verify.coverage import Fault
from machines.verify.database import Database
from machines.verify.decisions import Decisions
from machines.verify.outcomes import NOTHING, Move, News, published_by
from machines.verify.requests import Excused, Refused
from machines.verify.statements import Statement
from machines.verify.transactions import FLUSHING, Commit, Operations
from machines.verify.works import Work, Works
from machines.verify.world import GHOST, RUN, Run, struck

EXIT = "exit"
DECIDES = frozenset(DECISIONS)


class Moves:
    """What the runs of a search may come to. `flushes`: how many of a run may be at work at once."""

    def __init__(self, decisions: Decisions, operations: Operations, flushes: int = 1) -> None:
        self.decisions = decisions
        self.operations = operations
        self.statements = operations.statements
        # What befell a run in some history.
        self.met: set[str] = set()
        self.works = Works(decisions, operations, flushes)
        self._known: dict[tuple[Database, str, Run], tuple[Move, ...]] = {}

    def of(self, database: Database, slot: str, run: Run) -> tuple[Move, ...]:
        """Everything that a run may come to next. Nothing befalls it in the quiet place and in the ghost's, and nobody
        hears a ghost.
        """
        asked = (database, slot, run)
        known = self._known.get(asked)
        if known is None:
            known = self._known[asked] = tuple(self._of(database, slot, run))
        return known

    def sent(self, database: Database, ghost: Run) -> Iterator[Statement]:
        """The statements that a run may just have sent, which still change something."""
        for work in self.works.of(database, ghost):
            with suppress(Refused):
                commit = self.operations.next(work.request, database, work.done)
                if commit.parts and commit.database is not database:
                    sent = self.statements.sent(
                        commit.parts, work.request, database, ghost.number, work.until
                    )
                    if sent is not None:
                        yield sent

    def _of(self, database: Database, slot: str, run: Run) -> Iterator[Move]:
        if run.state == "writing":
            yield from self._writes(database, slot, run)
        elif self.decisions.operation(run.state) is not None:
            yield from self.attempted(database, slot, run, self.works.operation(database, run))
        else:
            yield from self._exits(database, slot, run)

    def _writes(self, database: Database, slot: str, run: Run) -> Iterator[Move]:
        if run.knowledge.load is not None:
            yield from self._leaves_to_workers(database, slot, run)
            return
        for going, work in self.works.flushing(database, run):
            yield from self.attempted(database, slot, going, work)
        if run.at == run.knowledge.sync.until and not run.flights:
            yield Move("COMPLETE", database, self.works.after(slot, run, "completed"))
        if slot == RUN:
            ended = self.works.after(slot, struck(run), "ended")
            yield Move(self._struck(FLUSHING, Fault.INPUT_ENDS), database, ended, befell=FLUSHING)

    def _leaves_to_workers(self, database: Database, slot: str, run: Run) -> Iterator[Move]:
        """The temp table of a load is open: it is published now, or by another process."""
        yield Move("COMPLETE", database, self.works.after(slot, run, "completed"))
        if slot == RUN:
            yield Move("it is handed over", database, self.works.after(slot, run, "handed_over"))
            ended = self.works.after(slot, struck(run), "ended")
            yield Move(self._struck(FLUSHING, Fault.INPUT_ENDS), database, ended, befell=FLUSHING)

    def _exits(self, database: Database, slot: str, run: Run) -> Iterator[Move]:
        load = run.knowledge.load
        if slot == GHOST or run.state != "done" or (load is not None and load.wish is Wish.GIVE_UP):
            yield Move("the run ends", database, None)
            return
        yield Move("the run ends with success", database, None, News(complete=True))
        yield Move(self._struck(EXIT, Fault.KILLED_AT_THE_END), database, None, befell=EXIT)

    # -- the next commit, and what may befall it

    def attempted(self, database: Database, slot: str, run: Run, work: Work) -> Iterator[Move]:
        """Every outcome of the next commit."""
        try:
            commit = self.operations.next(work.request, database, work.done)
        except Refused as refusal:
            errored = self.works.errored(slot, run, disturbed=isinstance(refusal, Excused))
            yield Move(f"{work.name}: {refusal}", database, errored, piece=work.piece)
            return
        name = self._label(work, commit)
        yield self._goes_on(name, slot, work, commit, self._news(database, commit, work))
        if slot == RUN:
            yield from self._befallen(name, database, run, work, commit)

    def _befallen(
        self, name: str, database: Database, run: Run, work: Work, commit: Commit
    ) -> Iterator[Move]:
        struck_at = work.request.operation
        yield Move(self._struck(name, Fault.KILLED_BEFORE), database, None, befell=struck_at)
        yield Move(self._struck(name, Fault.ERROR), database, self.works.errored(RUN, run), befell=struck_at)
        if not commit.parts:
            return
        yield from self._at_work(name, database, run, work, commit)
        done, fences = commit.database, Part.TAKE_EPOCH in commit.parts
        if done is database:
            return
        news, going = self._news(database, commit, work), work.going(work.done)
        yield Move(self._struck(name, Fault.KILLED_AFTER), done, None, news, struck_at, fences)
        label = self._struck(name, Fault.ANSWER_LOST)
        yield Move(label, done, self.works.errored(RUN, going), news, struck_at, fences)
        label = self._struck(name, Fault.TRIED_AGAIN)
        yield self._tried_again(label, done, run, work, commit, news)

    def _at_work(self, name: str, database: Database, run: Run, work: Work, commit: Commit) -> Iterator[Move]:
        """No answer comes, and the statement may still take effect."""
        sent = self.statements.sent(commit.parts, work.request, database, run.number, work.until)
        at_work, struck_at = self.statements.left(database, sent), work.request.operation
        if sent is None or at_work is None:
            return
        yield Move(self._struck(name, Fault.KILLED_AT_WORK), at_work, None, befell=struck_at)
        errored = self.works.errored(RUN, run)
        yield Move(self._struck(name, Fault.GIVEN_UP_AT_WORK), at_work, errored, befell=struck_at)
        if not self.statements.void_by_retry(sent):
            label = self._struck(name, Fault.TRIED_AT_WORK)
            yield Move(label, at_work, work.going(work.done), befell=struck_at)

    def _tried_again(
        self, label: str, done: Database, run: Run, work: Work, commit: Commit, news: News
    ) -> Move:
        """The commit was done, and its run looks what is left to do."""
        fences = Part.TAKE_EPOCH in commit.parts
        try:
            rest = self.operations.next(work.request, done, commit.done if fences else work.done)
        except Refused:
            # A refusal now would be our own fault.
            errored = self.works.errored(RUN, work.going(work.done), disturbed=False)
            return Move(label, done, errored, news, work.request.operation, fences)
        if rest.parts:
            again = work.going(commit.done if fences else work.done)
            return Move(label, done, again, news, work.request.operation, fences)
        return self._heard(label, RUN, work, rest.database, news, work.request.operation, fences=fences)

    def _goes_on(self, label: str, slot: str, work: Work, commit: Commit, news: News) -> Move:
        """The commit is done and answered: the run is at the next one, if there is something left to do."""
        fences = Part.TAKE_EPOCH in commit.parts
        try:
            rest = self.operations.next(work.request, commit.database, commit.done)
        except Refused:
            rest = None
        if rest is None or rest.parts:
            return Move(label, commit.database, work.going(commit.done), news, "", fences, work.piece)
        return self._heard(label, slot, work, rest.database, news, "", fences=fences)

    def _heard(
        self, label: str, slot: str, work: Work, database: Database, news: News, befell: str, *, fences: bool
    ) -> Move:
        database, run, covered = work.heard(database, slot)
        if work.until:
            told = 0 if slot == GHOST else covered
            news = News(work.until, told, news.complete, news.brought, news.published)
        elif covered and slot != GHOST:
            news = News(news.sent, covered, news.complete, news.brought, news.published)
        claiming = work.going(1) if fences else None
        return Move(label, database, run, news, befell, fences, work.piece, claiming)

    def _news(self, before: Database, commit: Commit, work: Work) -> News:
        """What is known of the sync when the commit is durable and its run does not know it yet."""
        flush, load = work.request.flush, work.request.wishes.load
        published = published_by(before) if Part.REPLACE in commit.parts else None
        by = before.entry.recipe
        if load is not None and by is not None and by.load == load.id and DECIDES.intersection(commit.parts):
            # Its files are known from now on, and its publication is never taken back.
            until = work.request.wishes.sync.until
            return News(until, until, published=published)
        if published is not None:
            return News(published=published)
        if flush is None or not {Part.INSERT, Part.NOTE_FLUSH} & set(commit.parts):
            return NOTHING
        return News(work.until, brought=flush.rows)

    def _struck(self, name: str, fault: Fault) -> str:
        """What a history says when this befalls a run in the course of that."""
        self.met.add(fault)
        return f"{name}: {fault}"

    def _label(self, work: Work, commit: Commit) -> str:
        """The commit's name: its parts stand with it where an operation has several commits."""
        if len(self.operations.groups(work.request)) == 1 or not commit.parts:
            return work.name
        return f"{work.name} ({' + '.join(commit.parts)})"
