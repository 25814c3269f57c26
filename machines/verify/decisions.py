"""The lifecycle's decisions, asked of the real class's table and guards, and remembered. Knows no rule of a stream
itself. A test drives the class from its start and compares.
"""

from typing import Any

from attrs import frozen

from dataflow.types import TableName
from machines.loads import Load
from machines.operations import Answer, Facts, Publishing, Recipe, StreamOperation, TempFacts
from machines.parts import Atomic
from machines.stream import StreamLife, StreamLifecycle
from machines.verify.arrows import Arrows
from machines.verify.coverage import arrow
from machines.verify.scenarios import Sync


@frozen(eq=False)
class Knowledge:
    """What the stream's life says once it has found this. One for each, so that it is compared by identity."""

    sync: Sync
    publishing: Publishing | None
    facts: Facts | None
    left: TempFacts | None
    load: Load | None
    recipe: Recipe
    columns: tuple[str, ...]
    temp: TableName
    finalises: int | None
    replaces_each_time: bool
    writes_to_temp: bool


Known = tuple[Sync, Publishing | None, Facts | None, TempFacts | None]


class Decisions:
    """What the machine does next, for each state, event and knowledge, on a database of this class."""

    def __init__(
        self,
        machine: type[StreamLifecycle] = StreamLifecycle,
        life: type[StreamLife] = StreamLife,
        atomic: Atomic = Atomic.EVERYTHING,
    ) -> None:
        self._arrows = Arrows(machine)
        self._life = life
        self._atomic = atomic
        self._known: dict[Known, Knowledge] = {}
        self._recipes: dict[Recipe, Recipe] = {}
        self._targets: dict[tuple[Knowledge, str, str], str] = {}
        # The arrows that were taken.
        self.met: set[str] = set()
        self.operations: dict[str, Any] = dict(machine.OPERATIONS)
        self.first = str(machine.initial_state.id)

    def knowledge(
        self,
        sync: Sync,
        facts: Facts | None = None,
        left: TempFacts | None = None,
        publishing: Publishing | None = None,
    ) -> Knowledge:
        """What a life of that sync says."""
        asked = (sync, publishing, facts, left)
        known = self._known.get(asked)
        if known is None:
            known = self._known[asked] = self._ask(*asked)
        return known

    def target(self, knowledge: Knowledge, state: str, event: str) -> str:
        """The state that the event leads to. Raises TransitionNotAllowed when the machine does not take it."""
        target = self._targets.get((knowledge, state, event))
        if target is None:
            living = self.living(knowledge)
            target = self._targets[knowledge, state, event] = self._arrows.target(living, state, event)
            self.met.add(arrow(state, event, target))
        return target

    @property
    def arrows(self) -> frozenset[str]:
        """All that the machine has."""
        return frozenset(arrow(*each) for each in self._arrows.all_of_them)

    def living(self, knowledge: Knowledge) -> StreamLife:
        """A life that knows this."""
        return self._living(knowledge.sync, knowledge.publishing, knowledge.facts, knowledge.left)

    def operation(self, state: str) -> StreamOperation | None:
        """What the state asks for, if it asks for something."""
        return self.operations.get(state)

    def _living(
        self, sync: Sync, publishing: Publishing | None, facts: Facts | None, left: TempFacts | None
    ) -> StreamLife:
        life = self._life(sync.stream, sync.tables, atomic=self._atomic, load=sync.load)
        life.learn(Answer(publishing=publishing, facts=facts, left=left))
        return life

    def _ask(
        self, sync: Sync, publishing: Publishing | None, facts: Facts | None, left: TempFacts | None
    ) -> Knowledge:
        life = self._living(sync, publishing, facts, left)
        wanted = life.recipe
        return Knowledge(
            sync=sync,
            publishing=publishing,
            facts=facts,
            left=left,
            load=sync.load,
            # Equal recipes are one object, so that they are compared quickly.
            recipe=self._recipes.setdefault(wanted, wanted),
            columns=tuple(column.name for column in life.tables.columns),
            temp=life.tables.temp,
            finalises=life.stream.generation_id if _finalises(life) else None,
            replaces_each_time=life.stream.replaces_each_time,
            writes_to_temp=life.writes_to_temp,
        )


def _finalises(life: StreamLife) -> bool:
    """Whether the ledger remembers that the generation was published."""
    return life.stream.strategy.truncates and not life.stream.replaces_each_time
