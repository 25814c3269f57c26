"""What a stream's lifecycle knows: the catalog's wishes, its tables, and what its operations found. Decides nothing."""

from collections.abc import Mapping
from typing import Any

from attrs import define, evolve, field

from dataflow.catalog import DestinationStream
from dataflow.errors import DataflowError
from dataflow.stream_tables import StreamTables
from dataflow.types import Kind
from machines.loads import Load
from machines.operations import Answer, Facts, Publishing, Recipe, TempFacts, recipe
from machines.parts import Atomic


@define
class StreamKnowledge:
    """What a stream's lifecycle knows. Nothing is remembered from an earlier process.

    `atomic` is the class of its database. `publishing` comes from CLAIM, and `facts` come from INSPECT. `left` is the
    temp table as ABANDON finds it. `load` is what is loaded, where the rows come in shards and not as messages.
    """

    stream: DestinationStream
    tables: StreamTables
    atomic: Atomic = field(kw_only=True)
    publishing: Publishing | None = None
    facts: Facts | None = None
    left: TempFacts | None = None
    load: Load | None = field(default=None, kw_only=True)
    failure: DataflowError | None = None
    # Kinds that the columns of some fields are to have from the next sync on, since theirs do not hold what came.
    needs: Mapping[str, Kind] = field(factory=dict)
    state: Any = field(default=None, repr=False)

    def learn(self, answer: Answer) -> None:
        """Take in what was found."""
        self.publishing = answer.publishing or self.publishing
        self.facts = answer.facts or self.facts
        self.left = answer.left or self.left
        if answer.facts is not None and answer.facts.temp_name is not None:
            self.tables = evolve(self.tables, temp=answer.facts.temp_name)
        if answer.temp is not None:
            self.tables = evolve(self.tables, temp=answer.temp)
        if answer.facts is not None and answer.facts.generation is not None:
            own = answer.facts.generation
            self.stream = evolve(self.stream, generation_id=own, minimum_generation_id=own)

    def fail(self, error: DataflowError) -> None:
        """The first failure is the reason; what follows from it is not."""
        self.failure = self.failure or error

    @property
    def recipe(self) -> Recipe:
        """How this sync reaches the final table.

        A truncate whose generation was already published has nothing left to replace: a retry of it adds.
        """
        wanted = recipe(self.stream, self.tables)
        if self.load is not None:
            wanted = evolve(wanted, load=self.load.id)
        if self.facts is not None and self.facts.finalised:
            return evolve(wanted, strategy=wanted.strategy.incremental)
        return wanted

    def _replaces(self, found: Recipe) -> bool:
        """Whether this sync loads again everything that a sync of that recipe loaded."""
        return found.generation_id < self.stream.minimum_generation_id

    @property
    def _load_is_open(self) -> bool:
        """Whether the load of this life is open: its temp table was made, and its publication is not decided."""
        return self.facts is not None and self.load is not None and self.facts.opened == self.load.id

    @property
    def _temp(self) -> TempFacts | None:
        return self.facts.temp if self.facts is not None else None
