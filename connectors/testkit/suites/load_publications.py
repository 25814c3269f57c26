"""The suite of what becomes of a load: the next process publishes it as a whole, goes on with it, or gives it up.

While it is open nobody else claims its table; the doctor and a plan say so.
"""

from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
from attrs import evolve

from connectors.contract import Atomic
from connectors.engine.dry_run.diagnosis import Kind
from connectors.engine.dry_run.doctor import examine
from connectors.engine.dry_run.doctor_text import as_text
from connectors.engine.dry_run.plan import plan
from connectors.testkit.harness.cuts import Cut, Fault, Interruption
from connectors.testkit.harness.destination import Destination, Suite, each_needs
from connectors.testkit.harness.loads import (
    FILES,
    IN_ORDER,
    LEFT,
    PRIOR,
    PUBLISH,
    SHARDS,
    LoadStage,
    file,
    load_of,
    load_stage,
)
from connectors.testkit.harness.rows import row
from connectors.testkit.harness.runs import open_run, stream_life
from connectors.testkit.harness.theatre import BEYOND
from dataflow.catalog import Strategy
from dataflow.errors import ConfigError
from dataflow.types import RAW_ID
from machines.operations import Publishing, StreamOperation

O = StreamOperation  # noqa: E741 - as in the other suites
APPEND, DEDUP, APPEND_TRUNCATE = Strategy.APPEND, Strategy.DEDUP, Strategy.APPEND_TRUNCATE


@each_needs(loads=True)
class LoadPublicationSuite(Suite):
    """Publication, claims by others, and the end of a load."""

    @pytest.fixture
    def stage(self, destination: Destination) -> Iterator[LoadStage]:
        """The destination, to be loaded into."""
        with load_stage(destination) as stage:
            yield stage

    @pytest.mark.parametrize("strategy", [APPEND, APPEND_TRUNCATE])
    def test_a_load_whose_shards_are_not_all_there_is_not_published(
        self, stage: LoadStage, strategy: Strategy
    ) -> None:
        stage.fill()
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
        stage.fill()
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
        stage.fill()
        stage.add_files(earlier, other)
        stage = evolve(stage, known=(earlier,))
        stage.open()
        stage.write(0, 1, 2)

        stage.publish()

        assert (stage.rows(), set(stage.files())) == (LEFT[APPEND], {*FILES, other})

    def test_a_load_that_replaces_the_table_makes_it_forget_the_files_of_every_name(
        self, stage: LoadStage
    ) -> None:
        stage = evolve(stage, strategy=APPEND_TRUNCATE)
        stage.fill()
        stage.add_files(file("before", "zero"), file("1.ndjson", "zero"))
        stage.add_files(file("before", "zero"), name="another")
        stage.open()
        stage.write(0, 1, 2)

        stage.publish()

        assert (stage.files(), stage.files("another")) == (FILES, ())

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

    @pytest.mark.parametrize("strategy", [APPEND, APPEND_TRUNCATE])
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
        stage.fill()
        stage.open()
        stage.write(1)

        stage.discard()

        assert (stage.rows(), stage.shard_rows(), stage.files()) == (PRIOR, [], ())
        assert stage.tables == {stage.table}

    # -- dry runs

    def test_the_doctor_names_an_open_load_and_its_shards(self, destination: Destination) -> None:
        with load_stage(destination) as any_load:
            stage = evolve(any_load, strategy=APPEND_TRUNCATE)
            stage.open()
            stage.write(0, 2)
            before = stage.everything()

        with closing(destination.connector()) as connector:
            sync = stream_life(connector, APPEND).stream
            diagnoses = [examine(connector), examine(connector, [sync])]

        for diagnosis in diagnoses:
            (finding,) = diagnosis.findings
            assert (finding.kind, finding.table, finding.fix) == (Kind.LOAD, stage.table, None)
            assert (finding.written, finding.shards, finding.rows) == (2, 3, 5)
            text = as_text(diagnosis, ())
            assert "2 of 3 shards are there" in text
            assert "dataflow shards publish PLAN" in text
        with load_stage(destination) as later:
            assert later.everything() == before

    def test_the_doctor_finds_nothing_of_a_load_that_has_ended(self, destination: Destination) -> None:
        with load_stage(destination) as stage:
            stage.open()
            stage.write(0, 1, 2)
            stage.publish()

        with closing(destination.connector()) as connector:
            assert examine(connector).findings == ()

    def test_a_sync_over_an_open_load_is_planned_to_fail(self, destination: Destination) -> None:
        with load_stage(destination) as stage:
            stage.open()
            before = stage.everything()

        with closing(destination.connector()) as connector:
            (planned,) = plan(connector, [stream_life(connector, DEDUP).stream]).streams

        assert planned.path[-1] == "failed"
        assert f"A load is open on {stage.table}: 0 of its 3 shards are there" in planned.failure
        with load_stage(destination) as stage:
            assert stage.everything() == before

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


def cut_publications(stage: LoadStage) -> Iterator[LoadStage]:
    """Publications of a load into a table each, cut before each of their requests in turn, and after the last.

    One is enough where one commit holds everything: `CutSuite` cuts the others.
    """
    operation, at, seen = PUBLISH[stage.strategy], 0, 1
    most = 1 if stage.connector.atomic is Atomic.EVERYTHING else BEYOND
    while at < min(most, seen + 1):
        at += 1
        each = evolve(stage, stream=f"cut_{at}_users")
        each.fill()
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
