"""The rounds in which a load's shards are written: what the ledger lacks is submitted, then the ledger is asked again.

Nothing is counted by what tasks return: a worker may die after its commit, and its shard is there. Decides nothing of
the load's life.
"""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from attrs import frozen

from connectors.engine.load.executors import Executor, Running
from connectors.engine.load.stopping import Stop
from connectors.engine.load.writing import Outcome
from dataflow.errors import DataflowError, TransientError
from dataflow.runtime import Runtime
from machines.formatting import number_of
from machines.loads import ShardRow

Task = TypeVar("Task")
# Rounds without a new shard after which the load is given up for now.
FRUITLESS = 20
# Seconds between two looks at the ledger while workers write, and after a round without a new shard.
LOOKING, PAUSE, LONGEST = 2.0, 0.2, 10.0


@frozen(kw_only=True)
class Rounds:
    """Has the shards of an open load written.

    `look` reads the ledger's shards, and `progress` is given them whenever it did; `landed` is, while no worker is at
    work. `work` writes the shard of a task, and `ended` is given each outcome that came back.
    """

    look: Callable[[], Sequence[ShardRow]]
    progress: Callable[[Sequence[ShardRow]], None]
    landed: Callable[[Sequence[ShardRow]], None]
    task: Callable[[int], Any]
    work: Callable[[Any], Outcome]
    ended: Callable[[Outcome], None]
    stop: Stop
    runtime: Runtime

    def run(self, executor: Executor) -> Sequence[ShardRow]:
        """The shards, once all of them are there.

        Raises the first ConfigError or InternalError of a worker, when those at work have ended; the reason for which
        the load was asked to stop; and TransientError after many rounds without a new shard.
        """
        most, fruitless = -1, 0
        trouble: BaseException | None = None
        while True:
            shards = self._looked()
            self.landed(shards)
            missing = [shard.number for shard in shards if shard.rows is None]
            if not missing:
                return shards
            there = len(shards) - len(missing)
            fruitless = 0 if there > most else fruitless + 1
            most = max(most, there)
            if fruitless == FRUITLESS:
                raise _no_progress(there, len(shards), trouble) from trouble
            if fruitless:
                self.stop.asked.wait(min(PAUSE * 2**fruitless, LONGEST))
            trouble = self._round(executor, missing) or trouble

    def _looked(self) -> Sequence[ShardRow]:
        shards = self.look()
        self.progress(shards)
        return shards

    def _round(self, executor: Executor, missing: Sequence[int]) -> BaseException | None:
        """Submit each of the shards once; the last passing trouble that a worker had."""
        waiting, running = deque(missing), set[Running]()
        trouble: BaseException | None = None
        failure: DataflowError | None = None
        looked = self.runtime.clock.monotonic()
        while running or (waiting and failure is None and self.stop.reason is None):
            if failure is None and self.stop.reason is None:
                while waiting and len(running) < executor.window:
                    running.add(executor.submit(self.work, self.task(waiting.popleft())))
            for each in executor.first(running, LOOKING):
                running.discard(each)
                error = self._heard(each, executor)
                if isinstance(error, DataflowError) and not isinstance(error, TransientError):
                    failure = failure or error
                trouble = error or trouble
            if self.runtime.clock.monotonic() - looked >= LOOKING:
                self._looked()
                looked = self.runtime.clock.monotonic()
            if self.stop.reason is not None:
                break
        if (reason := self.stop.reason or failure) is not None:
            # For the report; that it cannot be read is not the reason.
            with suppress(DataflowError):
                self._looked()
            raise reason
        return trouble

    def _heard(self, task: Running, executor: Executor) -> BaseException | None:
        """What kept a task from writing its shard, if anything did."""
        try:
            outcome: Outcome = task.result()
        except executor.lost as lost:
            return lost
        self.ended(outcome)
        return outcome.failure.error if outcome.failure is not None else None


def _no_progress(there: int, of: int, trouble: BaseException | None) -> TransientError:
    why = (
        trouble.message
        if isinstance(trouble, DataflowError)
        else f"Workers were lost ({type(trouble).__name__})."
    )
    return TransientError(
        f"No shard was written in {FRUITLESS} rounds; {there} of {number_of(of, 'shard')} are there. {why}",
        doing="writing the shards",
        remedy="What is there is kept. Find out what becomes of the workers, then run the same load again: it goes on.",
    )
