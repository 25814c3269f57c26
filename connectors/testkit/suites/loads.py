"""The suite of loads: rows that come in shards, which any process may write, are there once, or not at all.

A worker may die anywhere, come twice, or come late. The ledger alone says which shards are there.
"""

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pytest
from attrs import evolve

from connectors.testkit.harness.cuts import Fault
from connectors.testkit.harness.destination import Destination, Suite, each_needs
from connectors.testkit.harness.loads import (
    FILES,
    FIRST,
    LEFT,
    PRIOR,
    SHARDS,
    LoadStage,
    load_stage,
)
from connectors.testkit.harness.theatre import BEYOND
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError, TransientError
from machines.loads import ShardRow
from machines.operations import StreamOperation

O = StreamOperation  # noqa: E741 - as in the other suites
APPEND, DEDUP, APPEND_TRUNCATE = Strategy.APPEND, Strategy.DEDUP, Strategy.APPEND_TRUNCATE


@each_needs(loads=True)
class LoadSuite(Suite):
    """Open, write, publish: each by another process, in whatever order, and as often as it takes."""

    @pytest.fixture
    def stage(self, destination: Destination) -> Iterator[LoadStage]:
        """The destination, to be loaded into."""
        with load_stage(destination) as stage:
            yield stage

    @pytest.mark.parametrize("strategy", LEFT)
    def test_a_load_is_published_with_every_row_once_in_the_order_of_its_files(
        self, stage: LoadStage, strategy: Strategy
    ) -> None:
        stage.fill()
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

    @pytest.mark.parametrize(
        ("ended", "moment"),
        [("discarded", "before it looked")]
        + [(ended, "after it looked") for ended in ("discarded", "published", "opened again")],
    )
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

    @pytest.mark.parametrize("shard", [0, 1])
    def test_a_worker_is_fenced_by_the_entry_and_not_by_its_shard_alone(
        self, stage: LoadStage, shard: int
    ) -> None:
        """Somebody has changed the ledger by hand, and left the shards."""
        stage.open()
        temp = stage.entry().temp

        def change() -> None:
            with stage.client.transaction():
                entry = stage.client.ledger.hold(stage.table)
                assert entry is not None
                elsewhere = evolve(entry, temp=evolve(stage.table, name="users_elsewhere"))
                stage.client.ledger.save(entry.without_temp() if shard == 0 else elsewhere)

        with pytest.raises(ConfigError, match="no longer open"):
            stage.write(shard, strike=once("before", change))

        assert temp is not None
        assert (stage.destination.read(temp), stage.shard_rows()) == ([], [None, None, None])


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
