"""The suite of loads: rows that come in shards, which any process may write, are there once, or not at all.

A worker may die anywhere, come twice, or come late. The ledger alone says which shards are there.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pyarrow as pa
import pytest
from attrs import evolve

from connectors.contract import Atomic
from connectors.testkit.harness.cuts import Cut, Fault, Interruption
from connectors.testkit.harness.destination import Destination, Suite, each_needs
from connectors.testkit.harness.loads import PUBLISH, LoadStage, Pair, file, load_of, load_stage
from connectors.testkit.harness.rows import row
from connectors.testkit.harness.runs import open_run
from connectors.testkit.harness.theatre import BEYOND
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError, TransientError
from dataflow.types import RAW_ID
from machines.loads import ShardRow
from machines.operations import Publishing, StreamOperation

O = StreamOperation  # noqa: E741 - as in the other suites
APPEND, DEDUP, APPEND_TRUNCATE = Strategy.APPEND, Strategy.DEDUP, Strategy.APPEND_TRUNCATE
SHARDS: tuple[tuple[Pair, ...], ...] = (
    ((1, "a"), (2, "b"), (3, "c")),
    ((2, "b again"),),
    ((4, "d"), (4, "e")),
)
FIRST, IN_ORDER = list(SHARDS[0]), [pair for shard in SHARDS for pair in shard]
PRIOR: list[Pair] = [(1, "prior"), (9, "prior")]
# What each kind of load leaves of the prior rows and its own, in the order of their raw ids.
LEFT: dict[Strategy, list[Pair]] = {
    APPEND: [*PRIOR, *IN_ORDER],
    DEDUP: [(9, "prior"), (1, "a"), (3, "c"), (2, "b again"), (4, "e")],
    APPEND_TRUNCATE: IN_ORDER,
}
FILES = tuple(file(f"{number}.ndjson", "one") for number in range(len(SHARDS)))


@each_needs(loads=True)
class LoadSuite(Suite):
    """Open, write, publish: each by another process, in whatever order, and as often as it takes."""

    @pytest.fixture
    def stage(self, destination: Destination) -> Iterator[LoadStage]:
        """The destination, to be loaded into."""
        with load_stage(destination, SHARDS) as stage:
            yield stage

    @pytest.mark.parametrize("strategy", LEFT)
    def test_a_load_is_published_with_every_row_once_in_the_order_of_its_files(
        self, stage: LoadStage, strategy: Strategy
    ) -> None:
        synced(stage)
        stage = evolve(stage, strategy=strategy)
        stage.open()
        stage.write(2, 0, 1)
        before = stage.rows(), stage.files()

        stage.publish()

        assert before == (PRIOR, ())
        assert (stage.rows(), stage.files(), stage.shard_rows()) == (LEFT[strategy], FILES, [])
        assert stage.tables == {stage.table}

    def test_a_load_without_rows_is_published(self, stage: LoadStage) -> None:
        stage = evolve(stage, shards=((), ()))
        stage.open()
        stage.write(0, 1)

        stage.publish()

        assert (stage.rows(), len(stage.files())) == ([], 2)

    # -- workers

    def test_a_shard_that_is_there_is_not_read_again(self, stage: LoadStage) -> None:
        stage.open()
        first = stage.write(0)

        second = stage.write(0, read=lambda _: pytest.fail("read again"))

        assert (first.found, second.found) == (False, True)
        assert (first.shard, first.shard.rows) == (second.shard, 3)

    @pytest.mark.parametrize("fault", Fault)
    def test_a_worker_may_end_before_or_after_any_request_and_an_answer_may_be_lost(
        self, stage: LoadStage, fault: Fault
    ) -> None:
        """Its transaction was committed or is undone: the next worker finds the shard, or writes it."""
        stage.open()
        requests = len(stage.interrupted(0, Fault.LOST_ANSWER, BEYOND).seen)
        # What was inserted, the shard's row, and their COMMIT.
        assert requests > 2
        stage.discard()

        for at in range(1, requests + 2):
            each = evolve(stage, load=f"load {at}")
            each.open()
            struck = each.interrupted(0, fault, at).struck
            each.write(0)

            assert (struck is not None) == (fault is Fault.CUT or at <= requests)
            assert (each.waiting(), each.shard_rows()) == (FIRST, [3, None, None]), f"request {at}: {struck}"
            each.discard()

    def test_a_worker_tries_its_whole_shard_again(self, stage: LoadStage) -> None:
        stage.open()

        written = stage.write(0, strike=once("during", failing))

        assert (written.attempts, written.found, stage.waiting()) == (2, False, FIRST)

    def test_a_worker_that_cannot_read_its_shard_leaves_nothing_of_it(self, stage: LoadStage) -> None:
        stage.open()
        whole = stage.reader()

        def cut_off(shard: ShardRow) -> Iterator[Sequence[pa.RecordBatch]]:
            yield next(whole(shard))
            raise ConfigError("The file is cut off.")

        with pytest.raises(ConfigError, match="cut off"):
            stage.write(0, read=cut_off)

        assert (stage.waiting(), stage.shard_rows()) == ([], [None, None, None])

    def test_a_shard_that_another_worker_wrote_meanwhile_is_found(self, stage: LoadStage) -> None:
        stage.open()

        written = stage.write(0, strike=once("before", lambda: stage.write(0)))

        assert (written.found, stage.waiting()) == (True, FIRST)

    def test_a_shard_that_the_load_does_not_have_is_refused(self, stage: LoadStage) -> None:
        stage.open()

        with pytest.raises(ConfigError, match="has no shard 3"):
            stage.write(3)

    @pytest.mark.parametrize("ended", ["discarded", "published", "opened again"])
    @pytest.mark.parametrize("moment", ["before it looked", "after it looked"])
    def test_a_worker_of_a_load_that_has_ended_writes_nothing(
        self, stage: LoadStage, ended: str, moment: str
    ) -> None:
        """Its rows would be another load's, or a sync's."""
        stage = evolve(stage, shards=SHARDS[:1])
        left = []

        def end() -> None:
            if ended == "published":
                stage.write(0)
                stage.publish()
            else:
                stage.discard()
            if ended == "opened again":
                evolve(stage, load="two").open()
            left.append(stage.everything())

        stage.open()
        if moment == "before it looked":
            end()
        with pytest.raises(ConfigError, match="no longer open"):
            stage.write(0, strike=once("before", end))

        assert left == [stage.everything()]

    # -- publication

    @pytest.mark.parametrize("strategy", LEFT)
    def test_a_load_whose_shards_are_not_all_there_is_not_published(
        self, stage: LoadStage, strategy: Strategy
    ) -> None:
        synced(stage)
        stage = evolve(stage, strategy=strategy)
        stage.open()
        stage.write(0, 2)
        before = stage.everything()

        with pytest.raises(ConfigError, match=r"2 of the 3 shards .* are there"):
            stage.publish()

        assert stage.everything() == before
        stage.write(1)
        stage.publish()
        assert stage.rows() == LEFT[strategy]

    def test_a_load_is_not_published_with_a_file_that_another_has_brought_since(
        self, stage: LoadStage
    ) -> None:
        stage.open()
        stage.write(0, 1, 2)
        stage.add_files(file("1.ndjson", "rival"))
        before = stage.everything()

        with pytest.raises(ConfigError, match="was planned"):
            stage.publish()

        assert stage.everything() == before

    def test_a_load_with_such_a_file_does_not_start(self, stage: LoadStage) -> None:
        synced(stage)
        stage.add_files(file("1.ndjson", "rival"))

        with stage.coordinator() as run:
            run.do(O.CLAIM, O.INSPECT)

            assert run.life.start_would_lose_rows
            assert "since this load of stream users was planned" in str(run.life.failure)

    def test_a_load_that_was_published_is_known_by_its_files(self, stage: LoadStage) -> None:
        """A process that publishes it once more has nothing left to do."""
        stage.open()
        stage.write(0, 1, 2)
        stage.publish()

        with stage.coordinator() as run:
            run.do(O.CLAIM, O.INSPECT)

            assert (run.life.load_is_published, run.life.failure) == (True, None)

    def test_a_file_that_was_known_when_the_load_was_planned_is_brought_again(self, stage: LoadStage) -> None:
        earlier, other = file("1.ndjson", "earlier"), file("other", "earlier")
        synced(stage)
        stage.add_files(earlier, other)
        stage = evolve(stage, known=(earlier,))
        stage.open()
        stage.write(0, 1, 2)

        stage.publish()

        assert (stage.rows(), set(stage.files())) == (LEFT[APPEND], {*FILES, other})

    def test_a_load_that_replaces_the_table_replaces_the_files_of_its_name(self, stage: LoadStage) -> None:
        stage = evolve(stage, strategy=APPEND_TRUNCATE)
        synced(stage)
        stage.add_files(file("before", "zero"), file("1.ndjson", "zero"))
        stage.add_files(file("before", "zero"), name="another")
        stage.open()
        stage.write(0, 1, 2)

        stage.publish()

        assert (stage.files(), stage.files("another")) == (FILES, (file("before", "zero"),))

    @pytest.mark.parametrize("strategy", LEFT)
    def test_a_publication_that_was_decided_is_completed_by_a_sync(
        self, stage: LoadStage, strategy: Strategy
    ) -> None:
        """Its files are known from the decision on. There is nothing to complete if one commit holds everything."""
        stage = evolve(stage, strategy=strategy)
        decided = [each for each in cut_publications(stage) if each.entry().publishing is not None]

        for each in decided:
            files = each.files()
            with open_run(each.connector, APPEND, run="sync", stream=each.stream) as sync:
                sync.do(O.CLAIM, O.COMPLETE)

                assert sync.life.publishing is (Publishing.REPLACE if strategy.truncates else Publishing.ADD)
            assert (files, each.files(), each.shard_rows()) == (FILES, FILES, [])
            assert (each.rows(), each.tables) == (LEFT[strategy], {each.table})
        assert bool(decided) == (stage.connector.atomic is not Atomic.EVERYTHING)

    # -- claims

    @pytest.mark.parametrize("rival", [None, "two"], ids=["a sync", "another load"])
    def test_a_table_on_which_a_load_is_open_is_claimed_by_nobody_else(
        self, stage: LoadStage, rival: str | None
    ) -> None:
        stage.open()
        stage.write(1)
        before = stage.everything()

        load = load_of(SHARDS, DEDUP, rival) if rival is not None else None
        with (
            open_run(stage.connector, DEDUP, run="rival", load=load) as run,
            pytest.raises(ConfigError, match=r"A load is open on .*: 1 of its 3 shards are there") as refused,
        ):
            run.do(O.CLAIM)

        assert "dataflow shards publish" in refused.value.remedy
        assert stage.everything() == before

    @pytest.mark.parametrize("strategy", LEFT)
    def test_another_coordinator_goes_on_with_a_load_and_keeps_what_is_there(
        self, stage: LoadStage, strategy: Strategy
    ) -> None:
        stage = evolve(stage, strategy=strategy)
        stage.open()
        stage.write(0)
        before = stage.everything()

        with stage.coordinator("next") as run:
            run.do(O.CLAIM, O.INSPECT, O.RESUME_TEMP)

            assert (run.life.temp_continues, run.life.temp_disposable) == (True, False)
        assert stage.everything() == before

    def test_a_load_whose_temp_table_was_dropped_is_loaded_again(self, stage: LoadStage) -> None:
        stage.open()
        stage.write(0)
        temp = stage.entry().temp
        assert temp is not None
        with stage.client.transaction():
            stage.client.drop_table(temp)

        with stage.coordinator("next") as run:
            run.do(O.CLAIM, O.INSPECT, O.DISCARD, O.OPEN_TEMP)

        assert (stage.waiting(), stage.shard_rows()) == ([], [None, None, None])

    def test_a_load_that_is_given_up_leaves_nothing(self, stage: LoadStage) -> None:
        synced(stage)
        stage.open()
        stage.write(1)

        stage.discard()

        assert (stage.rows(), stage.shard_rows(), stage.files()) == (PRIOR, [], ())
        assert stage.tables == {stage.table}

    def test_raw_ids_go_on_from_a_sync_to_a_load_and_to_the_next_sync(self, stage: LoadStage) -> None:
        with open_run(stage.connector, APPEND, run="before") as run:
            run.do(O.CLAIM, O.INSPECT, O.OPEN_FINAL, run.flush(1, row(2**40, id=1, name="first")))
        stage.open()
        stage.write(0, 1, 2)
        stage.publish()
        highest = max(str(each[RAW_ID]) for each in stage.destination.read(stage.table))

        with open_run(stage.connector, DEDUP, run="after") as run:
            run.do(O.CLAIM, O.INSPECT)

            assert (run.operations.highest_raw_id or "") > highest
            assert run.life.facts is not None
            assert run.life.facts.temp is None
        assert stage.rows() == [(1, "first"), *IN_ORDER]


def synced(stage: LoadStage) -> None:
    """Have a sync fill the table."""
    rows = [row(number, id=id_, name=name) for number, (id_, name) in enumerate(PRIOR, 1)]
    with open_run(stage.connector, APPEND, run="before", stream=stage.stream) as run:
        run.do(O.CLAIM, O.INSPECT, O.OPEN_FINAL, run.flush(1, *rows))


def cut_publications(stage: LoadStage) -> Iterator[LoadStage]:
    """Publications of a load into a table each, cut before each of their requests in turn, and after the last.

    One is enough where one commit holds everything: `CutSuite` cuts the others.
    """
    operation, at, seen = PUBLISH[stage.strategy], 0, 1
    most = 1 if stage.connector.atomic is Atomic.EVERYTHING else BEYOND
    while at < min(most, seen + 1):
        at += 1
        each = evolve(stage, stream=f"cut_{at}_users")
        synced(each)
        each.open()
        each.write(0, 1, 2)
        interruption = Interruption(operation=operation, fault=Fault.CUT, at=at)
        with each.coordinator("publisher") as run, suppress(Cut):
            run.do(O.CLAIM, O.INSPECT, O.RESUME_TEMP)
            stage.ear.to = interruption
            with interruption.watching(operation):
                run.do(operation)
        stage.ear.to, seen = None, len(interruption.seen)
        yield each


def once(moment: str, act: Callable[[], object]) -> Callable[[str, str], None]:
    """Acts at the first such moment of a worker's transaction."""
    acts = [act]

    def strike(when: str, _: str) -> None:
        if when == moment and acts:
            acts.pop()()

    return strike


def failing() -> None:
    """What passes."""
    raise TransientError("The connection was lost.")
