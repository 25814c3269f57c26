"""Faults for the search to find: databases, machines and platforms that break one rule each."""

from collections.abc import Iterator

import attrs

from machines.operations import Recipe, StreamOperation, recipe
from machines.stream import StreamLife
from machines.verify.database import Database
from machines.verify.decisions import Decisions, Knowledge
from machines.verify.moves import Attempt, Move, Moves
from machines.verify.platform import Platform
from machines.verify.scenarios import Scenario, Sync
from machines.verify.search import Search
from machines.verify.steps import Steps
from machines.verify.transactions import Flush, Operations, Performed, Wishes
from machines.verify.values import evolve
from machines.verify.world import RUN, Run, World


class DropsTempOnFailure(Operations):
    """A temp table is found empty where it holds rows, when a stream is abandoned."""

    def perform(
        self, operation: StreamOperation, database: Database, epoch: int, wishes: Wishes
    ) -> Performed:
        performed = super().perform(operation, database, epoch, wishes)
        left = performed.left
        found = attrs.evolve(left, empty=True, covered=False) if left is not None else None
        return attrs.evolve(performed, left=found)


class HasNoFence(Operations):
    def held(self, database: Database, epoch: int) -> Database:
        return database


class ResumesWithoutTheCut(Operations):
    def resume_temp(self, database: Database, wishes: Wishes) -> Database:
        everything = evolve(database, entry=evolve(database.entry, checkpoint=database.entry.highest_raw_id))
        return super().resume_temp(everything, wishes)


class SettlesWithoutTheCut(Operations):
    def settle(self, database: Database, wishes: Wishes) -> Database:
        everything = evolve(database, entry=evolve(database.entry, checkpoint=database.entry.highest_raw_id))
        return super().settle(everything, wishes)


class SwapsAndDropsApart(Operations):
    """The old table takes temp's name, and is dropped in a transaction of its own."""

    def perform(
        self, operation: StreamOperation, database: Database, epoch: int, wishes: Wishes
    ) -> Performed:
        performed = super().perform(operation, database, epoch, wishes)
        (done,) = performed.databases
        if done.entry.finalised == database.entry.finalised or database.final is None:
            return performed
        between = evolve(done, temp=database.final, entry=evolve(done.entry, recipe=database.entry.recipe))
        return attrs.evolve(performed, databases=(between, done))


class ForgetsWhatWasFlushed(Operations):
    """A flush whose answer was lost is written again."""

    def insert(self, database: Database, epoch: int, wishes: Wishes, flush: Flush) -> Database:
        forgetful = evolve(database, entry=evolve(database.entry, last_flush=flush.number - 1))
        return super().insert(forgetful, epoch, wishes, flush)


class TellsBeforeTheCommit(Steps):
    def __init__(self, scenario: Scenario, decisions: Decisions, operations: Operations) -> None:
        super().__init__(scenario, decisions, operations)
        self.moves = _TellsFirst(decisions, operations)


class _TellsFirst(Moves):
    def attempted(self, database: Database, slot: str, run: Run, attempt: Attempt) -> Iterator[Move]:
        for move in super().attempted(database, slot, run, attempt):
            yield _reported(move, run, attempt) if slot == RUN else move


class GoesOnWithWhatIsReplaced(Steps):
    """The client goes on from a STATE that covers a stream which each sync replaces: a GLOBAL one, when published."""

    def __init__(self, scenario: Scenario, decisions: Decisions, operations: Operations) -> None:
        super().__init__(scenario, decisions, operations)
        self.platform = _GoesOn(scenario, decisions)


class TellsWhatIsReplaced(GoesOnWithWhatIsReplaced):
    """So it may, too, with a STATE of rows that the next sync drops."""

    def __init__(self, scenario: Scenario, decisions: Decisions, operations: Operations) -> None:
        super().__init__(scenario, decisions, operations)
        self.moves = _TellsOfTemp(decisions, operations)


class _TellsOfTemp(Moves):
    def attempted(self, database: Database, slot: str, run: Run, attempt: Attempt) -> Iterator[Move]:
        for move in super().attempted(database, slot, run, attempt):
            yield _reported(move, run, attempt) if slot == RUN and not move.befell else move


def _reported(move: Move, run: Run, attempt: Attempt) -> Move:
    """The move, after which a STATE is emitted of what was attempted."""
    if not attempt.until:
        return move
    covered = run.knowledge.sync.covered(attempt.until)
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


FAULTS: dict[str, Search] = {
    "temp_is_dropped_on_failure": Search(operations=DropsTempOnFailure()),
    "state_is_told_before_the_commit": Search(steps=TellsBeforeTheCommit),
    "an_incomplete_stream_is_swapped": Search(decisions=SwapsOnIncomplete()),
    "there_is_no_fence": Search(operations=HasNoFence()),
    "swap_and_drop_are_apart": Search(operations=SwapsAndDropsApart()),
    "temp_is_resumed_without_the_cut": Search(operations=ResumesWithoutTheCut()),
    "temp_is_settled_without_the_cut": Search(operations=SettlesWithoutTheCut()),
    "temp_is_asked_for_before_finalised": Search(decisions=Decisions(life=AsksForTempBeforeFinalised)),
    "an_empty_temp_is_not_discarded": Search(decisions=Decisions(life=KeepsAnEmptyTemp)),
    "a_flush_is_written_twice": Search(operations=ForgetsWhatWasFlushed()),
    "a_replaced_stream_is_gone_on_with": Search(steps=GoesOnWithWhatIsReplaced),
    "a_state_is_told_of_what_is_replaced": Search(steps=TellsWhatIsReplaced),
}
