"""What a run is at: an operation or a flush, of which some commits are done, and what the run knows once all are.
Decides nothing.
"""

from collections.abc import Callable, Iterator

from attrs import frozen

from machines.operations import StreamOperation
from machines.verify.database import Database
from machines.verify.decisions import Decisions
from machines.verify.flushing import flush_of, name_of, next_flights
from machines.verify.requests import Flush, Request
from machines.verify.rules import Rule
from machines.verify.transactions import FLUSHING, Operations
from machines.verify.values import evolve
from machines.verify.world import GHOST, Flight, Run, flown, moved, owned, struck

SWAPS = (StreamOperation.SWAP, StreamOperation.DEDUPE_AND_SWAP)


@frozen(eq=False)
class Work:
    """What a run is at: an operation, or a flush, of which `done` commits are done.

    `heard`: where the run is, with which news, when all of it is done and answered. `going`: where it is when that
    number of commits is done. `until`: the item that a flush reaches. `piece`: a flush that is handed out of less than
    the whole that is left, or while an earlier one is at work.
    """

    name: str
    request: Request
    done: int
    heard: Callable[[Database, str], tuple[Database, Run | None, int]]
    going: Callable[[int], Run]
    until: int = 0
    piece: bool = False


class Works:
    """What the runs of a search are at. `flushes`: how many of a run may be at work at once."""

    def __init__(self, decisions: Decisions, operations: Operations, flushes: int = 1) -> None:
        self._decisions = decisions
        self._operations = operations
        self.flushes = flushes

    def of(self, database: Database, run: Run) -> Iterator[Work]:
        """What a run is at, or may be at next."""
        if run.state == "writing":
            yield from (work for _, work in self.flushing(database, run))
        elif self._decisions.operation(run.state) is not None:
            yield self.operation(database, run)

    def flushing(self, database: Database, run: Run) -> Iterator[tuple[Run, Work]]:
        """The flushes that are handed out and those that may be handed out next, each with the run as it is then."""
        for flight in run.flights:
            yield run, self._flush(run, flight, piece=flight is not run.flights[0])
        for going, flight in next_flights(database, run, self.flushes):
            piece = len(going.flights) > 1 or flight.until < run.knowledge.sync.until
            yield going, self._flush(going, flight, piece=piece)

    def flushes_of(self, database: Database, run: Run) -> Iterator[Flush]:
        """The flushes that such a run may write from its first item on."""
        whole = evolve(run, at=0, flights=())
        for going, flight in next_flights(database, whole, 1):
            if flight.until == run.knowledge.sync.until:
                yield flush_of(going, flight)

    def operation(self, database: Database, run: Run) -> Work:
        """The operation that the run's state asks for."""
        operation = self._decisions.operation(run.state)
        claims = operation is StreamOperation.CLAIM and not run.done
        run = evolve(run, epoch=database.entry.epoch + 1) if claims else run
        request = Request(str(operation), run.epoch, run.knowledge, None)

        def heard(after: Database, slot: str) -> tuple[Database, Run | None, int]:
            after, known = self._seen(after, run, operation)
            covered = known.knowledge.sync.covered(known.knowledge.sync.until)
            tells = operation in SWAPS and known.knowledge.replaces_each_time
            return after, self.after(slot, known, "succeeded"), covered if tells else 0

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
                uncovered = database.uncovered if known.load is None else frozenset[int]()
                run = evolve(run, knowledge=of(known.sync, facts), uncovered=uncovered)
                return database, run
            case StreamOperation.ABANDON:
                left = self._operations.left(database) or known.left
                knowledge = of(known.sync, known.facts, left, known.publishing)
                return database, owned(evolve(run, knowledge=knowledge), database)
            case _:
                return database, owned(run, database)

    def _flush(self, run: Run, flight: Flight, *, piece: bool) -> Work:
        flush = flush_of(run, flight)
        request = Request(FLUSHING, run.epoch, run.knowledge, flush)

        def heard(after: Database, slot: str) -> tuple[Database, Run | None, int]:
            landed = flown(run, flight, None)
            first = landed.flights[0].start if landed.flights else landed.at
            # The next sync drops what one that is replaced each time has in temp.
            covered = 0 if run.knowledge.replaces_each_time else run.knowledge.sync.covered(first)
            return after, self.after(slot, landed, "flushed"), covered

        def going(done: int) -> Run:
            return flown(run, flight, done)

        return Work(f"flush of {name_of(flush)}", request, flight.done, heard, going, flight.until, piece)

    # -- the machine

    def errored(self, slot: str, run: Run, *, disturbed: bool = True) -> Run | None:
        """The run when an error has met it."""
        return self.after(slot, struck(run) if disturbed else run, "errored")

    def after(self, slot: str, run: Run, event: str) -> Run | None:
        """The machine has taken an event."""
        state = self._decisions.target(run.knowledge, run.state, event)
        if state == "failed" and (run.disturbed or slot == GHOST):
            return None
        return moved(run, state)
