"""The whole life of a stream, from its claim to its published table. Decides; touches no database.

Read it from the top: the guards are questions about facts already found, the states say where a stream can
be, the arrows what comes next, and `OPERATIONS` what each state asks of the destination on entry.
"""

from typing import Protocol

from attrs import define
from statemachine import State

from dataflow.catalog import Strategy
from dataflow.runtime.clock import Clock
from dataflow.types import TableName
from machines.lifecycle import Executor, Lifecycle
from machines.loads import Files, Wish
from machines.operations import Answer, Facts, KeyFacts, StreamOperation
from machines.parts import Atomic
from machines.refusals import files_were_loaded, keys_would_merge, rows_are_gone, rows_are_unknown
from machines.stream_knowledge import StreamKnowledge


@define
class StreamLife(StreamKnowledge):
    """What a stream's lifecycle knows, and what follows from it: the guards of its arrows."""

    def learn(self, answer: Answer) -> None:
        """Take in what was found. Some of it is a failure of this stream: then nothing of it is touched."""
        super().learn(answer)
        if answer.facts is not None:
            self._judge(answer.facts)

    def _judge(self, facts: Facts) -> None:
        name, tables = self.stream.name, self.tables
        if self.load_is_published or self.load_is_given_up:
            return
        if self.files_were_loaded_since:
            self.fail(files_were_loaded(name, tables.final))
        elif self.ledger_contradicts_temp:
            self.fail(
                rows_are_gone(name, tables.temp, facts.lost)
                if facts.lost is not None
                else rows_are_unknown(name, tables.temp, tables.final)
            )
        elif self.final_would_merge_keys:
            self._keep(tables.final, facts.final_keys)
        elif self.temp_would_merge_keys:
            self._keep(tables.temp, facts.temp_keys)

    def _keep(self, table: TableName, keys: KeyFacts | None) -> None:
        """Fail, so that the table keeps these keys. The next sync leaves its columns as they are, if they can stay."""
        found = keys or KeyFacts()
        self.needs = found.stays
        self.fail(keys_would_merge(self.stream.name, table, found))

    # -- what was found

    @property
    def fails_before_its_start(self) -> bool:
        """Its names or its tables forbid it, as the setting up of the sync found."""
        return self.failure is not None

    @property
    def publication_begun(self) -> bool:
        """An earlier run decided to publish temp and did not end it: it is completed before anything is read.

        Never so where one commit holds a whole operation (`Atomic.EVERYTHING`), and with it the decision and the end.
        """
        return self.publishing is not None

    @property
    def start_would_lose_rows(self) -> bool:
        """The ledger contradicts temp, or distinct keys would become one in a table that the sync adds to.

        A load is refused in the same way if some of its files would be there twice.
        """
        keys_are_lost = self.final_would_merge_keys or self.temp_would_merge_keys
        return self.ledger_contradicts_temp or keys_are_lost or self.files_were_loaded_since

    @property
    def ledger_contradicts_temp(self) -> bool:
        """Temp holds rows that the ledger does not know, or it is gone with rows that a STATE covers."""
        unknown = self._temp is not None and self._temp.recipe is None and not self._temp.empty
        return unknown or self._acknowledged_rows_are_gone

    @property
    def final_would_merge_keys(self) -> bool:
        """Rows are added to the final table, and distinct keys could become one in the types that are declared now."""
        found = self.facts is not None and self.facts.final_keys is not None
        return found and not self.recipe.strategy.truncates

    @property
    def temp_would_merge_keys(self) -> bool:
        """Temp is resumed, and distinct keys could become one in it: by other types, or by values lost before."""
        found = self.facts is not None and self.facts.temp_keys is not None
        return found and self.temp_continues and not self.temp_disposable

    @property
    def temp_disposable(self) -> bool:
        """No row of temp is needed: it is empty, or a truncate's of a generation this sync replaces, or of another
        recipe and no STATE covers its rows.

        The temp table of this very load stays, also when it is empty: workers may write to it. If it is gone, it is
        forgotten before another is opened, and with it which shards are there.
        """
        if self._load_is_open:
            return self._temp is None
        if self._temp is None:
            return False
        found = self._temp.recipe
        superseded = found is not None and found.strategy.truncates and self._replaces(found)
        sent_again = found is not None and self.temp_of_another_recipe and not self._temp.covered
        return self._temp.empty or superseded or sent_again

    @property
    def temp_was_emptied(self) -> bool:
        """The start finds temp empty, although a STATE covers rows of it which this sync does not load again."""
        if self._temp is None or self._temp.recipe is None or self.left is not None:
            return False
        return self._temp.empty and self._temp.covered and not self._replaces(self._temp.recipe)

    @property
    def temp_continues(self) -> bool:
        """Temp is what this sync or load would open: the same recipe, or the same truncate with another schema."""
        if self._temp is None or self._temp.recipe is None:
            return False
        found, wanted = self._temp.recipe, self.recipe
        if found.load is not None or wanted.load is not None:
            return found.load == wanted.load
        same_truncate = (
            found.strategy.truncates
            and wanted.strategy.truncates
            and found.generation_id == wanted.generation_id
        )
        return same_truncate or found == wanted

    @property
    def temp_of_another_recipe(self) -> bool:
        """Temp holds rows of an interrupted sync of another kind."""
        return self._temp is not None and not self.temp_continues

    @property
    def writes_to_temp(self) -> bool:
        """Rows go to a temp table whenever readers must not see them half done, or no late insert may reach the final
        table.

        A load's shards all go there, so that one that is given up leaves nothing.
        A database that makes one statement durable at a time refuses no insert of a killed run. A temp table that was
        renamed since is not there for it; the final table is.
        """
        through_temp = self.load is not None or self.atomic is Atomic.STATEMENT
        return self.recipe.strategy is not Strategy.APPEND or through_temp

    # -- a load

    @property
    def load_is_published(self) -> bool:
        """Another process has published this very load: there is nothing left to do."""
        return self.load is not None and self._files is Files.PUBLISHED and not self._load_is_open

    @property
    def files_were_loaded_since(self) -> bool:
        """Another load has published some of its files since this one was planned."""
        return self._files is Files.LOADED_SINCE and not self._load_is_open

    @property
    def load_is_given_up(self) -> bool:
        """What it loaded is to be dropped."""
        return self.load is not None and self.load.wish is Wish.GIVE_UP

    @property
    def open_load_is_given_up(self) -> bool:
        """The same, and there is something to drop."""
        return self.load_is_given_up and self._load_is_open

    @property
    def _files(self) -> Files | None:
        return self.facts.files if self.facts is not None else None

    # -- how it is published

    @property
    def publishes_by_merge(self) -> bool:
        """Temp's rows are added to the final table, by primary key or as they are."""
        return self.writes_to_temp and not self.recipe.strategy.truncates

    @property
    def publishes_by_swap(self) -> bool:
        """Temp takes the final table's place as it is."""
        return self.recipe.strategy is Strategy.APPEND_TRUNCATE

    @property
    def publishes_by_dedupe_and_swap(self) -> bool:
        """Temp takes the final table's place with one row per primary key."""
        return self.recipe.strategy is Strategy.DEDUP_TRUNCATE

    # -- how it ends unpublished

    @property
    def leaves_empty_temp(self) -> bool:
        """No row waits for the next run: temp is empty, no STATE covers rows of it, and no worker may write to it."""
        if self.left is not None and self.left.recipe is not None and self.left.recipe.load is not None:
            return False
        return self.left is not None and self.left.empty and not self.left.covered

    @property
    def _acknowledged_rows_are_gone(self) -> bool:
        lost = self.facts.lost if self.facts is not None else None
        return lost is not None and not self._replaces(lost)


class StreamPort(Protocol):
    """Performs what a stream's lifecycle asks. Raises a DataflowError when, after its retries, it could not."""

    def perform(self, operation: StreamOperation, life: StreamLife) -> Answer:
        """Perform the operation to its end; repeating one that was performed changes nothing."""
        ...


class StreamLifecycle(Lifecycle):
    """The life of one stream in one sync."""

    idle = State(initial=True)
    claiming = State()

    class running(State.Compound):  # noqa: N801 - a state's id, like its siblings
        """Everything that an error ends in the same way."""

        inspecting = State(initial=True)
        completing = State()
        discarding = State()
        settling = State()
        opening_temp = State()
        resuming_temp = State()
        opening_final = State()
        writing = State()
        merging = State()
        swapping = State()
        deduping_and_swapping = State()
        giving_up = State()

    abandoning = State()
    dropping_empty_temp = State()
    done = State(final=True)
    # A load that other processes go on with, and one whose rows were dropped.
    left_open = State(final=True)
    given_up = State(final=True)
    failed = State(final=True)

    OPERATIONS = {  # noqa: RUF012 - declared a ClassVar by the base class
        "claiming": StreamOperation.CLAIM,
        "completing": StreamOperation.COMPLETE,
        "inspecting": StreamOperation.INSPECT,
        "discarding": StreamOperation.DISCARD,
        "settling": StreamOperation.SETTLE,
        "opening_temp": StreamOperation.OPEN_TEMP,
        "resuming_temp": StreamOperation.RESUME_TEMP,
        "opening_final": StreamOperation.OPEN_FINAL,
        "merging": StreamOperation.MERGE,
        "swapping": StreamOperation.SWAP,
        "deduping_and_swapping": StreamOperation.DEDUPE_AND_SWAP,
        "giving_up": StreamOperation.DISCARD,
        "abandoning": StreamOperation.ABANDON,
        "dropping_empty_temp": StreamOperation.DISCARD,
    }

    start = idle.to(failed, cond="fails_before_its_start") | idle.to(claiming)

    succeeded = (
        claiming.to(running.completing, cond="publication_begun")
        | claiming.to(running)
        | running.completing.to(running.inspecting)
        # The first guard that holds decides; each line is one rule of the start of a stream.
        | running.inspecting.to(done, cond="load_is_published")
        | running.inspecting.to(running.giving_up, cond="open_load_is_given_up")
        | running.inspecting.to(given_up, cond="load_is_given_up")
        | running.inspecting.to(abandoning, cond="start_would_lose_rows")
        | running.inspecting.to(running.discarding, cond="temp_disposable")
        | running.inspecting.to(running.resuming_temp, cond="temp_continues")
        | running.inspecting.to(running.settling, cond="temp_of_another_recipe")
        | running.inspecting.to(running.opening_temp, cond="writes_to_temp")
        | running.inspecting.to(running.opening_final)
        | running.discarding.to(running.opening_temp, cond="writes_to_temp")
        | running.discarding.to(running.opening_final)
        | running.settling.to(running.opening_temp, cond="writes_to_temp")
        | running.settling.to(running.opening_final)
        | running.opening_temp.to(running.writing)
        | running.resuming_temp.to(running.writing)
        | running.opening_final.to(running.writing)
        | running.merging.to(done)
        | running.swapping.to(done)
        | running.deduping_and_swapping.to(done)
        | running.giving_up.to(given_up)
        | abandoning.to(dropping_empty_temp, cond="leaves_empty_temp")
        # Temp is kept: the next run decides what becomes of it.
        | abandoning.to(failed)
        | dropping_empty_temp.to(failed)
    )

    flushed = running.writing.to(running.writing)

    completed = (
        running.writing.to(running.merging, cond="publishes_by_merge")
        | running.writing.to(running.swapping, cond="publishes_by_swap")
        | running.writing.to(running.deduping_and_swapping, cond="publishes_by_dedupe_and_swap")
        | running.writing.to(done)
    )

    # Workers write the shards of the load, and another process publishes it.
    handed_over = running.writing.to(left_open)

    ended = running.writing.to(abandoning)

    errored = (
        claiming.to(failed) | running.to(abandoning) | abandoning.to(failed) | dropping_empty_temp.to(failed)
    )


def stream_lifecycle(life: StreamLife, port: StreamPort, clock: Clock, *listeners: object) -> StreamLifecycle:
    """A stream's machine, ready for `start`. Listeners receive every transition after the executor."""
    return StreamLifecycle(life, listeners=[Executor(port, clock), *listeners])
