"""The suite of what fails: a stream, its publication, the input. Each leaves alone what it can."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from attrs import evolve

from connectors.engine.sync.check import check_connector
from connectors.engine.sync.undoing import TRIED
from connectors.testkit.harness.destination import needs, open_bench
from connectors.testkit.harness.faulty import Script, faulty
from connectors.testkit.harness.messages import catalog, complete, global_state, record, state, status, users
from connectors.testkit.harness.rows import row
from connectors.testkit.harness.warehouse import SECONDS, SMALL, Outcome, Warehouse, WarehouseSuite
from dataflow.catalog import Strategy
from dataflow.errors import InternalError
from dataflow.pipeline.aggregate import Thresholds

APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE
PAIR = ("bad", "good")


class FailureSuite(WarehouseSuite):
    """Each stream stands alone, and what was acknowledged before a failure is kept."""

    # -- of the connector

    @needs(undoes_tables=True)
    def test_a_connector_whose_tables_outlive_a_rollback_is_refused_by_the_check(
        self, warehouse: Warehouse
    ) -> None:
        with closing(warehouse.destination.connector()) as real:
            with pytest.raises(InternalError, match="keeps a table after the transaction") as caught:
                check_connector(faulty(real, Script(tables_outlive=True)), "check")

            with closing(real.client()) as client, client.transaction():
                left = client.tables_named(TRIED)
        assert "author" in caught.value.remedy
        assert list(left) == []

    @needs(undoes_tables=True)
    def test_a_connector_whose_tables_outlive_a_rollback_is_refused_by_its_first_sync(
        self, warehouse: Warehouse
    ) -> None:
        outcome = warehouse.sync(
            catalog(users(APPEND)),
            record("users", id=1),
            state("users", 1),
            complete("users"),
            script=Script(tables_outlive=True),
        )

        (error,) = outcome.errors
        assert (outcome.exit_code, outcome.states) == (1, [])
        assert "keeps a table after the transaction" in error["message"]
        assert warehouse.tables().final not in warehouse.destination.tables()
        assert warehouse.left_behind() == set()

    # -- of one stream

    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_failed_stream_leaves_the_others_and_their_states_alone(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """Each stream stands alone: one that cannot be written fails neither the others nor their checkpoints."""
        script = Script()
        script.refuse("bad", "insert")

        outcome = warehouse.sync(
            catalog(*(users(strategy, 1, name) for name in PAIR)),
            *(
                part
                for n in range(1, 7)
                for name in PAIR
                for part in (record(name, id=n), state(name, f"{name}{n}"))
            ),
            *map(complete, PAIR),
            script=script,
            thresholds=SMALL,
        )

        assert outcome.exit_code == 1
        assert outcome.failed == {"bad": "config_error"}
        assert outcome.states == [f"good{n}" for n in range(1, 7)]
        assert [row["id"] for row in warehouse.data("good")] == list(range(1, 7))

    @pytest.mark.parametrize(
        ("strategy", "method"),
        [(DEDUP, "merge_table"), (APPEND_TRUNCATE, "overwrite_table"), (DEDUP_TRUNCATE, "dedupe_table")],
    )
    def test_a_stream_that_cannot_be_published_keeps_its_rows_for_the_next_run(
        self, warehouse: Warehouse, strategy: Strategy, method: str
    ) -> None:
        """Its STATE was emitted before; so its rows wait in temp, and the final table is as it was."""
        warehouse.sync(catalog(users(strategy, 1, "bad")), record("bad", id=1, name="old"), complete("bad"))
        script = Script()
        script.refuse("bad", method)
        sent = [part for name in PAIR for part in (record(name, id=1, name="new"), state(name, name))]

        failed = warehouse.sync(
            catalog(*(users(strategy, 2, name) for name in PAIR)), *sent, *map(complete, PAIR), script=script
        )
        untouched = [row["name"] for row in warehouse.data("bad")]
        later = warehouse.sync(catalog(users(strategy, 2, "bad")), complete("bad"))

        assert failed.failed == {"bad": "config_error"}
        assert set(failed.states) == set(PAIR)
        assert untouched == ["old"]
        assert later.exit_code == 0
        assert {name: [row["name"] for row in warehouse.data(name)] for name in PAIR} == {
            "bad": ["new"],
            "good": ["new"],
        }
        assert warehouse.left_behind() == set()

    def test_a_stream_that_cannot_start_leaves_the_others_alone(self, warehouse: Warehouse) -> None:
        warehouse.sync(catalog(*(users(APPEND, 1, name) for name in PAIR)), *map(complete, PAIR))
        tables = warehouse.tables("bad")
        with open_bench(warehouse.destination) as bench:
            bench.make(tables.temp, tables.columns, row(1, id=1))

        outcome = warehouse.sync(
            catalog(*(users(DEDUP, 2, name) for name in PAIR)),
            *(part for name in PAIR for part in (record(name, id=2), state(name, name), complete(name))),
        )

        assert outcome.failed == {"bad": "config_error"}
        assert outcome.states == ["good"]
        assert [row["id"] for row in warehouse.data("good")] == [2]
        assert warehouse.data("bad") == []

    def test_a_stream_without_complete_leaves_the_others_alone(self, warehouse: Warehouse) -> None:
        outcome = warehouse.sync(
            catalog(*(users(DEDUP, 1, name) for name in PAIR)),
            *(part for name in PAIR for part in (record(name, id=1), state(name, name))),
            complete("good"),
        )

        assert outcome.failed == {"bad": "transient_error"}
        assert set(outcome.states) == set(PAIR)
        assert [row["id"] for row in warehouse.data("good")] == [1]

    def test_under_global_state_the_first_failure_stops_the_reading(self, warehouse: Warehouse) -> None:
        """No STATE could be emitted any more; acknowledged rows stay, and the other streams' rows wait for the next
        run.
        """
        script, emitted, failed = Script(), threading.Event(), threading.Event()

        def feed() -> Iterator[bytes]:
            yield from (record(name, id=1) for name in PAIR)
            yield global_state(1, *PAIR)
            emitted.wait(SECONDS)
            script.refuse("bad", "insert")
            yield from (record(name, id=2) for name in PAIR)
            yield global_state(2, *PAIR)
            yield complete("bad")
            failed.wait(SECONDS)
            yield from (record("good", id=3), global_state(3, *PAIR), complete("good"))

        outcome = warehouse.sync(
            catalog(*(users(DEDUP, 1, name) for name in PAIR)),
            feed=feed(),
            on_state=lambda _: emitted.set(),
            keep=lambda entry: failed.set() if entry.get("to") == "failed" else None,
            script=script,
            thresholds=Thresholds(state_latency=0.01),
        )
        again = warehouse.sync(
            catalog(*(users(DEDUP, 1, name) for name in PAIR)),
            *(record(name, id=2) for name in PAIR),
            global_state(4, *PAIR),
            *map(complete, PAIR),
        )

        assert (outcome.exit_code, outcome.states) == (1, [1])
        assert (again.exit_code, again.states) == (0, [4])
        assert {name: [row["id"] for row in warehouse.data(name)] for name in PAIR} == {
            "bad": [1, 2],
            "good": [1, 2],
        }

    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_flush_of_which_rows_were_lost_is_undone_and_not_acknowledged(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """Counts are conserved: what was read and what the database took must agree."""
        outcome = warehouse.sync(
            catalog(users(strategy)),
            *(record("users", id=1), record("users", id=2), state("users", 2), complete("users")),
            script=Script(miscount=1),
        )

        assert (outcome.failed, outcome.states) == ({"users": "system_error"}, [])
        assert all(warehouse.destination.read(table) == [] for table in warehouse.destination.tables())

    # -- of a destination that does not answer

    @pytest.mark.parametrize("commits", [2, 4, 5], ids=["inspect", "flush", "merge"])
    def test_a_run_whose_destination_hangs_keeps_its_stream_to_itself(
        self, warehouse: Warehouse, commits: int
    ) -> None:
        """It may come back at any time: the second run's error names the holder of the stream, and it writes nothing.

        Set up, claim, inspect, open and flush are five COMMITs, and the merge is the sixth.
        """
        script = Script(wait=commits)
        script.hang_next_answer()
        ended: list[Outcome] = []

        def sync_and_hang() -> None:
            sent = (record("users", id=1), state("users", 1), complete("users"))
            ended.append(warehouse.sync(catalog(users(DEDUP)), *sent, script=script))

        first = threading.Thread(target=sync_and_hang)
        first.start()
        hung = script.hangs.wait(SECONDS)
        sent = (record("users", id=2), complete("users"))
        second = evolve(warehouse, run="the second").sync(catalog(users(DEDUP)), *sent)
        script.resumed.set()
        first.join()

        assert hung
        assert second.failed == {None: "config_error", "users": "config_error"}
        assert "kit" in second.errors[1]["message"]
        assert (ended[0].exit_code, ended[0].states) == (0, [1])
        assert [row["id"] for row in warehouse.data()] == [1]

    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_slow_destination_only_takes_longer(self, warehouse: Warehouse, strategy: Strategy) -> None:
        """What comes in meanwhile waits; the STATEs come in their order."""
        script = Script()
        script.slow(0.02, "insert")

        outcome = warehouse.sync(
            catalog(users(strategy)),
            *(part for n in range(1, 13) for part in (record("users", id=n), state("users", n))),
            complete("users"),
            script=script,
            thresholds=SMALL,
        )

        assert (outcome.exit_code, outcome.states) == (0, list(range(1, 13)))
        assert [row["id"] for row in warehouse.data()] == list(range(1, 13))

    # -- input that is not as it should be

    @pytest.mark.parametrize(
        ("wrong", "complaint"),
        [
            (b'{"type": "RECORD", "record": {"secret": \n', "Line 3"),
            (record("strangers", id=1, name="secret"), "Line 3"),
        ],
        ids=["no message", "unknown stream"],
    )
    def test_a_line_that_cannot_be_right_ends_the_sync_and_what_is_durable_is_acknowledged(
        self, warehouse: Warehouse, wrong: bytes, complaint: str
    ) -> None:
        """The error names the place, never the content."""
        outcome = warehouse.sync(
            catalog(users(DEDUP)), record("users", id=1), state("users", 1), wrong, complete("users")
        )

        assert (outcome.exit_code, outcome.states) == (1, [1])
        assert complaint in outcome.errors[0]["message"]
        assert "secret" not in str(outcome.errors)
        assert [row["id"] for row in warehouse.waiting()] == [1]

    @pytest.mark.parametrize("strategy", Strategy)
    @pytest.mark.parametrize(
        ("wrong", "complaint"),
        [
            (status("b", "INCOMPLETE"), "INCOMPLETE"),
            (record("b", id=2, name="secret").replace(b"emitted_at", b"at"), "no `emitted_at`"),
        ],
        ids=["incomplete", "no time"],
    )
    def test_what_is_wrong_with_one_stream_of_the_input_fails_that_stream_alone(
        self, warehouse: Warehouse, strategy: Strategy, wrong: bytes, complaint: str
    ) -> None:
        """The others are published; of the one that failed nothing is, and what was emitted of it waits."""
        outcome = warehouse.sync(
            catalog(*(users(strategy, name=name) for name in "abc")),
            *(line for name in "abc" for line in (record(name, id=1), state(name, name))),
            wrong,
            *(
                line
                for name in "abc"
                for line in (record(name, id=3), state(name, f"{name}2"), complete(name))
            ),
        )

        assert (outcome.exit_code, list(outcome.failed)) == (1, ["b"])
        assert complaint in outcome.errors[0]["message"]
        assert "secret" not in str(outcome.errors)
        assert sorted(outcome.states) == ["a", "a2", "b", "c", "c2"]
        assert [len(warehouse.data(name)) for name in "ac"] == [2, 2]
        kept = warehouse.data("b") if strategy is Strategy.APPEND else warehouse.waiting("b")
        assert [row["id"] for row in kept] == [1]

    def test_an_incomplete_stream_stops_the_reading_where_global_states_cover_it(
        self, warehouse: Warehouse
    ) -> None:
        outcome = warehouse.sync(
            catalog(users(DEDUP), users(DEDUP, name="others")),
            record("users", id=1),
            global_state(1, "users", "others"),
            status("others", "INCOMPLETE"),
            record("users", id=2),
            global_state(2, "users", "others"),
            complete("users"),
        )

        assert (outcome.exit_code, outcome.states) == (1, [1])
        assert outcome.failed["others"] == "system_error"

    @pytest.mark.parametrize("strategy", Strategy)
    def test_an_input_that_ends_the_sync_at_once_leaves_nothing_behind(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        outcome = warehouse.sync(catalog(users(strategy)), b"Hello\n")

        assert outcome.exit_code == 1
        assert warehouse.left_behind() == set()

    def test_a_record_after_its_streams_complete_is_refused(self, warehouse: Warehouse) -> None:
        outcome = warehouse.sync(
            catalog(users(APPEND)), record("users", id=1), complete("users"), record("users", id=2)
        )

        assert (outcome.exit_code, [row["id"] for row in warehouse.data()]) == (1, [1])

    def test_a_second_complete_changes_nothing(self, warehouse: Warehouse) -> None:
        outcome = warehouse.sync(
            catalog(users(APPEND_TRUNCATE)), record("users", id=1), complete("users"), complete("users")
        )

        assert (outcome.exit_code, [row["id"] for row in warehouse.data()]) == (0, [1])
