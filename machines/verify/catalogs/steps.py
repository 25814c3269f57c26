"""What may happen next: a run's stream goes on, the process is killed, the platform starts another. Judges nothing.

A run reads the ledger and names all tables first, in one transaction. Then each of its streams goes its own way, side
by side with the others. A run that is killed may have committed the operation that it was at. Once nothing may befall
a run any more, its streams take turns, since their order is of no account.
"""

from collections.abc import Iterator
from functools import partial

from attrs import evolve, frozen

from dataflow.catalog import DestinationStream
from dataflow.errors import ConfigError
from dataflow.stream_tables import StreamTables
from dataflow.types import Column, TableName
from machines.operations import Facts, StreamOperation, recipe
from machines.verify.catalogs.database import Database, Record
from machines.verify.catalogs.names import Catalog, Names
from machines.verify.catalogs.scenarios import Scenario, Selection, stream
from machines.verify.catalogs.transactions import Operations
from machines.verify.catalogs.world import Part, Progress, Run, World, narrowed
from machines.verify.decisions import Decisions
from machines.verify.requests import Refused
from machines.verify.scenarios import Sync

SWAPS = (StreamOperation.SWAP, StreamOperation.DEDUPE_AND_SWAP)


@frozen(eq=False)
class Step:
    """What happened, and the world after it. `befell`: it was a crash, or the start of a run beside another.

    `refused`: a catalog or an operation was refused, which a run that is alone never is.
    """

    label: str
    world: World
    befell: bool = False
    refused: bool = False


class Steps:
    """The histories of one scenario."""

    def __init__(self, scenario: Scenario, names: Names, decisions: Decisions) -> None:
        self._scenario = scenario
        self._names = names
        self._decisions = decisions
        self._operations = Operations(names, scenario.rules)
        self._named: dict[tuple[Database, Catalog], tuple[StreamTables, ...]] = {}
        self._syncs: dict[tuple[DestinationStream, TableName, TableName, tuple[Column, ...]], Sync] = {}

    def after(self, world: World) -> Iterator[Step]:
        """Everything that may happen next."""
        if world.run is None and world.ghost is None:
            if world.syncs:
                yield from map(partial(self.started, world), self._scenario.choices)
            return
        for run in (world.run, world.ghost):
            if run is not None:
                yield from self._goes_on(world, run)
        if world.run is None:
            return
        if world.crashes:
            yield Step("killed", _ended(world, world.run, crashes=world.crashes - 1), befell=True)
        if world.rivals and all(part.state == "claiming" for part in world.run.parts):
            unheard = evolve(world, rivals=world.rivals - 1, run=None, ghost=world.run)
            for selection in self._scenario.choices:
                step = self.started(unheard, selection)
                yield Step(f"{step.label}, and the one before it falls silent", step.world, befell=True)

    def started(self, world: World, selection: Selection) -> Step:
        """A run has named the tables of its catalog. If it cannot, it ends."""
        label = f"-- a run of {', '.join(map(str, selection))} names its tables"
        number = 1 + (world.ghost.number if world.ghost is not None else 0)
        first = world.syncs == self._scenario.syncs
        world = evolve(world, syncs=max(0, world.syncs - 1))
        for each in selection:
            world = world.with_progress(
                each.stream, _asked(world.progress(each.stream), self._scenario, each.fields)
            )
        catalog = tuple(
            stream(each, self._scenario.strategy, world.progress(each.stream).generation)
            for each in selection
        )
        try:
            named = self._tables(world.database, catalog)
        except ConfigError as error:
            return Step(f"{label}: refused, {error.message}", world, refused=True)
        parts = []
        if first and self._scenario.earlier:
            named = tuple(map(_of_an_earlier_version, named))
        for each, asked, tables in zip(selection, catalog, named, strict=True):
            progress = world.progress(each.stream)
            knowledge = self._decisions.knowledge(self._sync(asked, tables))
            state = self._decisions.target(knowledge, self._decisions.first, "start")
            record = Record(each.stream, progress.generation, progress.acknowledged + 1)
            parts.append(Part(each, tables, knowledge, state, record))
        return Step(label, evolve(world, run=Run(number, tuple(parts))))

    def _tables(self, database: Database, catalog: Catalog) -> tuple[StreamTables, ...]:
        known = self._named.get((database, catalog))
        if known is None:
            named = self._names.named(database, catalog, self._scenario.rules)
            known = self._named[database, catalog] = tuple(named[each.name] for each in catalog)
        return known

    def _sync(self, asked: DestinationStream, tables: StreamTables) -> Sync:
        """What the decisions are asked of; the same for the same names, since it is compared by identity.

        What the ledger is to remember beside them is of no account to the life of a stream.
        """
        key = asked, tables.final, tables.temp, tables.columns
        known = self._syncs.get(key)
        if known is None:
            known = Sync(stream=asked, tables=tables, recipe=recipe(asked, tables), lineage=0, until=1)
            self._syncs[key] = known
        return known

    def undisturbed(self, world: World, selection: Selection) -> tuple[World, tuple[str, ...], Run | None]:
        """What a run leaves that nothing befalls, what happened in it, and the run at its end, if it started."""
        step = self.started(evolve(world, crashes=0, rivals=0), selection)
        labels, last = [step.label], step.world.run
        while step.world.run is not None:
            last = step.world.run
            (step,) = self._goes_on(step.world, last)
            labels.append(step.label)
        return step.world, tuple(labels), last

    # -- a run

    def _goes_on(self, world: World, run: Run) -> Iterator[Step]:
        working = [part for part in run.parts if not part.over]
        if not working:
            done = all(part.state == "done" for part in run.parts)
            heard = run is world.run
            yield Step(f"{_whose(world, run)}the run ends", _ended(world, run, complete=done and heard))
            return
        alone = not world.crashes and world.ghost is None
        for part in working[:1] if alone else working:
            yield from self._works(world, run, part)

    def _works(self, world: World, run: Run, part: Part) -> Iterator[Step]:
        operation = self._decisions.operation(part.state)
        name = operation or ("COMPLETE" if part.written else "flush")
        label = f"{_whose(world, run)}{part.selected.stream}: {name}"
        if operation is None and part.written:
            yield Step(label, self._sent(world, run, part, "completed"))
            return
        try:
            database, facts = self._performed(world, run, part, operation)
        except Refused as refusal:
            yield Step(f"{label}: {refusal}", self._sent(world, run, part, "errored"), refused=True)
            return
        done = _committed(evolve(world, database=database), part, operation)
        yield Step(label, self._heard(done, run, part, operation, facts))
        if world.crashes and run is world.run and database != world.database:
            killed = _ended(done, run, crashes=world.crashes - 1)
            yield Step(f"{label}, and killed before its answer", killed, befell=True)

    def _performed(
        self, world: World, run: Run, part: Part, operation: StreamOperation | None
    ) -> tuple[Database, Facts | None]:
        by = run.caller(part)
        if operation is None:
            return self._operations.insert(world.database, by, part.record), None
        if operation is StreamOperation.CLAIM and _locked(world, run, part):
            raise Refused("the table is locked")
        return self._operations.perform(operation, world.database, by)

    def _heard(
        self, world: World, run: Run, part: Part, operation: StreamOperation | None, facts: Facts | None
    ) -> World:
        """The machine goes on; after a flush a STATE is emitted, which a ghost's platform does not hear."""
        if operation is None:
            if run is world.run:
                world = world.with_progress(part.selected.stream, _acknowledged(world, part))
            return self._sent(world, run, part, "flushed", written=True)
        if facts is not None:
            knowledge = self._decisions.knowledge(part.knowledge.sync, facts)
            return self._sent(world, run, evolve(part, knowledge=knowledge), "succeeded")
        return self._sent(world, run, part, "succeeded")

    def _sent(self, world: World, run: Run, part: Part, event: str, *, written: bool = False) -> World:
        """The machine of one stream has taken an event."""
        target = self._decisions.target(part.knowledge, part.state, event)
        after = evolve(part, state=target, written=part.written or written)
        parts = tuple(after if each.selected == part.selected else each for each in run.parts)
        return _with_run(world, run, evolve(run, parts=parts))


def _whose(world: World, run: Run) -> str:
    return "" if run is world.run else "(the one before) "


def _asked(progress: Progress, scenario: Scenario, fields: tuple[str, ...]) -> Progress:
    """The platform asks for a stream: a truncate starts over once it is complete."""
    if scenario.strategy.truncates and progress.complete:
        progress = evolve(progress, generation=progress.generation + 1, acknowledged=0, complete=False)
    return narrowed(progress, fields)


def _of_an_earlier_version(tables: StreamTables) -> StreamTables:
    """The tables as a version names them that gives the temp table another name."""
    return evolve(tables, temp=evolve(tables.temp, name=f"{tables.temp.name}_earlier"))


def _acknowledged(world: World, part: Part) -> Progress:
    """A STATE is emitted after the record. Fields that a run beside this one leaves out may go with their columns."""
    stream = part.selected.stream
    progress, fields = world.progress(stream), frozenset(part.selected.fields)
    for other in world.ghost.parts if world.ghost is not None else ():
        fields = fields.intersection(other.selected.fields) if other.selected.stream == stream else fields
    return evolve(progress, acknowledged=part.record.item, due=progress.due | {(part.record, fields)})


def _committed(world: World, part: Part, operation: StreamOperation | None) -> World:
    """A swap takes the place of all earlier generations."""
    if operation not in SWAPS:
        return world
    progress = world.progress(part.selected.stream)
    kept = frozenset(due for due in progress.due if due[0].generation == part.record.generation)
    return world.with_progress(part.selected.stream, evolve(progress, due=kept))


def _locked(world: World, run: Run, part: Part) -> bool:
    """Whether the other run holds the table's lock: from its claim to its end."""
    other = world.ghost if run is world.run else world.run
    entry = world.database.entry(part.tables.final)
    return other is not None and entry is not None and entry.owner == other.number


def _with_run(world: World, run: Run, after: Run | None) -> World:
    return evolve(world, run=after) if run is world.run else evolve(world, ghost=after)


def _ended(world: World, run: Run, *, complete: bool = False, crashes: int | None = None) -> World:
    """The process is gone, and its locks with it."""
    for part in run.parts if complete else ():
        progress = world.progress(part.selected.stream)
        world = world.with_progress(part.selected.stream, evolve(progress, complete=True))
    world = evolve(world, database=world.database.released(run.number))
    return _with_run(world if crashes is None else evolve(world, crashes=crashes), run, None)
