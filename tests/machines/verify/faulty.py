"""Faults for the search to find: databases, machines and platforms that break one rule each."""

from collections.abc import Iterator

import attrs

from machines.operations import Recipe, StreamOperation, TempFacts, recipe
from machines.parts import Part
from machines.stream import StreamLife
from machines.verify.database import Database
from machines.verify.decisions import Decisions, Knowledge
from machines.verify.moves import Moves
from machines.verify.outcomes import Move
from machines.verify.performers import Performers
from machines.verify.platform import Platform
from machines.verify.requests import Request
from machines.verify.rules import A, Replaces, Rule
from machines.verify.scenarios import Scenario, Sync
from machines.verify.search import Search
from machines.verify.steps import Steps
from machines.verify.transactions import Operations
from machines.verify.values import evolve
from machines.verify.works import Work
from machines.verify.world import GHOST, Run, World


class DropsTempOnFailure(Operations):
    """A temp table is found empty where it holds rows, when a stream is abandoned."""

    def left(self, database: Database) -> TempFacts | None:
        found = super().left(database)
        return attrs.evolve(found, empty=True, covered=False) if found is not None else None


class CutsNothing(Performers):
    """Rows beyond the checkpoint stay, in the operation that is named."""

    of: StreamOperation

    def cut_temp(self, database: Database, request: Request) -> Database:
        return database if request.operation == self.of else super().cut_temp(database, request)


class ResumesWithoutTheCut(Operations):
    class performers(CutsNothing):  # noqa: N801 - an attribute of the class
        of = StreamOperation.RESUME_TEMP


class SettlesWithoutTheCut(Operations):
    class performers(CutsNothing):  # noqa: N801 - an attribute of the class
        of = StreamOperation.SETTLE


class SwapsAndDropsApart(Operations):
    """The old table takes temp's name, and is dropped in a transaction of its own."""

    def groups(self, request: Request) -> tuple[tuple[Part, ...], ...]:
        (whole,) = super().groups(request)
        if Part.REPLACE not in whole:
            return (whole,)
        at = whole.index(Part.REPLACE) + 1
        return whole[:at], whole[at:]


class ForgetsWhatWasFlushed(Operations):
    """A flush whose answer was lost is written again."""

    class performers(Performers):  # noqa: N801 - an attribute of the class
        def is_written(self, database: Database, request: Request) -> bool:
            return False


class TellsBeforeTheCommit(Moves):
    def attempted(self, database: Database, slot: str, run: Run, work: Work) -> Iterator[Move]:
        for move in super().attempted(database, slot, run, work):
            yield _reported(move, run, work) if slot != GHOST else move


class GoesOnWithWhatIsReplaced(Steps):
    """The client goes on from a STATE that covers a stream which each sync replaces: a GLOBAL one, when published."""

    def __init__(self, scenario: Scenario, moves: Moves) -> None:
        super().__init__(scenario, moves)
        self.platform = _GoesOn(scenario, moves.decisions)


class TellsOfTemp(Moves):
    """A STATE is emitted when its flush is durable, whatever became of those before, and of rows that the next sync
    drops.
    """

    def attempted(self, database: Database, slot: str, run: Run, work: Work) -> Iterator[Move]:
        for move in super().attempted(database, slot, run, work):
            yield _reported(move, run, work) if slot != GHOST and not move.befell else move


def _reported(move: Move, run: Run, work: Work) -> Move:
    """The move, after which a STATE is emitted of what was attempted."""
    if not work.until:
        return move
    covered = run.knowledge.sync.covered(work.until)
    return attrs.evolve(move, news=evolve(move.news, acknowledged=covered))


class _GoesOn(Platform):
    def begins(self, world: World, sync: Sync) -> int:
        return max((one.acknowledged for one in world.syncs if one.sync.lineage == sync.lineage), default=0)


class SwapsOnIncomplete(Decisions):
    def target(self, knowledge: Knowledge, state: str, event: str) -> str:
        swaps = event == "ended" and knowledge.recipe.strategy.truncates
        return super().target(knowledge, state, "completed" if swaps else event)


class AsksForTempBeforeFinalised(StreamLife):
    @property
    def recipe(self) -> Recipe:
        wanted = recipe(self.stream, self.tables)
        found = self.facts.temp if self.facts is not None else None
        mine = (
            found is not None
            and found.recipe is not None
            and found.recipe.generation_id == wanted.generation_id
        )
        return wanted if mine else super().recipe


class KeepsAnEmptyTemp(StreamLife):
    @property
    def temp_disposable(self) -> bool:
        found = self.facts.temp if self.facts is not None else None
        return super().temp_disposable and found is not None and not found.empty


EXCHANGES = attrs.evolve(A, replaces=Replaces.EXCHANGE, without=frozenset({Rule.DECIDE_TO_REPLACE}))
UNFENCED = attrs.evolve(A, without=frozenset({Rule.FENCE}))
BEYOND_THE_GAP = attrs.evolve(A, without=frozenset({Rule.STOP_AT_THE_GAP}))

FAULTS: dict[str, Search] = {
    "temp_is_dropped_on_failure": Search(operations=DropsTempOnFailure()),
    "state_is_told_before_the_commit": Search(moves=TellsBeforeTheCommit),
    "an_incomplete_stream_is_swapped": Search(decisions=SwapsOnIncomplete()),
    "there_is_no_fence": Search(operations=Operations(UNFENCED)),
    "swap_and_drop_are_apart": Search(operations=SwapsAndDropsApart(EXCHANGES)),
    "temp_is_resumed_without_the_cut": Search(operations=ResumesWithoutTheCut()),
    "temp_is_settled_without_the_cut": Search(operations=SettlesWithoutTheCut()),
    "temp_is_asked_for_before_finalised": Search(decisions=Decisions(life=AsksForTempBeforeFinalised)),
    "an_empty_temp_is_not_discarded": Search(decisions=Decisions(life=KeepsAnEmptyTemp)),
    "a_flush_is_written_twice": Search(operations=ForgetsWhatWasFlushed()),
    "a_replaced_stream_is_gone_on_with": Search(steps=GoesOnWithWhatIsReplaced),
    "a_state_is_told_of_what_is_replaced": Search(steps=GoesOnWithWhatIsReplaced, moves=TellsOfTemp),
    "a_state_beyond_the_gap_is_told": Search(moves=TellsOfTemp, flushes=2),
    "beyond_the_gap": Search(operations=Operations(BEYOND_THE_GAP), flushes=2),
}
