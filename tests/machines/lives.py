"""Lives for tests: a stream's life as a catalog would make it, and a port that answers from a list."""

from collections.abc import Sequence
from typing import Any

from dataflow.catalog import Append, Dedupe, DestinationStream, Strategy
from dataflow.errors import DataflowError
from dataflow.stream_tables import StreamTables
from dataflow.types import INTEGER, STRING, Column, Field, StreamName, TableName
from machines.operations import Answer, Facts, Operation, Recipe, TempFacts, recipe
from machines.parts import Atomic
from machines.stream import StreamLife

USERS = StreamName("shop", "users")
COLUMNS = (Column("id", "id", INTEGER), Column("name", "name", STRING))
TABLES = StreamTables(
    stream=USERS, final=TableName("shop", "users"), temp=TableName("shop", "users_tmp"), columns=COLUMNS
)


def life(strategy: Strategy, generation: int = 2, atomic: Atomic = Atomic.EVERYTHING) -> StreamLife:
    """A life of that strategy, before its first transition."""
    stream = DestinationStream(
        name=USERS,
        fields=tuple(Field(column.field, column.type) for column in COLUMNS),
        import_type=Dedupe(("id",), None) if strategy.dedupes else Append(),
        generation_id=generation,
        minimum_generation_id=generation if strategy.truncates else 0,
        sync_id=7,
    )
    return StreamLife(stream, TABLES, atomic=atomic)


def recipe_of(strategy: Strategy, generation: int = 2) -> Recipe:
    """The recipe that such a life opens its temp table with."""
    of = life(strategy, generation)
    return recipe(of.stream, of.tables)


def found(
    temp: Recipe | None = None, *, empty: bool = False, covered: bool = True, finalised: bool = False
) -> Facts:
    """What INSPECT finds: no temp table, or one of a recipe."""
    return Facts(
        temp=None if temp is None else TempFacts(empty=empty, recipe=temp, covered=covered),
        finalised=finalised,
    )


class Answering:
    """A port that gives the answers of a list in turn, then plain ones; an error in it is raised."""

    def __init__(self, answers: Sequence[Answer | DataflowError]) -> None:
        self._answers = list(answers)
        self.asked: list[Operation] = []

    def perform(self, operation: Operation, life: Any) -> Answer:
        """The next answer."""
        self.asked.append(operation)
        answer = self._answers.pop(0) if self._answers else Answer()
        if isinstance(answer, DataflowError):
            raise answer
        return answer
