"""The suite for STATE: what is told to the platform, when, in which order, and what a failure leaves untold."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.testkit.destination import open_bench
from connectors.testkit.faulty import Script
from connectors.testkit.messages import (
    catalog,
    complete,
    global_state,
    legacy_state,
    record,
    state,
    status,
    users,
)
from connectors.testkit.rows import row
from connectors.testkit.warehouse import SECONDS, Warehouse, WarehouseSuite
from dataflow.aggregate import Thresholds
from dataflow.catalog import Strategy

APPEND, DEDUP = Strategy.APPEND, Strategy.DEDUP
APPEND_TRUNCATE, DEDUP_TRUNCATE = Strategy.APPEND_TRUNCATE, Strategy.DEDUP_TRUNCATE
# Two records make a batch, and two batches a flush: a handful of records is enough for several transactions.
SMALL = Thresholds(batch_rows=2, flush_rows=4, state_latency=0.0)
PAIR = ("bad", "good")


class CheckpointSuite(WarehouseSuite):
    """A STATE that was told is a promise; these hold the destination to it."""

    # -- when

    @pytest.mark.parametrize("strategy", Strategy)
    def test_a_state_is_not_told_before_its_rows_are_durable(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """Told means kept: at the moment of telling, another connection finds the rows."""
        there: dict[int, set[int]] = {}

        def look(cursor: int) -> None:
            rows = warehouse.data() if strategy is APPEND else warehouse.waiting()
            there[cursor] = {row["id"] for row in rows}

        messages = [part for n in range(1, 21) for part in (record("users", id=n), state("users", n))]

        outcome = warehouse.sync(
            catalog(users(strategy)), *messages, complete("users"), told=look, thresholds=SMALL
        )

        assert outcome.states == list(range(1, 21))
        assert all(set(range(1, cursor + 1)) <= ids for cursor, ids in there.items())

    @pytest.mark.parametrize("strategy", [DEDUP, APPEND_TRUNCATE, DEDUP_TRUNCATE])
    def test_what_is_durable_is_told_before_the_stream_is_published(
        self, warehouse: Warehouse, strategy: Strategy
    ) -> None:
        """Else a crash in between would have published rows sent again."""
        warehouse.sync(catalog(users(strategy, 1)), record("users", id=1, name="old"), complete("users"))
        at_the_telling: list[Any] = []

        warehouse.sync(
            catalog(users(strategy, 2)),
            *(record("users", id=1, name="new"), state("users", 1), complete("users")),
            told=lambda _: at_the_telling.extend(row["name"] for row in warehouse.data()),
        )

        assert at_the_telling == ["old"]
        assert [row["name"] for row in warehouse.data()] == ["new"]

    def test_a_state_is_told_while_the_source_goes_on(self, warehouse: Warehouse) -> None:
        """`testMidSyncCheckpointingStreamState`: a long sync is told of in its course."""
        told = threading.Event()
        in_time: list[bool] = []

        def feed() -> Iterator[bytes]:
            yield record("users", id=1)
            yield state("users", 1)
            in_time.append(told.wait(SECONDS))
            yield complete("users")

        warehouse.sync(
            catalog(users(DEDUP)),
            feed=feed(),
            told=lambda _: told.set(),
            thresholds=Thresholds(state_latency=0.01),
        )

        assert in_time == [True]

    def test_states_without_records_are_told_in_order(self, warehouse: Warehouse) -> None:
        """`testOutOfOrderStateMessages`, for input that has one order only."""
        outcome = warehouse.sync(
            catalog(users(APPEND)), *(state("users", n, count=0) for n in range(5)), complete("users")
        )

        assert outcome.states == list(range(5))
        assert outcome.warnings == []

    # -- what

    def test_every_stream_has_its_own_states_and_counts(self, warehouse: Warehouse) -> None:
        """`testStreamStateTypes`."""
        outcome = warehouse.sync(
            catalog(*(users(APPEND, 1, name) for name in "abc")),
            *(record("a", id=1), state("a", "a1", count=1), record("b", id=1), record("b", id=2)),
            *(state("b", "b1", count=2), record("a", id=2), state("a", "a2", count=1), state("c", "c1")),
            *map(complete, "abc"),
        )

        told = {
            s: (t["destinationStats"]["recordCount"], t["committedRecordsCount"])
            for s, t in zip(outcome.states, outcome.told, strict=True)
        }
        assert told == {"a1": (1, 1), "b1": (2, 2), "a2": (1, 2), "c1": (0, 0)}

    def test_a_count_that_differs_from_the_sources_is_warned_of(self, warehouse: Warehouse) -> None:
        outcome = warehouse.sync(
            catalog(users(APPEND)), record("users", id=1), state("users", 1, count=2), complete("users")
        )

        assert (outcome.exit_code, outcome.states) == (0, [1])
        assert any("2 records" in warning and "1 came" in warning for warning in outcome.warnings)

    def test_a_global_state_is_told_when_every_stream_it_covers_is_durable(
        self, warehouse: Warehouse
    ) -> None:
        """`testCDCStateTypes`; a stream that the catalog does not name is none of ours."""
        there: dict[int, list[int]] = {}

        def look(cursor: int) -> None:
            there[cursor] = [len(warehouse.data(name)) for name in "ab"]

        outcome = warehouse.sync(
            catalog(*(users(APPEND, 1, name) for name in "ab")),
            *(record("a", id=1), record("b", id=1), global_state(1, "a", "b", "unknown", count=2)),
            *(record("b", id=2), global_state(2, "a", "b", "unknown", count=1)),
            *map(complete, "ab"),
            told=look,
        )

        assert (outcome.exit_code, outcome.states) == (0, [1, 2])
        assert [s["destinationStats"]["recordCount"] for s in outcome.told] == [2, 1]
        assert all(a >= 1 and b >= cursor for cursor, (a, b) in there.items())

    def test_a_legacy_state_covers_every_stream_and_comes_back_as_it_was(self, warehouse: Warehouse) -> None:
        outcome = warehouse.sync(
            catalog(users(APPEND)), record("users", id=1), legacy_state("blob"), complete("users")
        )

        assert [told["data"] for told in outcome.told] == [{"cursor": "blob"}]

    def test_states_of_two_kinds_in_one_sync_are_refused(self, warehouse: Warehouse) -> None:
        outcome = warehouse.sync(
            catalog(users(APPEND)), state("users", 1), global_state(2, "users"), complete("users")
        )

        assert outcome.exit_code == 1
        assert outcome.states == [1]
        assert "Mixed state types" in outcome.errors[0]["message"]

    # -- a failure

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
        """Its STATE was told before; so its rows wait in temp, and the final table is as it was."""
        warehouse.sync(catalog(users(strategy, 1, "bad")), record("bad", id=1, name="old"), complete("bad"))
        script = Script()
        script.refuse("bad", method)
        sent = [part for name in PAIR for part in (record(name, id=1, name="new"), state(name, name))]

        failed = warehouse.sync(
            catalog(*(users(strategy, 2, name) for name in PAIR)), *sent, *map(complete, PAIR), script=script
        )
        untouched = [row["name"] for row in warehouse.data("bad")]
        mended = warehouse.sync(catalog(users(strategy, 2, "bad")), complete("bad"))

        assert failed.failed == {"bad": "config_error"}
        assert set(failed.states) == set(PAIR)
        assert untouched == ["old"]
        assert mended.exit_code == 0
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
        """Nothing more could be told; what was told stays, and the other streams' rows wait for the next run."""
        script, told = Script(), threading.Event()

        def feed() -> Iterator[bytes]:
            yield from (record(name, id=1) for name in PAIR)
            yield global_state(1, *PAIR)
            told.wait(SECONDS)
            script.refuse("bad", "insert")
            yield from (record(name, id=2) for name in PAIR)
            yield global_state(2, *PAIR)
            yield complete("bad")
            yield from (record("good", id=3), global_state(3, *PAIR), complete("good"))

        outcome = warehouse.sync(
            catalog(*(users(DEDUP, 1, name) for name in PAIR)),
            feed=feed(),
            told=lambda _: told.set(),
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

    # -- input that is not as it should be

    @pytest.mark.parametrize(
        ("wrong", "complaint"),
        [
            (b'{"type": "RECORD", "record": {"secret": \n', "Line 3"),
            (record("strangers", id=1, name="secret"), "Line 3"),
            (status("users", "INCOMPLETE"), "INCOMPLETE"),
        ],
        ids=["no message", "unknown stream", "incomplete"],
    )
    def test_a_line_that_cannot_be_right_ends_the_sync_and_what_is_durable_is_told(
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
