"""A load step by step, by processes that need not know each other: open it, write one shard, publish it, or drop it.

Each step may be repeated, and says the same again. The plan's file is all that they share beside the destination.
"""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from attrs import evolve, frozen

from connectors.contract import Atomic
from connectors.engine.load.adopting import stream_of
from connectors.engine.load.deciding import Decision, Todo, adopted, decide
from connectors.engine.load.plan_file import LoadPlan
from connectors.engine.load.session import Until
from connectors.engine.load.survey import Survey, survey
from connectors.engine.load.worker import expect_loads
from connectors.engine.load.writing import Outcome, ShardWriter, Target
from connectors.engine.process.config_url import is_url
from connectors.engine.process.load import Order, foreseen
from connectors.engine.process.load_files import Job, LoadedFiles, take
from connectors.engine.process.open_destination import Configured
from dataflow.errors import ConfigError
from dataflow.files.shards import files_of, shard_from_text
from machines.loads import ShardRow, Wish

# In the plan of a load that had nothing to load.
NO_LOAD = ""


@frozen
class Steps:
    """The steps of a load, each by a process of its own."""

    job: Job

    def open(self, order: Order, config: str | None) -> tuple[LoadedFiles, LoadPlan | None]:
        """Open the load, or find it open; and its plan, unless it failed. `config` is what the plan says of it.

        Raises ConfigError for what is wrong before anything was done. A load of the same name that is open with other
        files is refused.
        """
        self.job.stop.expect_none()
        with self.job.destination() as destination:
            expect_loads(destination.connector)
            wanted = order.wanted(destination.connector)
            found = survey(destination.connector, wanted.stream.name, wanted.name)
            decision = decide(wanted, found)
            plan = LoadPlan(
                destination=destination.name,
                config=config,
                stream=wanted.stream.name,
                table=found.table,
                load=NO_LOAD,
                name=wanted.name,
                shards=0,
            )
            if decision.todo is Todo.NOTHING:
                loaded = self._completed(decision, destination)
                return loaded, plan if loaded.succeeded else None
            if decision.todo in (Todo.FINISH_EARLIER, Todo.GIVE_UP_EARLIER):
                raise _another_is_open(found)
            if decision.todo is Todo.OPEN:
                foreseen(order, destination)
            loaded = self._take(decision, Until.OPEN, destination)
        if not loaded.succeeded:
            return loaded, None
        return evolve(loaded, known=decision.left_out), evolve(
            plan, load=decision.load.id, shards=len(loaded.shards)
        )

    def write(self, plan: LoadPlan, number: int) -> Outcome:
        """Write one shard, unless it is written. Claims nothing: any number of processes may do so at once."""
        with self.job.destination() as destination:
            writer = ShardWriter(
                destination.connector, _target(plan), stop=self.job.stop, strike=self.job.strike
            )
            with closing(writer):
                outcome = writer.write(number)
        if outcome.failure is not None and self.look(plan).was_published(plan.load):
            return Outcome(number=number, found=True)
        return outcome

    def publish(self, plan: LoadPlan) -> LoadedFiles:
        """Publish the load, unless it is published. Fails while a shard is missing."""
        with self.job.destination() as destination:
            found = survey(destination.connector, plan.stream, plan.name)
            if found.opened is None or found.opened.recipe.load != plan.load:
                if found.was_published(plan.load):
                    return LoadedFiles(succeeded=True)
                raise _is_not_open(plan)
            return self._take(self._adopted(found, plan), Until.WRITTEN_BY_OTHERS, destination)

    def discard(self, plan: LoadPlan) -> LoadedFiles:
        """Drop what the load has written. Raises ConfigError for one that was published."""
        with self.job.destination() as destination:
            found = survey(destination.connector, plan.stream, plan.name)
            if found.was_published(plan.load):
                raise ConfigError(
                    f"The load was published: its rows are in {plan.table}.",
                    doing="dropping the load",
                    remedy="Nothing was changed. To replace the rows, load other files with --mode overwrite.",
                )
            if not found.is_open(plan.load):
                return LoadedFiles(succeeded=True)
            decision = self._adopted(found, plan)
            given_up = evolve(decision, load=evolve(decision.load, wish=Wish.GIVE_UP))
            return self._take(given_up, Until.GIVEN_UP, destination)

    def look(self, plan: LoadPlan) -> Survey:
        """What the destination knows of the load."""
        with self.job.destination() as destination:
            return survey(destination.connector, plan.stream, plan.name)

    def _completed(self, decision: Decision, destination: Configured) -> LoadedFiles:
        """A load of no files. Outside of class A it completes the publication that an earlier process began."""
        if destination.connector.atomic is Atomic.EVERYTHING:
            return LoadedFiles(succeeded=True, known=decision.left_out)
        return evolve(self._take(decision, Until.PUBLISHED, destination), known=decision.left_out)

    def _adopted(self, found: Survey, plan: LoadPlan) -> Decision:
        assert found.opened is not None, "the caller looked"  # noqa: S101 - for the type checker
        return Decision(
            todo=Todo.GO_ON,
            stream=stream_of(plan.stream, found.opened.recipe),
            load=adopted(found, plan.name),
        )

    def _take(self, decision: Decision, until: Until, destination: Configured) -> LoadedFiles:
        return take(decision, until, destination, self.job)


def _target(plan: LoadPlan) -> Target:
    return Target(stream=plan.stream, table=plan.table, load=plan.load)


def config_in_plan(name: str, config: str) -> str | None:
    """What a plan says of --config: a file's path from the root; nothing of a URL, which may hold a secret."""
    return None if is_url(config, name) else str(Path(config).absolute())


def names_of(shard: ShardRow) -> Sequence[str]:
    """The files that a shard reads."""
    return [str(file) for file in files_of([shard_from_text(shard.spec)])]


def _another_is_open(found: Survey) -> ConfigError:
    return ConfigError(
        f"A load of this name is open on {found.table}, of other files or of files that have changed since.",
        doing="opening the load",
        remedy="Nothing was changed. Finish it with its own plan (`dataflow shards publish PLAN`), or with the "
        "`dataflow load` command that began it, or drop what it loaded with `dataflow shards discard PLAN`.",
    )


def _is_not_open(plan: LoadPlan) -> ConfigError:
    return ConfigError(
        f"The load is not open on {plan.table}: it was dropped, or another has replaced the table since.",
        doing="publishing the load",
        remedy="Nothing was changed. Open it again with `dataflow shards open`.",
    )
